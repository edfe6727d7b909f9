import { startJiandaoyun } from "../../../simulators/jiandaoyun/server.ts";
import { BOOK, prepare, readBooks, settingsFor } from "../../conformance/jiandaoyun.ts";
import { type TortureLedger, debitsOf } from "./ledger.ts";

/** The seed says whether the vouchers' form has a workflow, and so whether they can be audited. */
const kindOf = (seed: number): "plain" | "flow" => (seed % 2 === 0 ? "plain" : "flow");

/** 简道云 as a ledger: one record per voucher, created under the key as its transaction. */
export const jiandaoyun: TortureLedger = {
  book: BOOK,
  start: async ({ seed }) => {
    const simulator = await startJiandaoyun({ seed, switches: { rates: "off" } });
    const { baseUrl, credentials } = simulator;
    const kind = kindOf(seed);
    await prepare(baseUrl, kind);
    return {
      baseUrl,
      origin: baseUrl,
      secrets: { apiKey: credentials.apiKey },
      settings: settingsFor(kind),
      stages: kind === "plain" ? ["saved"] : ["submitted", "audited", "audited"],
      close: () => simulator.close(),
    };
  },
  // Codes are trusted for a while, as in the field: asking for each anew would make a run twice as long.
  drawSettings: () => ({ masterTrustMs: 60_000 }),
  faults: {
    create: ["batch-create"],
    advance: ["workflow-approve"],
    reads: [["list"], ["get"], ["fields"], ["list", "get", "workflow-read"]],
    // An empty page, or one that lacks a row, with nothing to tell it from a true one.
    ownReads: [
      { kind: "200-failure", variant: "empty-page" },
      { kind: "reorder", variant: "page-shift" },
      { kind: "reorder", variant: "short-page" },
      { kind: "reorder", variant: "repeated-row" },
    ],
    failureForms: [undefined],
    sessionForms: [undefined],
    throttledForms: [undefined, "8304", "429"],
  },
  dumpPath: "/_sim/dump",
  readDump: (dump) => debitsOf(readBooks(dump)),
};
