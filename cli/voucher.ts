import type { Command } from "commander";
import { z } from "zod";
import type { PeriodState } from "../connectors/contract.ts";
import { currentInstallation } from "../db/installation-store.ts";
import { declareAbsent } from "../db/posting-store.ts";
import { listVouchers, readVoucher, type VoucherHistory } from "../db/status-store.ts";
import { ZhangshiError } from "../domain/errors.ts";
import type { Installation } from "../domain/installation.ts";
import { postingStates } from "../domain/posting.ts";
import { reversePosting } from "../worker/reversal.ts";
import { targetOf } from "./connectors.ts";
import { commandNamed, parseOptions, runCommand, say, wholeNumber, withDatabase } from "./surroundings.ts";
import { textTable } from "./table.ts";

export const voucherCommand = (): Command => {
  const show = commandNamed("show", {
    zh: "为什么是这个科目、这个金额：规则与版本、异动、每次尝试、回读结果",
    en: "why this account, why this amount: rule and version, movements, attempts, what was read back",
  })
    .argument("<key>", say({ zh: "26 位凭证键", en: "posting key of 26 characters" }))
    .action((key: string) =>
      runCommand((surroundings) =>
        withDatabase(surroundings, async (database) => {
          const history = await readVoucher(database, key);
          if (history === undefined) throw new ZhangshiError("VOUCHER_UNKNOWN", { key });
          surroundings.result(history, describeVoucher(history));
        }),
      ),
    );
  return commandNamed("voucher", { zh: "凭证", en: "vouchers" })
    .addCommand(listCommand())
    .addCommand(show)
    .addCommand(reverseCommand())
    .addCommand(absentCommand());
};

const ROWS_MAX = 10_000;
const ROWS_USUAL = "50";
const ListOptions = z.object({
  ledger: z.string().optional(),
  state: z.enum(postingStates).optional(),
  document: z.string().optional(),
  rows: wholeNumber(1, ROWS_MAX),
});

const listCommand = (): Command =>
  commandNamed("list", {
    zh: "列出凭证及其凭证键，最新的在前",
    en: "list vouchers with their posting keys, the newest first",
  })
    .option("--document <NUMBER>", say({ zh: "只看这张仓库单据的凭证", en: "only those of this warehouse document" }))
    .option("--state <STATE>", postingStates.join(" | "))
    .option("--ledger <CODE>", say({ zh: "只看这个账簿", en: "only this ledger" }))
    .option("--rows <N>", say({ zh: "最多多少行", en: "at most so many" }), ROWS_USUAL)
    .action((given: unknown) =>
      runCommand((surroundings) =>
        withDatabase(surroundings, async (database) => {
          const { rows, ...filter } = parseOptions(ListOptions, given);
          const vouchers = await listVouchers(database, { ...filter, rowsMax: rows });
          const lines = vouchers.map((one) => [
            one.key,
            one.accountedOn,
            one.number ?? "–",
            one.state,
            one.total,
            one.summary,
            one.errorCode ?? "",
          ]);
          const text =
            lines.length === 0 ? say({ zh: "没有这样的凭证。", en: "There are no such vouchers." }) : textTable(lines);
          surroundings.result({ vouchers }, text);
        }),
      ),
    );

const ReverseOptions = z.object({ dryRun: z.boolean().default(false), redraw: z.boolean().default(false) });

/** 红冲: draws the reversal; the next `zhangshi post` sends it. */
const reverseCommand = (): Command =>
  commandNamed("reverse", {
    zh: "红冲一张已核对的凭证：同科目同方向负数，随下一次 post 发送",
    en: "reverse a verified voucher: same accounts, same sides, negative amounts; sent by the next post",
  })
    .argument("<key>", say({ zh: "26 位凭证键", en: "posting key of 26 characters" }))
    .option("--dry-run", say({ zh: "只显示将生成的红字凭证", en: "only show the red voucher" }))
    .option(
      "--redraw",
      say({
        zh: "红冲核对后按现行规则与对照表重新生成该凭证（更正用错的规则或科目）",
        en: "once the reversal is verified, draw the voucher anew with today's rules and codes (to correct a wrong rule or account)",
      }),
    )
    .action((key: string, given: unknown) =>
      runCommand((surroundings) =>
        withDatabase(surroundings, async (database) => {
          const history = await readVoucher(database, key);
          if (history === undefined) throw new ZhangshiError("VOUCHER_UNKNOWN", { key });
          const installation = await currentInstallation(database);
          if (installation === undefined) throw new ZhangshiError("CONFIG_MISSING");
          const { dryRun, redraw } = parseOptions(ReverseOptions, given);
          const periods = await openPeriods(installation, history.posting.ledger, surroundings.variables);
          const planned = await reversePosting(database, key, periods, { dryRun, redraw });
          const lines = planned.lines.map((line) => [
            line.side === "debit" ? say({ zh: "借", en: "Dr" }) : say({ zh: "贷", en: "Cr" }),
            line.account,
            line.amount,
          ]);
          surroundings.result(
            { dryRun, redraw, ...planned },
            `${planned.key}  ${planned.date}  ${planned.summary}\n${textTable(lines)}\n${reversalNote(dryRun)}`,
          );
        }),
      ),
    );

const reversalNote = (dryRun: boolean): string =>
  dryRun
    ? say({ zh: "试运行：没有保存任何内容。", en: "Dry run: nothing was stored." })
    : say({ zh: "已生成红字凭证，运行 zhangshi post 发送。", en: "The red voucher is drawn; zhangshi post sends it." });

const AbsentOptions = z.object({ dryRun: z.boolean().default(false) });

