import { readFile, stat } from "node:fs/promises";
import { userInfo } from "node:os";
import { basename, extname } from "node:path";
import type { Command } from "commander";
import { z } from "zod";
import type { FileHandover, LookUp, VoucherTarget } from "../connectors/contract.ts";
import type { Database } from "../db/database.ts";
import { currentInstallation } from "../db/installation-store.ts";
import { wakeFiled } from "../db/retry-store.ts";
import { readVoucher } from "../db/status-store.ts";
import { type Instant, instant } from "../domain/dates.ts";
import { ZhangshiError } from "../domain/errors.ts";
import type { LedgerConfig } from "../domain/installation.ts";
import { PostingKey } from "../domain/posting-key.ts";
import { targetOf } from "./connectors.ts";
import { commandNamed, parseOptions, runCommand, say, type Surroundings, withDatabase } from "./surroundings.ts";
import { textTable } from "./table.ts";

/* What a person hands in to a ledger that takes files (docs/decisions/0015-file-ledgers.md). */

interface Counter {
  readonly surroundings: Surroundings;
  readonly database: Database;
  readonly ledger: LedgerConfig;
  readonly target: VoucherTarget;
  readonly files: FileHandover;
}

/** @throws ZhangshiError CONFIG_MISSING, ARGUMENT_INVALID when there is no such ledger, or it takes no files */
const atTheCounter = (code: string, work: (counter: Counter) => Promise<void>): Promise<void> =>
  runCommand((surroundings) =>
    withDatabase(surroundings, async (database) => {
      const installation = await currentInstallation(database);
      if (installation === undefined) throw new ZhangshiError("CONFIG_MISSING");
      const ledger = installation.ledgers.find((one) => one.code === code);
      if (ledger === undefined) {
        const known = installation.ledgers.map((one) => one.code).join(", ");
        throw new ZhangshiError("ARGUMENT_INVALID", { ledger: code, expected: known });
      }
      const target = targetOf(installation, ledger, surroundings.variables);
      try {
        const { files } = target;
        if (files === undefined)
          throw new ZhangshiError("ARGUMENT_INVALID", {
            ledger: code,
            expected: say({ zh: "通过文件交接的账簿", en: "a ledger that takes files" }),
          });
        await work({ surroundings, database, ledger, target, files });
      } finally {
        await target.close();
      }
    }),
  );

const ReceiptOptions = z
  .object({
    imported: z.boolean().default(false),
    notImported: z.boolean().default(false),
    by: z.string().min(1).optional(),
    dryRun: z.boolean().default(false),
  })
  .refine(({ imported, notImported }) => !(imported && notImported), {
    path: ["notImported"],
    message: "--imported | --not-imported",
  });

export const receiptCommand = (): Command =>
  commandNamed("receipt", {
    zh: "交回文件账簿的回执：导入日志、导出文件，或声明待确认文件已导入／未导入",
    en: "hand in a receipt of a ledger that takes files: the log of an import, an export, or that the outstanding file was (not) imported",
  })
    .argument("<ledger>", say({ zh: "账簿编码", en: "code of the ledger" }))
    .argument(
      "[file]",
      say({ zh: "导入日志（.log、.txt）或从 ERP 导出的凭证文件", en: "log of the import (.log, .txt) or an export" }),
    )
    .option("--imported", say({ zh: "待确认文件已全部导入", en: "the outstanding file was imported as a whole" }))
    .option(
      "--not-imported",
      say({
        zh: "待确认文件没有导入，其中凭证将重新生成；请先在 ERP 中查实",
        en: "the outstanding file was not imported and its vouchers are written again; look into the ERP first",
      }),
    )
    .option("--by <NAME>", say({ zh: "确认人，缺省为当前用户", en: "who says so; the current user when left out" }))
    .option("--dry-run", say({ zh: "只显示等待回执的文件", en: "only show which file waits for a receipt" }))
    .action((code: string, file: string | undefined, given: unknown) =>
      atTheCounter(code, (counter) => handIn(counter, file, parseOptions(ReceiptOptions, given))),
    );

