import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { parseFaultFile } from "../shared/faults.ts";
import { DEMO_APP } from "./demo-app.ts";
import { startJiandaoyun } from "./server.ts";
import type { SwitchChanges } from "./switches.ts";

/**
 * `npx tsx simulators/jiandaoyun/main.ts [--port N] [--seed S] [--faults FILE] [--data DIR] [--rates off] [--empty]`
 *
 * Prints one JSON line when ready and runs until it is told to stop. The ids of apps, forms and fields go to standard error.
 */
const { values } = parseArgs({
  options: {
    port: { type: "string" },
    seed: { type: "string" },
    faults: { type: "string" },
    data: { type: "string" },
    rates: { type: "string", default: "vendor" },
    empty: { type: "boolean", default: false },
  },
});

const simulator = await startJiandaoyun({
  port: wholeNumber(values.port, "--port"),
  seed: wholeNumber(values.seed, "--seed"),
  faults: values.faults === undefined ? [] : parseFaultFile(readFileSync(values.faults, "utf8")),
  dataDir: values.data,
  apps: values.empty ? [] : [DEMO_APP],
  switches: rateSwitch(values.rates),
});

const { baseUrl, credentials, apps } = simulator;
// The ready line is the same for every vendor; the ids of apps, forms and fields are this one's own.
process.stderr.write(`${JSON.stringify({ apps })}\n`);
process.stdout.write(`${JSON.stringify({ vendor: "jiandaoyun", baseUrl, credentials, openPeriod: null })}\n`);

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    void simulator.close().finally(() => process.exit(0));
  });
}

function wholeNumber(text: string | undefined, option: string): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,9}$/.test(text)) throw new Error(`${option} takes a whole number, not ${text}`);
  return Number(text);
}

function rateSwitch(text: string): SwitchChanges {
  if (text === "vendor" || text === "off") return { rates: text };
  const factor = Number(text);
  if (!(factor > 0)) throw new Error(`--rates takes vendor, off or a factor, not ${text}`);
  return { rates: factor };
}
