import { z } from "zod";
import { FaceError } from "./errors.ts";
import type { PushSender } from "./push.ts";
import type { FormTable, Store } from "./store.ts";
import type { Switches } from "./switches.ts";

/** What every action of a person works with. */
export interface PersonContext {
  readonly store: Store;
  readonly switches: Switches;
  readonly origin: string;
  readonly pushes: PushSender;
  /** Secret of a push that is set up without one. */
  readonly defaultSecret: string;
}

export type Action = (body: unknown, context: PersonContext) => unknown;

/** Parses a request. @throws FaceError 400 naming what does not fit */
export function read<Schema extends z.ZodType>(schema: Schema, body: unknown): z.infer<Schema> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  throw new FaceError(400, z.prettifyError(parsed.error));
}

/** @throws FaceError 404 */
export function tableOf(entryId: string, { store }: PersonContext): FormTable {
  const table = store.tables.get(entryId);
  if (table === undefined) throw new FaceError(404, `no form ${entryId}`);
  return table;
}