const handIn = async (
  { surroundings, database, ledger, target, files }: Counter,
  path: string | undefined,
  { imported, notImported, by, dryRun }: z.infer<typeof ReceiptOptions>,
): Promise<void> => {
  const word = imported ? "imported" : notImported ? "not-imported" : undefined;
  if ((path === undefined) === (word === undefined) && !(dryRun && word === undefined))
    throw new ZhangshiError("ARGUMENT_INVALID", { expected: "<file> | --imported | --not-imported" });
  const content = path === undefined ? undefined : await contentOf(path);
  const outstanding = await files.outstanding();
  const waiting = outstanding?.keys ?? [];
  const before = await looksAt(target, ledger, waiting);
  let periods: readonly string[] = [];
  if (!dryRun) {
    const signed = { by: by ?? userInfo().username, at: now() };
    const isLog = path !== undefined && LOG_ENDINGS.has(extname(path).toLowerCase());
    if (content !== undefined && path !== undefined && !isLog)
      periods = await files.takeExport(basename(path), content.bytes, content.madeAt);
    else if (outstanding === undefined) throw noneOutstanding();
    else if (content !== undefined)
      await files.confirm({ file: outstanding.name, said: "log", log: content.bytes, ...signed });
    else if (word !== undefined) await files.confirm({ file: outstanding.name, said: word, ...signed });
    await wakeFiled(database, ledger.code);
  }
  const after = dryRun ? before : await looksAt(target, ledger, waiting);
  const settled = waiting.flatMap((key) => {
    const look = after.get(key);
    return look === undefined || look.kind === "failed" ? [] : [settledOf(key, look)];
  });
  const value = {
    ledger: ledger.code,
    file: outstanding?.name ?? null,
    writtenAt: outstanding?.writtenAt ?? null,
    periods,
    settled,
    waiting: waiting.length - settled.length,
    dryRun,
  };
  surroundings.result(value, receiptText(value));
};

const LOG_ENDINGS: ReadonlySet<string> = new Set([".log", ".txt"]);
const now = (): Instant => instant(new Date().toISOString());

const noneOutstanding = (): ZhangshiError =>
  new ZhangshiError("ARGUMENT_INVALID", {
    reason: say({ zh: "没有等待回执的文件", en: "no file waits for a receipt" }),
  });

const contentOf = async (path: string): Promise<{ readonly bytes: Uint8Array; readonly madeAt: Instant }> => {
  try {
    return { bytes: await readFile(path), madeAt: instant((await stat(path)).mtime.toISOString()) };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ZhangshiError("FILE_UNREADABLE", { file: path, reason }, { cause });
  }
};

const looksAt = async (
  target: VoucherTarget,
  ledger: LedgerConfig,
  keys: readonly PostingKey[],
): Promise<ReadonlyMap<PostingKey, LookUp>> =>
  keys.length === 0 ? new Map() : (await target.findByKeys(ledger.book, keys, undefined)).found;

interface Settled {
  readonly key: PostingKey;
  readonly found: LookUp["kind"];
  /** "" where nobody said under which number. */
  readonly number: string;
}

const settledOf = (key: PostingKey, look: LookUp): Settled => ({
  key,
  found: look.kind,
  number: look.kind === "one" ? look.number : "",
});

const FOUND: Readonly<Record<LookUp["kind"], { readonly zh: string; readonly en: string }>> = {
  one: { zh: "已入账", en: "posted" },
  absent: { zh: "未入账", en: "not posted" },
  several: { zh: "重复入账", en: "posted more than once" },
  void: { zh: "已作废", en: "void" },
  failed: { zh: "等待回执", en: "waits for a receipt" },
};

