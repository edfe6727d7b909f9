import { existsSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Command } from "commander";
import { z } from "zod";
import { ZhangshiError } from "../domain/errors.ts";
import { type Rehearsal, rehearsalOf } from "./init-simulators.ts";
import { commandNamed, parseOptions, runCommand, say, type Surroundings } from "./surroundings.ts";
import { template } from "./template-jiandaoyun-kingdee.ts";

/** Credentials of simulators, as a shell sources them and compose reads them. */
const VARIABLES_FILE = "zhangshi.env";
const OWNER_ONLY = 0o600;
const FOR_ALL = 0o644;

const Options = z.object({
  file: z.string().default("zhangshi.yaml"),
  simulators: z.array(z.string()).optional(),
  dryRun: z.boolean().default(false),
});

export const initCommand = (): Command =>
  commandNamed("init", {
    zh: "写出带注释的配置文件（简道云 + 金蝶云星空），已有文件不会被覆盖",
    en: "write a commented configuration (Jiandaoyun + Kingdee 云星空); never overwrites a file",
  })
    .argument("[file]", say({ zh: "文件名，缺省为 zhangshi.yaml", en: "file name; zhangshi.yaml when left out" }))
    .option(
      "--simulators <FILES...>",
      say({
        zh: `演练：按 zhangshi simulate 输出的 JSON 行填好地址与编号，凭据写入 ${VARIABLES_FILE}`,
        en: `rehearsal: fill in from the JSON lines of zhangshi simulate; credentials go into ${VARIABLES_FILE}`,
      }),
    )
    .option("--dry-run", say({ zh: "只显示内容，不写文件", en: "show the content, write nothing" }))
    .action((file: string | undefined, given: object) =>
      runCommand(async (surroundings) => {
        const options = parseOptions(Options, { ...given, file });
        const rehearsal = options.simulators === undefined ? undefined : await rehearsalOf(options.simulators);
        write(surroundings, options, rehearsal);
      }),
    );

function write(surroundings: Surroundings, options: z.infer<typeof Options>, rehearsal: Rehearsal | undefined): void {
  const { file, dryRun } = options;
  const content = rehearsal?.configuration ?? template;
  const variablesFile = rehearsal === undefined ? undefined : join(dirname(file), VARIABLES_FILE);
  if (!dryRun) {
    if (variablesFile !== undefined && existsSync(variablesFile)) throw notWritten(variablesFile, true);
    writeNew(file, content, FOR_ALL);
    if (variablesFile !== undefined) writeNew(variablesFile, `${rehearsal?.variables.join("\n") ?? ""}\n`, OWNER_ONLY);
  }
  surroundings.result(
    { file, written: !dryRun, content, ...(variablesFile === undefined ? {} : { variablesFile }) },
    dryRun ? content : conclusion(file, variablesFile),
  );
}

const conclusion = (file: string, variablesFile: string | undefined): string =>
  variablesFile === undefined
    ? say({
        zh: `已写入 ${file}。修改标 ← 的值，然后运行 zhangshi apply --dry-run。`,
        en: `Wrote ${file}. Replace the values marked ←, then run zhangshi apply --dry-run.`,
      })
    : say({
        zh: `已写入 ${file} 与 ${variablesFile}。运行 set -a; . ./${variablesFile}; set +a，然后运行 zhangshi apply --dry-run。`,
        en: `Wrote ${file} and ${variablesFile}. Run set -a; . ./${variablesFile}; set +a, then zhangshi apply --dry-run.`,
      });

function writeNew(file: string, content: string, mode: number): void {
  try {
    writeFileSync(file, content, { flag: "wx", mode });
  } catch (error) {
    throw notWritten(file, error instanceof Error && "code" in error && error.code === "EEXIST", error);
  }
}

function notWritten(file: string, exists: boolean, cause?: unknown): ZhangshiError {
  const reason = exists
    ? say({ zh: "文件已存在，不覆盖", en: "it exists already and is not overwritten" })
    : say({ zh: "文件夹不存在或没有写入权限", en: "no such folder, or no right to write there" });
  return new ZhangshiError("FILE_NOT_WRITTEN", { file, reason }, { cause });
}
