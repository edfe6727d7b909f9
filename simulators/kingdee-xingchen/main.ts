/** `npx tsx simulators/kingdee-xingchen/main.ts --port N --seed S --faults FILE`: prints one JSON line when ready. */

import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { z } from "zod";
import { parseFaultFile } from "../shared/faults.ts";
import { type KingdeeXingchenOptions, startKingdeeXingchen } from "./server.ts";

const Arguments = z.object({
  port: z.coerce.number().int().min(0).max(65_535).default(0),
  host: z.string().optional(),
  seed: z.coerce.number().int().default(1),
  faults: z.string().optional(),
  "data-dir": z.string().optional(),
  "open-period": z
    .string()
    .regex(/^\d{4}-(0[1-9]|1[0-2])$/)
    .optional(),
  callback: z.url().optional(),
  /** 0 sets no limit */
  "requests-per-second": z.coerce.number().min(0).optional(),
  "latency-ms": z.coerce.number().int().min(0).optional(),
});

const { values } = parseArgs({
  options: {
    port: { type: "string" },
    host: { type: "string" },
    seed: { type: "string" },
    faults: { type: "string" },
    "data-dir": { type: "string" },
    "open-period": { type: "string" },
    callback: { type: "string" },
    "requests-per-second": { type: "string" },
    "latency-ms": { type: "string" },
  },
});
const given = Arguments.parse(values);
const rate = given["requests-per-second"];
const options: KingdeeXingchenOptions = {
  port: given.port,
  seed: given.seed,
  faults: given.faults === undefined ? [] : parseFaultFile(readFileSync(given.faults, "utf8")),
  ...(given.host === undefined ? {} : { host: given.host }),
  ...(given["data-dir"] === undefined ? {} : { dataDir: given["data-dir"] }),
  ...(given["open-period"] === undefined ? {} : { openPeriod: given["open-period"] }),
  ...(rate === undefined ? {} : { requestsPerSecondMax: rate === 0 ? null : rate }),
  ...(given.callback === undefined ? {} : { callbackUrl: given.callback }),
  ...(given["latency-ms"] === undefined ? {} : { latencyMs: given["latency-ms"] }),
};
const simulator = await startKingdeeXingchen(options);
const { baseUrl, credentials, openPeriod } = simulator;
process.stdout.write(`${JSON.stringify({ vendor: "kingdee-xingchen", baseUrl, credentials, openPeriod })}\n`);

const stop = (): void => {
  simulator.close().then(
    () => process.exit(0),
    () => process.exit(1),
  );
};
process.once("SIGINT", stop);
process.once("SIGTERM", stop);
