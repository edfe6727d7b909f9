import { readFileSync } from "node:fs";
import process from "node:process";
import type { Command } from "commander";
import { z } from "zod";
import { ZhangshiError } from "../domain/errors.ts";
import { type Fault, parseFaultFile } from "../simulators/shared/faults.ts";
import { REHEARSAL_APP } from "./simulate-app.ts";
import { commandNamed, parseOptions, runCommand, say, wholeNumber } from "./surroundings.ts";

const PORT_MAX = 65_535;
const SEED_MAX = 999_999_999;
const Options = z.object({
  port: wholeNumber(0, PORT_MAX).default(0),
  seed: wholeNumber(0, SEED_MAX).default(1),
  faults: z.string().optional(),
});

interface Start {
  readonly port: number;
  readonly seed: number;
  readonly faults: readonly Fault[];
}
interface Running {
  /** What is printed, once, as one JSON line. */
  readonly ready: object;
  /** What only this vendor has to tell, such as the ids of forms: a line on standard error. */
  readonly besides?: object;
  close(): Promise<void>;
}

const vendors: Readonly<Record<string, (start: Start) => Promise<Running>>> = {
  "kingdee-cloud": async ({ port, seed, faults }) => {
    const { startKingdeeCloud } = await import("../simulators/kingdee-cloud/server.ts");
    const simulator = await startKingdeeCloud({ port, seed, faults: [...faults] });
    const { baseUrl, credentials, openPeriod } = simulator;
    return { ready: { vendor: "kingdee-cloud", baseUrl, credentials, openPeriod }, close: () => simulator.close() };
  },
  "kingdee-xingchen": async ({ port, seed, faults }) => {
    const { startKingdeeXingchen } = await import("../simulators/kingdee-xingchen/server.ts");
    const simulator = await startKingdeeXingchen({ port, seed, faults: [...faults] });
    const { baseUrl, credentials, openPeriod } = simulator;
    return { ready: { vendor: "kingdee-xingchen", baseUrl, credentials, openPeriod }, close: () => simulator.close() };
  },
  jiandaoyun: async ({ port, seed, faults }) => {
    const { DEMO_APP } = await import("../simulators/jiandaoyun/demo-app.ts");
    const { startJiandaoyun } = await import("../simulators/jiandaoyun/server.ts");
    const simulator = await startJiandaoyun({ port, seed, faults, apps: [DEMO_APP, REHEARSAL_APP] });
    const { baseUrl, credentials, apps } = simulator;
    return {
      ready: { vendor: "jiandaoyun", baseUrl, credentials, openPeriod: null },
      besides: { apps },
      close: () => simulator.close(),
    };
  },
};

export const simulateCommand = (): Command =>
  commandNamed("simulate", {
    zh: "启动厂商模拟系统，用来演练配置；就绪时输出一行 JSON，Ctrl-C 结束",
    en: "start a simulated vendor system to rehearse a configuration; prints one JSON line when ready, ends with Ctrl-C",
  })
    .argument("<vendor>", Object.keys(vendors).join(" | "))
    .option("--port <N>", say({ zh: "端口，缺省为任意空闲端口", en: "port; any free one when left out" }))
    .option("--seed <S>", say({ zh: "决定凭据、内码与故障的种子", en: "draws credentials, ids and faults" }))
    .option("--faults <FILE>", say({ zh: "故障计划文件（JSON）", en: "file with the plan of faults (JSON)" }))
    .action((vendor: string, options: unknown) =>
      runCommand(async () => {
        const start = Object.hasOwn(vendors, vendor) ? vendors[vendor] : undefined;
        if (start === undefined) {
          throw new ZhangshiError("ARGUMENT_INVALID", { vendor, expected: Object.keys(vendors).join(" | ") });
        }
        const { port, seed, faults } = parseOptions(Options, options);
        const running = await start({ port, seed, faults: faults === undefined ? [] : readFaults(faults) });
        if (running.besides !== undefined) process.stderr.write(`${JSON.stringify(running.besides)}\n`);
        process.stdout.write(`${JSON.stringify(running.ready)}\n`);
        await stopSignal();
        await running.close();
      }),
    );

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
