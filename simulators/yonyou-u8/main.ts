/** `npx tsx simulators/yonyou-u8/main.ts --port N --seed S --faults FILE`: prints one JSON line when ready. */

import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { z } from "zod";
import { parseFaultFile } from "../shared/faults.ts";
import { startYonyouU8, type YonyouU8Options } from "./server.ts";

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
    "latency-ms": { type: "string" },
  },
});
const given = Arguments.parse(values);
const options: YonyouU8Options = {
  port: given.port,
  seed: given.seed,
  faults: given.faults === undefined ? [] : parseFaultFile(readFileSync(given.faults, "utf8")),
  ...(given.host === undefined ? {} : { host: given.host }),
  ...(given["data-dir"] === undefined ? {} : { dataDir: given["data-dir"] }),
  ...(given["open-period"] === undefined ? {} : { openPeriod: given["open-period"] }),
  ...(given["latency-ms"] === undefined ? {} : { settings: { latencyMs: given["latency-ms"] } }),
};
const simulator = await startYonyouU8(options);
const { baseUrl, credentials, openPeriod } = simulator;
process.stdout.write(`${JSON.stringify({ vendor: "yonyou-u8", baseUrl, credentials, openPeriod })}\n`);

const stop = (): void => {
  simulator.close().then(
    () => process.exit(0),
    () => process.exit(1),
  );
};
process.once("SIGINT", stop);
process.once("SIGTERM", stop);
