import { readFileSync } from "node:fs";
import process from "node:process";
import type { Command } from "commander";
import { z } from "zod";
import { ZhangshiError } from "../domain/errors.ts";
import { simulators } from "../simulators/registry.ts";
import type { OwnOption, SimulatorEntry, Start } from "../simulators/shared/entry.ts";
import { type Fault, parseFaultFile } from "../simulators/shared/faults.ts";
import { commandNamed, parseOptions, runCommand, say, wholeNumber } from "./surroundings.ts";

const PORT_MAX = 65_535;
const SEED_MAX = 999_999_999;
const Options = z.object({
  port: wholeNumber(0, PORT_MAX).default(0),
  seed: wholeNumber(0, SEED_MAX).default(1),
  faults: z.string().optional(),
});
const Given = z.record(z.string(), z.unknown());
const VENDORS = Object.keys(simulators).join(" | ");

export const simulateCommand = (): Command => {
  const command = commandNamed("simulate", {
    zh: "启动厂商模拟系统，用来演练配置；就绪时输出一行 JSON，Ctrl-C 结束",
    en: "start a simulated vendor system to rehearse a configuration; prints one JSON line when ready, ends with Ctrl-C",
  })
    .argument("<vendor>", VENDORS)
    .option("--port <N>", say({ zh: "端口，缺省为任意空闲端口", en: "port; any free one when left out" }))
    .option("--seed <S>", say({ zh: "决定凭据、内码与故障的种子", en: "draws credentials, ids and faults" }))
    .option("--faults <FILE>", say({ zh: "故障计划文件（JSON）", en: "file with the plan of faults (JSON)" }));
  for (const { flags, description } of ownOptions()) command.option(flags, description);
  return command.action((vendor: string, options: unknown) =>
    runCommand(async () => {
      const entry = Object.hasOwn(simulators, vendor) ? simulators[vendor] : undefined;
      if (entry === undefined) throw new ZhangshiError("ARGUMENT_INVALID", { vendor, expected: VENDORS });
      const { port, seed, faults } = parseOptions(Options, options);
      const own = ownGiven(entry, Given.parse(options));
      const started = await entry.start({ port, seed, faults: faults === undefined ? [] : readFaults(faults), own });
      const { baseUrl, credentials, openPeriod = null, besides } = started;
      if (besides !== undefined) process.stderr.write(`${JSON.stringify(besides)}\n`);
      process.stdout.write(`${JSON.stringify({ vendor, baseUrl, credentials, openPeriod })}\n`);
      await stopSignal();
      await started.close();
    }),
  );
};

/** Options that only some simulators have; one that several have is described as the first describes it. */
function ownOptions(): { readonly flags: string; readonly description: string }[] {
  const vendorsOf = new Map<string, { readonly option: OwnOption; readonly vendors: string[] }>();
  for (const [vendor, { options }] of Object.entries(simulators))
    for (const option of options ?? []) {
      const known = vendorsOf.get(option.name);
      if (known === undefined) vendorsOf.set(option.name, { option, vendors: [vendor] });
      else known.vendors.push(vendor);
    }
  return [...vendorsOf.values()].map(({ option, vendors }) => {
    const choices = option.choices === undefined ? "" : `: ${option.choices.join(" | ")}`;
    return {
      flags: option.value === undefined ? `--${option.name}` : `--${option.name} ${option.value}`,
      description: `${say(option)}${choices} (${vendors.join(", ")})`,
    };
  });
}

/** An option of another vendor is refused: nothing that is given is left aside in silence. */
function ownGiven({ options = [] }: SimulatorEntry, given: Readonly<Record<string, unknown>>): Start["own"] {
  const all = Object.values(simulators).flatMap((entry) => entry.options ?? []);
  const own: Record<string, string | true> = {};
  for (const name of new Set(all.map((option) => option.name))) {
    const value = given[name];
    if (typeof value !== "string" && value !== true) continue;
    const option = options.find((one) => one.name === name);
    if (option === undefined)
      throw new ZhangshiError("ARGUMENT_INVALID", {
        option: `--${name}`,
        reason: say({ zh: "该厂商的模拟系统没有此选项", en: "the simulator of this vendor has no such option" }),
      });
    if (option.choices !== undefined && value !== true && !option.choices.includes(value))
      throw new ZhangshiError("ARGUMENT_INVALID", { option: `--${name}`, expected: option.choices.join(" | ") });
    own[name] = value;
  }
  return own;
}

function readFaults(file: string): readonly Fault[] {
  try {
    return parseFaultFile(readFileSync(file, "utf8"));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ZhangshiError("FILE_UNREADABLE", { file, reason }, { cause: error });
  }
}

const stopSignal = (): Promise<void> =>
  new Promise((resolve) => {
    process.once("SIGINT", () => resolve());
    process.once("SIGTERM", () => resolve());
  });
