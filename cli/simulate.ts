import { readFileSync } from "node:fs";
import process from "node:process";
import type { Command } from "commander";
import { z } from "zod";
import { ZhangshiError } from "../domain/errors.ts";
import { type Fault, parseFaultFile } from "../simulators/shared/faults.ts";
import { commandNamed, runCommand, say } from "./surroundings.ts";

const PORT_MAX = 65_535;
const Options = z.object({
  port: z.coerce.number().int().min(0).max(PORT_MAX).default(0),
  seed: z.coerce.number().int().min(0).default(1),
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
  close(): Promise<void>;
}

const vendors: Readonly<Record<string, (start: Start) => Promise<Running>>> = {
  "kingdee-cloud": async ({ port, seed, faults }) => {
    const { startKingdeeCloud } = await import("../simulators/kingdee-cloud/server.ts");
    const simulator = await startKingdeeCloud({ port, seed, faults: [...faults] });
    const { baseUrl, credentials, openPeriod } = simulator;
    return { ready: { vendor: "kingdee-cloud", baseUrl, credentials, openPeriod }, close: () => simulator.close() };
  },
  jiandaoyun: async ({ port, seed, faults }) => {
    const { DEMO_APP } = await import("../simulators/jiandaoyun/demo-app.ts");
    const { startJiandaoyun } = await import("../simulators/jiandaoyun/server.ts");
    const simulator = await startJiandaoyun({ port, seed, faults, apps: [DEMO_APP] });
    const { baseUrl, credentials, apps } = simulator;
    return {
      ready: { vendor: "jiandaoyun", baseUrl, credentials, openPeriod: null, apps },
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
        const start = vendors[vendor];
        if (start === undefined) {
          throw new ZhangshiError("CONFIG_INVALID", {
            field: "vendor",
            value: vendor,
            expected: Object.keys(vendors).join(" | "),
          });
        }
        const { port, seed, faults } = parseOptions(options);
        const running = await start({ port, seed, faults: faults === undefined ? [] : readFaults(faults) });
        process.stdout.write(`${JSON.stringify(running.ready)}\n`);
        await stopSignal();
        await running.close();
      }),
    );

function parseOptions(options: unknown): z.infer<typeof Options> {
  const parsed = Options.safeParse(options);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new ZhangshiError("CONFIG_INVALID", { field: `--${String(issue?.path[0])}`, expected: issue?.message ?? "" });
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
