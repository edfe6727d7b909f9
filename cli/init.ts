import { writeFileSync } from "node:fs";
import type { Command } from "commander";
import { z } from "zod";
import { ZhangshiError } from "../domain/errors.ts";
import { commandNamed, runCommand, say } from "./surroundings.ts";
import { template } from "./template-jiandaoyun-kingdee.ts";

const Options = z.object({ file: z.string().default("zhangshi.yaml"), dryRun: z.boolean().default(false) });

export const initCommand = (): Command =>
  commandNamed("init", {
    zh: "写出带注释的配置文件（简道云 + 金蝶云星空），已有文件不会被覆盖",
    en: "write a commented configuration (Jiandaoyun + Kingdee 云星空); never overwrites a file",
  })
    .argument("[file]", say({ zh: "文件名，缺省为 zhangshi.yaml", en: "file name; zhangshi.yaml when left out" }))
    .option("--dry-run", say({ zh: "只显示内容，不写文件", en: "show the content, write nothing" }))
    .action((file: string | undefined, given: object) =>
      runCommand(async (surroundings) => {
        const options = Options.parse({ ...given, file });
        if (!options.dryRun) write(options.file);
        surroundings.result(
          { file: options.file, written: !options.dryRun, content: template },
          options.dryRun
            ? template
            : say({
                zh: `已写入 ${options.file}。修改标 ← 的值，然后运行 zhangshi apply --dry-run。`,
                en: `Wrote ${options.file}. Replace the values marked ←, then run zhangshi apply --dry-run.`,
              }),
        );
      }),
    );

function write(file: string): void {
  try {
    writeFileSync(file, template, { flag: "wx" });
  } catch (error) {
    const exists = error instanceof Error && "code" in error && error.code === "EEXIST";
    const reason = exists
      ? say({ zh: "文件已存在，不覆盖", en: "it exists already and is not overwritten" })
      : say({ zh: "无法写入", en: "it cannot be written" });
    throw new ZhangshiError("FILE_UNREADABLE", { file, reason }, { cause: error });
  }
}
