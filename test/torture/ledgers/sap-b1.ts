import { SapB1Settings } from "../../../connectors/sap-b1/settings.ts";
import { setUpsFor } from "../../../connectors/sap-b1/setup.ts";
import { startSapB1 } from "../../../simulators/sap-b1/server.ts";
import { person } from "../../conformance/http-face.ts";
import { readBooks } from "../../conformance/sap-b1.ts";
import { type TortureLedger, debitsOf } from "./ledger.ts";

const BOOK = "SBO_DEMO";
/** Short, so that a read that hangs is given up soon. */
const TIMEOUT_MS = 1_500;

/** SAP Business One: entries are final, and a claim row in the same change set lets each key in once. */
export const sapB1: TortureLedger = {
  book: BOOK,
  start: async ({ seed }) => {
    const simulator = await startSapB1({ http: true, seed, openPeriod: "2025-01" });
    const { baseUrl, origin, credentials } = simulator;
    const settings = { books: { [BOOK]: null }, timeoutMs: TIMEOUT_MS, logInTimeoutMs: TIMEOUT_MS };
    for (const { set, body } of setUpsFor(SapB1Settings.parse(settings)))
      await person(origin, "write", { set, fields: body });
    return {
      baseUrl,
      origin,
      secrets: { ...credentials },
      settings,
      stages: ["booked"],
      close: () => simulator.close(),
    };
  },
  drawSettings: (random) => ({
    serviceLayer: random.below(2) === 0 ? "v2" : "v1",
    batchMax: 1 + random.below(6),
    pageSize: 5 + random.below(40),
  }),
  faults: {
    create: ["batchSave"],
    advance: [],
    reads: [["query"]],
    ownReads: [],
    failureForms: [undefined, "-2038", "-2039", "-1", "305"],
    sessionForms: [undefined],
    throttledForms: [undefined],
  },
  dumpPath: "/_sim/books",
  readDump: (dump) => debitsOf(readBooks(dump)),
};
