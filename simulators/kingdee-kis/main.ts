/** `npx tsx simulators/kingdee-kis/main.ts --port N --folder F --dialect D --seed S --faults FILE`: prints one JSON line when ready. */

import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { z } from "zod";
import { parseFaultFile } from "../shared/faults.ts";
import { DIALECTS } from "./model.ts";
import { type KingdeeKisOptions, startKingdeeKis } from "./server.ts";

const Arguments = z.object({
  port: z.coerce.number().int().min(0).max(65_535).default(0),
  host: z.string().optional(),
  seed: z.coerce.number().int().default(1),
  faults: z.string().optional(),
  folder: z.string().optional(),
  dialect: z.enum(DIALECTS).default("standard"),
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
    seed: { type: "string" },
    faults: { type: "string" },
    folder: { type: "string" },
    dialect: { type: "string" },
    "data-dir": { type: "string" },
    "open-period": { type: "string" },
  },
});
const given = Arguments.parse(values);
const options: KingdeeKisOptions = {
  port: given.port,
  seed: given.seed,
  dialect: given.dialect,
  faults: given.faults === undefined ? [] : parseFaultFile(readFileSync(given.faults, "utf8")),
  ...(given.host === undefined ? {} : { host: given.host }),
  ...(given.folder === undefined ? {} : { folder: given.folder }),
  ...(given["data-dir"] === undefined ? {} : { dataDir: given["data-dir"] }),
  ...(given["open-period"] === undefined ? {} : { openPeriod: given["open-period"] }),
};
const simulator = await startKingdeeKis(options);
const { baseUrl, credentials, openPeriod } = simulator;
process.stdout.write(`${JSON.stringify({ vendor: "kingdee-kis", baseUrl, credentials, openPeriod })}\n`);

const stop = (): void => {
  simulator.close().then(
    () => process.exit(0),
    () => process.exit(1),
  );
};
process.once("SIGINT", stop);
process.once("SIGTERM", stop);
