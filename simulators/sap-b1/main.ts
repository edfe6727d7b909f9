/** `npx tsx simulators/sap-b1/main.ts --port N --seed S --faults FILE [--http]`: prints one JSON line when ready. */

import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { z } from "zod";
import { parseFaultFile } from "../shared/faults.ts";
import { type SapB1Options, startSapB1 } from "./server.ts";

const Arguments = z.object({
  port: z.coerce.number().int().min(0).max(65_535).default(0),
  host: z.string().optional(),
  http: z.boolean().default(false),
  seed: z.coerce.number().int().default(1),
  faults: z.string().optional(),
  settings: z.string().optional(),
  "data-dir": z.string().optional(),
  "open-period": z
    .string()
    .regex(/^\d{4}-(0[1-9]|1[0-2])$/)
    .optional(),
});

const { values } = parseArgs({
  options: {
    port: { type: "string" },
    host: { type: "string" },
    http: { type: "boolean" },
    seed: { type: "string" },
    faults: { type: "string" },
    settings: { type: "string" },
    "data-dir": { type: "string" },
    "open-period": { type: "string" },
  },
});
const given = Arguments.parse(values);
const options: SapB1Options = {
  port: given.port,
  http: given.http,
  seed: given.seed,
  faults: given.faults === undefined ? [] : parseFaultFile(readFileSync(given.faults, "utf8")),
  ...(given.settings === undefined ? {} : { settings: JSON.parse(given.settings) }),
  ...(given.host === undefined ? {} : { host: given.host }),
  ...(given["data-dir"] === undefined ? {} : { dataDir: given["data-dir"] }),
  ...(given["open-period"] === undefined ? {} : { openPeriod: given["open-period"] }),
};
const simulator = await startSapB1(options);
const { baseUrl, credentials, openPeriod, ca } = simulator;
if (ca !== undefined) process.stderr.write(`${JSON.stringify({ ca })}\n`);
process.stdout.write(`${JSON.stringify({ vendor: "sap-b1", baseUrl, credentials, openPeriod })}\n`);

const stop = (): void => {
  simulator.close().then(
    () => process.exit(0),
    () => process.exit(1),
  );
};
process.once("SIGINT", stop);
process.once("SIGTERM", stop);