/** A person looked where no query can: the voucher is sent again by the next `zhangshi post`. */
const absentCommand = (): Command =>
  commandNamed("absent", {
    zh: "声明一张结果不明的凭证不在 ERP 中：须先有人在 ERP 中按凭证键查找过；随下一次 post 重新发送",
    en: "say that an uncertain voucher is not in the ERP, after a person looked there for its key; the next post sends it again",
  })
    .argument("<key>", say({ zh: "26 位凭证键", en: "posting key of 26 characters" }))
    .option("--dry-run", say({ zh: "只检查能否声明", en: "only examine whether it may be said" }))
    .action((key: string, given: unknown) =>
      runCommand((surroundings) =>
        withDatabase(surroundings, async (database) => {
          const { dryRun } = parseOptions(AbsentOptions, given);
          const declared = await declareAbsent(database, key, dryRun);
          if (declared === undefined) {
            const history = await readVoucher(database, key);
            if (history === undefined) throw new ZhangshiError("VOUCHER_UNKNOWN", { key });
            const { state, errorCode } = history.posting;
            throw new ZhangshiError("ABSENCE_UNDECLARABLE", {
              key,
              state,
              ...(errorCode === null ? {} : { code: errorCode }),
            });
          }
          surroundings.result(
            { key, ledger: declared.ledger, declared: !dryRun, dryRun },
            dryRun
              ? say({ zh: "可以声明。试运行：没有保存任何内容。", en: "It may be said. Dry run: nothing was stored." })
              : say({ zh: "已记录，运行 zhangshi post 重新发送。", en: "Noted; zhangshi post sends it again." }),
          );
        }),
      ),
    );

async function openPeriods(
  installation: Installation,
  code: string,
  variables: Readonly<Record<string, string | undefined>>,
): Promise<readonly PeriodState[]> {
  const ledger = installation.ledgers.find((each) => each.code === code);
  if (ledger === undefined) throw new ZhangshiError("CONNECTION_UNKNOWN", { ledger: code });
  const target = targetOf(installation, ledger, variables);
  try {
    return await target.periods(ledger.book);
  } finally {
    await target.close();
  }
}

/** The whole story of one voucher as text. */
export function describeVoucher({ posting, lines, movements, attempts, readBacks }: VoucherHistory): string {
  const chapters = [
    [
      `${posting.word} ${posting.erpNumber ?? "–"}  ${posting.accountedOn}  ${posting.summary}`,
      textTable([
        [say({ zh: "凭证键", en: "key" }), posting.key],
        [say({ zh: "公司/账簿", en: "company/ledger" }), `${posting.company} / ${posting.ledger} (${posting.book})`],
        [say({ zh: "状态", en: "state" }), `${posting.state}, ${posting.stage} → ${posting.targetStage}`],
        [say({ zh: "用途", en: "purpose" }), `${posting.purpose}, ${posting.part}/${posting.generation}`],
        [say({ zh: "规则", en: "rule" }), `${posting.rule} v${posting.ruleVersion}`],
        [say({ zh: "单据", en: "documents" }), posting.documents.join(", ")],
        [say({ zh: "ERP 内码", en: "id in the ERP" }), posting.erpId ?? "–"],
        ...(posting.errorCode === null
          ? []
          : [[say({ zh: "错误", en: "error" }), `${posting.errorCode} ${posting.errorMessage ?? ""}`]]),
        ...(posting.reverses === null ? [] : [[say({ zh: "红冲", en: "reverses" }), posting.reverses]]),
        ...(posting.reversedBy === null ? [] : [[say({ zh: "被红冲", en: "reversed by" }), posting.reversedBy]]),
      ]),
    ],
    [
      say({ zh: "分录：为什么是这个科目", en: "Lines: why this account" }),
      textTable(
        lines.map((line) => [
          String(line.line),
          line.side === "debit" ? say({ zh: "借", en: "Dr" }) : say({ zh: "贷", en: "Cr" }),
          line.account,
          line.amount,
          line.quantity === null ? "" : `${line.quantity} ${line.unit ?? ""}`,
          Object.entries(line.dimensions)
            .map(([kind, code]) => `${kind}=${code}`)
            .join(" "),
          `[${line.role}] ${line.why}`,
        ]),
      ),
    ],
    [
      say({ zh: "异动：为什么是这个金额", en: "Movements: why this amount" }),
      textTable(
        movements.map((movement) => [
          movement.happenedOn ?? "",
          movement.kind ?? "",
          `${movement.document ?? movement.movement}${movement.line === null ? "" : `#${movement.line}`}`,
          movement.item ?? "",
          movement.warehouse ?? "",
          `${movement.quantity} ${movement.unit ?? ""}`,
          `= ${movement.value}`,
          `r${movement.revision}`,
        ]),
      ),
    ],
    [
      say({ zh: "尝试", en: "Attempts" }),
      textTable(
        attempts.map((attempt) => [
          attempt.at,
          attempt.act,
          attempt.outcome,
          attempt.code ?? "",
          attempt.message ?? "",
          attempt.worker,
        ]),
      ),
    ],
    [
      say({ zh: "回读", en: "Read back" }),
      textTable(
        readBacks.map((read) => [
          read.at,
          read.equal ? say({ zh: "一致", en: "equal" }) : say({ zh: "不一致", en: "differs" }),
          read.equal ? "" : JSON.stringify(read.deviations),
        ]),
      ),
    ],
  ];
  return chapters
    .map(([title, body]) => `${title ?? ""}\n${body === undefined || body === "" ? "–" : body}`)
    .join("\n\n");
}
