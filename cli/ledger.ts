import type { Command } from "commander";
import { z } from "zod";
import { currentInstallation } from "../db/installation-store.ts";
import { ledgerState, resumeLedger } from "../db/posting-store.ts";
import { ZhangshiError } from "../domain/errors.ts";
import { confirmCommand, receiptCommand } from "./ledger-files.ts";
import { commandNamed, parseOptions, runCommand, say, withDatabase } from "./surroundings.ts";

const Options = z.object({ dryRun: z.boolean().default(false) });

export const ledgerCommand = (): Command => {
  const resume = commandNamed("resume", {
    zh: "恢复已暂停的账簿；请先在 ERP 中查明暂停原因",
    en: "resume a paused ledger; first look into the ERP at what paused it",
  })
    .argument("<ledger>", say({ zh: "账簿编码", en: "code of the ledger" }))
    .option("--dry-run", say({ zh: "只显示暂停状态", en: "only show whether and why it is paused" }))
    .action((code: string, options: unknown) =>
      runCommand((surroundings) =>
        withDatabase(surroundings, async (database) => {
          const known = ((await currentInstallation(database))?.ledgers ?? []).map((ledger) => ledger.code);
          if (!known.includes(code)) {
            throw new ZhangshiError("ARGUMENT_INVALID", { ledger: code, expected: known.join(", ") });
          }
          const { dryRun } = parseOptions(Options, options);
          const { paused } = await ledgerState(database, code);
          const resumed = paused && !dryRun;
          if (resumed) await resumeLedger(database, code);
          surroundings.result({ ledger: code, wasPaused: paused, resumed, dryRun }, conclusion(code, paused, resumed));
        }),
      ),
    );
  return commandNamed("ledger", { zh: "账簿", en: "ledgers" })
    .addCommand(resume)
    .addCommand(receiptCommand())
    .addCommand(confirmCommand());
};

function conclusion(code: string, paused: boolean, resumed: boolean): string {
  if (!paused) return say({ zh: `账簿 ${code} 没有暂停。`, en: `Ledger ${code} is not paused.` });
  if (!resumed) return say({ zh: `账簿 ${code} 已暂停。`, en: `Ledger ${code} is paused.` });
  return say({
    zh: `账簿 ${code} 已恢复，运行 zhangshi post 继续。`,
    en: `Ledger ${code} is resumed; zhangshi post goes on.`,
  });
}
