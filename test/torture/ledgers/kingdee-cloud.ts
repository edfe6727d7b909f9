import { z } from "zod";
import { startKingdeeCloud } from "../../../simulators/kingdee-cloud/server.ts";
import type { TortureLedger } from "./ledger.ts";

const BOOK = "001";
const ORGANISATION = "100";

const Dump = z.object({
  vouchers: z.array(
    z.object({
      external: z.string(),
      invalid: z.boolean(),
      entries: z.array(z.object({ explanation: z.string(), debit: z.string() })),
      origin: z.object({ request: z.string() }),
    }),
  ),
});

/** 金蝶云星空. */
export const kingdeeCloud: TortureLedger = {
  book: BOOK,
  start: async ({ seed, latencyMs }) => {
    const simulator = await startKingdeeCloud({
      seed,
      openPeriod: "2025-01",
      ...(latencyMs === undefined ? {} : { latencyMs }),
    });
    const { baseUrl, origin, credentials } = simulator;
    return {
      baseUrl,
      origin,
      secrets: Object.fromEntries(Object.entries(credentials).map(([name, value]) => [name, String(value)])),
      settings: { books: { [BOOK]: ORGANISATION } },
      stages: ["saved", "submitted", "audited", "audited", "audited", "audited"],
      close: () => simulator.close(),
    };
  },
  drawSettings: (random) => ({
    authentication: random.below(2) === 0 ? "signed" : "session",
    batchMax: 1 + random.below(6),
  }),
  faults: {
    create: ["save", "batchSave"],
    advance: ["submit", "audit"],
    reads: [["query"], ["view"], ["query", "view"]],
    ownReads: [],
    failureForms: ["response_error", undefined, undefined],
    sessionForms: [undefined, "array", "response_error", "401", "empty"],
    throttledForms: [undefined],
  },
  dumpPath: "/_sim/books",
  readDump: (dump) =>
    Dump.parse(dump).vouchers.map(({ external, invalid, entries, origin }) => ({
      key: external,
      voided: invalid,
      request: origin.request,
      lines: entries.map(({ explanation, debit }) => ({ summary: explanation, debit })),
    })),
};
