import process from "node:process";
import { Command, CommanderError } from "commander";
import { z } from "zod";
import { language, say } from "./language.ts";
import { reportError, speaking } from "./surroundings.ts";

// Before any schema is built: what it says of wrong input is read by people.
if (language === "zh") z.config(z.locales.zhCN());

// Whoever reads only the beginning of the output (`| head`) has closed it: there is nobody left to tell.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit();
});
/** One file per command. Only the one asked for is loaded, so that `--help` of a small one does not wait for all. */
const loaders: Readonly<Record<string, () => Promise<Command>>> = {
  init: async () => (await import("./init.ts")).initCommand(),
  apply: async () => (await import("./apply.ts")).applyCommand(),
  check: async () => (await import("./check.ts")).checkCommand(),
  certify: async () => (await import("./certify.ts")).certifyCommand(),
  sync: async () => (await import("./sync.ts")).syncCommand(),
  post: async () => (await import("./post.ts")).postCommand(),
  reconcile: async () => (await import("./reconcile.ts")).reconcileCommand(),
  status: async () => (await import("./status.ts")).statusCommand(),
  exceptions: async () => (await import("./exceptions.ts")).exceptionsCommand(),
  voucher: async () => (await import("./voucher.ts")).voucherCommand(),
  ledger: async () => (await import("./ledger.ts")).ledgerCommand(),
  codes: async () => (await import("./codes.ts")).codesCommand(),
  simulate: async () => (await import("./simulate.ts")).simulateCommand(),
  doctor: async () => (await import("./doctor.ts")).doctorCommand(),
  worker: async () => (await import("./worker.ts")).workerCommand(),
};

const program = speaking(new Command("zhangshi"))
  .description(
    say({ zh: "账实：让仓库系统与财务系统账实相符", en: "keeps a company's warehouse systems and its books in step" }),
  )
  .helpOption("-h, --help", say({ zh: "显示帮助", en: "show this help" }))
  .helpCommand("help [command]", say({ zh: "显示某个命令的帮助", en: "show the help of a command" }))
  .option("--language <zh|en>", say({ zh: "语言，缺省取自 LANG", en: "language; from LANG when left out" }))
  .option("--json", say({ zh: "输出 JSON（稳定的约定）", en: "print JSON (a stable contract)" }));

const asked = process.argv.slice(2).find((argument) => Object.hasOwn(loaders, argument));
const wanted = asked === undefined || process.argv.includes("help") ? Object.keys(loaders) : [asked];
try {
  for (const name of wanted) {
    const command = await loaders[name]?.();
    if (command !== undefined) program.addCommand(command);
  }
  await program.parseAsync(process.argv);
} catch (error) {
  const asked = error instanceof CommanderError && error.code.startsWith("commander.help");
  process.exitCode = error instanceof CommanderError ? error.exitCode : 1;
  if (!asked) reportError(error);
}