const receiptText = (value: {
  readonly file: string | null;
  readonly periods: readonly string[];
  readonly settled: readonly Settled[];
  readonly waiting: number;
  readonly dryRun: boolean;
}): string =>
  [
    value.file === null
      ? say({ zh: "没有等待回执的文件。", en: "No file waits for a receipt." })
      : say({ zh: `文件 ${value.file}：`, en: `File ${value.file}:` }),
    ...(value.settled.length === 0
      ? []
      : [textTable(value.settled.map(({ key, found, number }) => [key, say(FOUND[found]), number]))]),
    ...(value.file === null
      ? []
      : [
          say({
            zh: `${value.settled.length} 张已有结果，${value.waiting} 张仍等待。`,
            en: `${value.settled.length} settled, ${value.waiting} still waiting.`,
          }),
        ]),
    ...(value.periods.length === 0
      ? []
      : [
          say({
            zh: `已收下期间 ${value.periods.join("，")} 的导出。`,
            en: `Took the export of ${value.periods.join(", ")}.`,
          }),
        ]),
    value.dryRun
      ? say({ zh: "试运行：没有保存任何内容。", en: "Dry run: nothing was stored." })
      : say({ zh: "运行 zhangshi post 继续。", en: "zhangshi post goes on." }),
  ].join("\n");

const ConfirmOptions = z
  .object({
    posted: z
      .string()
      .regex(/^\d{1,9}$/, say({ zh: "应为凭证号", en: "a voucher number is expected" }))
      .optional(),
    absent: z.boolean().default(false),
    by: z.string().min(1).optional(),
    dryRun: z.boolean().default(false),
  })
  .refine(({ posted, absent }) => (posted !== undefined) !== absent, {
    path: ["posted"],
    message: "--posted NUMBER | --absent",
  });

/** The last way out: what a person saw in the ERP of one voucher that no log and no export settles. */
export const confirmCommand = (): Command =>
  commandNamed("confirm", {
    zh: "确认文件账簿的一张凭证是否已在 ERP 中：仅当日志与导出都无法确定时，由人在 ERP 中查找后使用",
    en: "say of one voucher of a ledger that takes files whether it is in the ERP: where no log and no export settles it, after a person looked",
  })
    .argument("<ledger>", say({ zh: "账簿编码", en: "code of the ledger" }))
    .argument("<key>", say({ zh: "26 位凭证键", en: "posting key of 26 characters" }))
    .option("--posted <NUMBER>", say({ zh: "在 ERP 中，凭证号为", en: "it is there, under this number" }))
    .option("--absent", say({ zh: "不在 ERP 中，将重新生成", en: "it is not there, and is written again" }))
    .option("--by <NAME>", say({ zh: "确认人，缺省为当前用户", en: "who says so; the current user when left out" }))
    .option("--dry-run", say({ zh: "只检查能否确认", en: "only examine whether it may be said" }))
    .action((code: string, key: string, given: unknown) =>
      atTheCounter(code, (counter) => confirmOne(counter, key, parseOptions(ConfirmOptions, given))),
    );

const confirmOne = async (
  { surroundings, database, ledger, target, files }: Counter,
  text: string,
  { posted, by, dryRun }: z.infer<typeof ConfirmOptions>,
): Promise<void> => {
  const history = await readVoucher(database, text);
  if (history === undefined || history.posting.ledger !== ledger.code)
    throw new ZhangshiError("VOUCHER_UNKNOWN", { key: text, ledger: ledger.code });
  const { state } = history.posting;
  if (state !== "uncertain") throw new ZhangshiError("ARGUMENT_INVALID", { key: text, state, expected: "uncertain" });
  const key = PostingKey.parse(text);
  const known = (await looksAt(target, ledger, [key])).get(key);
  const wanted: LookUp["kind"] = posted === undefined ? "absent" : "one";
  // What a log, an export or an earlier word says already is not overruled.
  if (known !== undefined && known.kind !== "failed" && known.kind !== wanted)
    throw new ZhangshiError("ARGUMENT_INVALID", { key: text, found: say(FOUND[known.kind]) });
  if (!dryRun) {
    await files.confirmVoucher({ key, number: posted, by: by ?? userInfo().username, at: now() });
    await wakeFiled(database, ledger.code);
  }
  const value = { key, ledger: ledger.code, said: wanted, number: posted ?? null, confirmed: !dryRun, dryRun };
  surroundings.result(
    value,
    dryRun
      ? say({ zh: "可以确认。试运行：没有保存任何内容。", en: "It may be said. Dry run: nothing was stored." })
      : say({ zh: "已记录，运行 zhangshi post 继续。", en: "Noted; zhangshi post goes on." }),
  );
};
