import { inject } from "vitest";
import { z } from "zod";

/** Asks this run's shared servers for something (see `global-setup.ts`); the first to ask waits until it is up. */
export async function fromTestServers<Answer>(path: string, schema: z.ZodType<Answer>): Promise<Answer> {
  const answer = await fetch(`${inject("testServers")}${path}`);
  const text = await answer.text();
  if (!answer.ok) throw new Error(`The test servers cannot provide ${path}: ${text}`);
  return schema.parse(JSON.parse(text));
}
