import { Connection } from "@temporalio/client";
import { msToTs } from "@temporalio/common/lib/time.js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SEARCH_ATTRIBUTES } from "../config/environment.ts";
import { createLog, linesInMemory } from "../observability/log.ts";
import { testTemporal } from "../test/support/temporal.ts";
import { ensureSearchAttributes } from "./search-attributes.ts";

const DAY_MS = 86_400_000;
const KEYWORD = 2;
/** The server's own limit for this type in one namespace. */
const KEYWORDS_MAX = 10;
const LIMIT_MS = 60_000;

let connection: Connection;
beforeAll(async () => {
  const { address } = await testTemporal();
  connection = await Connection.connect({ address });
});
afterAll(() => connection.close());

const memory = linesInMemory();
const log = createLog({ level: "info", destination: memory.destination });

/** A namespace without our attributes, with these instead. */
async function namespaceWith(name: string, attributes: readonly string[]): Promise<string> {
  await connection.workflowService.registerNamespace({
    namespace: name,
    workflowExecutionRetentionPeriod: msToTs(DAY_MS),
  });
  const searchAttributes = Object.fromEntries(attributes.map((attribute) => [attribute, KEYWORD]));
  // A namespace is usable once every part of the server has heard of it.
  for (let tries = 0; ; tries += 1) {
    try {
      if (attributes.length > 0)
        await connection.operatorService.addSearchAttributes({ namespace: name, searchAttributes });
      await namesIn(name);
      return name;
    } catch (error) {
      if (tries > 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}
const namesIn = async (namespace: string): Promise<string[]> =>
  Object.keys((await connection.operatorService.listSearchAttributes({ namespace })).customAttributes ?? {});
const fillers = (count: number): string[] => Array.from({ length: count }, (_, index) => `Theirs${index}`);

test(
  "a namespace of somebody else's gets our search attributes, two workers may do so at once, and again changes nothing",
  async () => {
    const namespace = await namespaceWith("attributes-none", []);
    await Promise.all([1, 2].map(() => ensureSearchAttributes(connection, namespace, log)));
    expect(await namesIn(namespace)).toEqual(expect.arrayContaining([...SEARCH_ATTRIBUTES]));
    await ensureSearchAttributes(connection, namespace, log);
  },
  LIMIT_MS,
);

test(
  "a namespace that takes no more of them stops the worker with the names of those that are missing",
  async () => {
    const namespace = await namespaceWith("attributes-full", fillers(KEYWORDS_MAX));
    await expect(ensureSearchAttributes(connection, namespace, log)).rejects.toMatchObject({
      code: "SEARCH_ATTRIBUTES_MISSING",
      details: { namespace, missing: SEARCH_ATTRIBUTES.join(" "), reason: expect.stringContaining("Keyword") },
    });
  },
  LIMIT_MS,
);

test(
  "a namespace that lacks one and takes no more stops the worker with the name of that one",
  async () => {
    const [missing = "", ...there] = [...SEARCH_ATTRIBUTES].reverse();
    const others = fillers(KEYWORDS_MAX - there.length);
    const namespace = await namespaceWith("attributes-some", [...there, ...others]);
    await expect(ensureSearchAttributes(connection, namespace, log)).rejects.toMatchObject({
      code: "SEARCH_ATTRIBUTES_MISSING",
      details: { namespace, missing },
    });
  },
  LIMIT_MS,
);
