import { type Decimal, isZero } from "../../domain/decimal.ts";
import type { ErrorCode } from "../../domain/errors.ts";
import { balances, type VoucherDraft, dimensionKinds } from "../../domain/voucher.ts";
import type { DbfColumn } from "./dbf.ts";
import { fitsColumn, PROFESSIONAL, STANDARD } from "./dbf-layouts.ts";
import { classOf, entriesOf } from "./entries.ts";
import type { Entry } from "./entry.ts";
import { gbkLength, unheldIn } from "../../domain/gbk.ts";
import type { KingdeeKisSettings } from "./settings.ts";
import { survivesCell } from "./workbook-layout.ts";

/** Why a draft cannot go into a file. The program checks little and late, so everything is checked here first. */
export interface Obstacle {
  readonly code: ErrorCode;
  /** 0 where the voucher as a whole is meant. */
  readonly lineNumber: number;
  readonly message: string;
}

/** What keeps a draft out of a file, all of it at once; empty when nothing does. */
export const obstaclesTo = (draft: VoucherDraft, settings: KingdeeKisSettings): readonly Obstacle[] => {
  const whole = obstaclesOfHead(draft, settings);
  const missing = draft.lines.flatMap((line) =>
    dimensionKinds.flatMap((kind): Obstacle[] =>
      line.dimensions[kind] === undefined || classOf(kind, settings) !== undefined
        ? []
        : [of("DIMENSION_REFUSED", `no 核算类别 is configured for ${kind}`, line.lineNumber)],
    ),
  );
  if (whole.length > 0 || missing.length > 0) return [...whole, ...missing];
  return entriesOf(draft, 1, settings).flatMap((entry, index) =>
    obstaclesOfEntry(entry, settings).map(({ code, message }) =>
      of(code, message, draft.lines[index]?.lineNumber ?? index + 1),
    ),
  );
};

const of = (code: ErrorCode, message: string, lineNumber = 0): Obstacle => ({ code, message, lineNumber });

const obstaclesOfHead = (draft: VoucherDraft, settings: KingdeeKisSettings): readonly Obstacle[] => {
  const found: Obstacle[] = [];
  if (draft.book !== settings.book)
    found.push(of("CONFIG_INVALID", `account book ${draft.book} is not ${settings.book}, the one of this folder`));
  if (settings.words[draft.word] === undefined)
    found.push(of("CODE_MISSING", `凭证字 ${draft.word} has no code in the connection's words`));
  if (settings.currencies[draft.currency] === undefined)
    found.push(of("CODE_MISSING", `currency ${draft.currency} has no code in the connection's currencies`));
  if (draft.lines.length > settings.linesMax)
    found.push(of("LIMIT_LINES", `${draft.lines.length} lines, at most ${settings.linesMax}`));
  if (!balances(draft.lines)) found.push(of("VOUCHER_UNBALANCED", "debit and credit differ"));
  return found;
};

type Finding = Pick<Obstacle, "code" | "message">;

const obstaclesOfEntry = (entry: Entry, settings: KingdeeKisSettings): readonly Finding[] => {
  const layout = layoutOf(settings);
  const texts: readonly (readonly [name: string, value: string])[] = [
    ["摘要", entry.summary],
    ["科目", entry.account],
    ["凭证字", entry.word],
    ["币别", entry.currency],
    ["制单", entry.preparer],
    ["单位", entry.unit ?? ""],
    ...entry.objects.map((one) => ["核算类别", one.class] as const),
    ...entry.objects.map((one) => [one.class, one.code] as const),
  ];
  return [
    ...objectObstacles(entry, layout.slots),
    ...texts.flatMap(([name, value]) => unheld(name, value)),
    ...lengthObstacles(entry, layout.lengths),
    ...numberObstacles(entry, settings),
  ];
};

const unheld = (name: string, value: string): readonly Finding[] => {
  const character = unheldIn(value);
  if (character === undefined) return [];
  const point = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
  return [{ code: "LIMIT_CHARACTERS", message: `${name} "${value}": GBK has no ${character} (U+${point})` }];
};

const objectObstacles = (entry: Entry, slots: number): readonly Finding[] => {
  const taken = new Set(entry.objects.map(({ slot }) => slot));
  const last = Math.max(0, ...taken);
  if (taken.size === entry.objects.length && last <= slots) return [];
  const classes = entry.objects.map((one) => one.class).join(", ");
  return [{ code: "DIMENSION_REFUSED", message: `${classes}: not all of them have a slot of their own in the file` }];
};

const lengthObstacles = (entry: Entry, lengths: Lengths): readonly Finding[] => {
  const tooLong = (name: string, value: string, length: number): readonly Finding[] =>
    gbkLength(value) <= length
      ? []
      : [{ code: "LIMIT_LENGTH", message: `${name} "${value}" takes ${gbkLength(value)} bytes, at most ${length}` }];
  return [
    ...tooLong("科目", entry.account, lengths.account),
    ...tooLong("凭证字", entry.word, lengths.word),
    ...tooLong("币别", entry.currency, lengths.currency),
    ...tooLong("制单", entry.preparer, lengths.preparer),
    ...tooLong("单位", entry.unit ?? "", lengths.unit),
    ...entry.objects.flatMap((one) => [
      ...tooLong("核算类别", one.class, lengths.class),
      ...tooLong(one.class, one.code, lengths.code),
    ]),
  ];
};

const numberObstacles = (entry: Entry, settings: KingdeeKisSettings): readonly Finding[] => {
  const { amountColumn, quantityColumn } = layoutOf(settings);
  const check = (name: string, value: Decimal, column: DbfColumn): readonly Finding[] => {
    const fit = fitsColumn(value, column);
    if (fit === "too-fine")
      return [{ code: "LIMIT_DECIMALS", message: `${name} ${value}: at most ${column.decimals} decimals` }];
    const inCell = settings.dialect !== "excel" || survivesCell(value);
    if (fit === "fits" && inCell) return [];
    return [{ code: "LIMIT_DIGITS", message: `${name} ${value} has more digits than the file's field` }];
  };
  const { attachments } = layoutOf(settings).lengths;
  const tooMany = String(entry.attachments).length > attachments;
  return [
    ...(tooMany
      ? [{ code: "LIMIT_DIGITS" as const, message: `附单据数 ${entry.attachments}: at most ${attachments} digits` }]
      : []),
    ...(isZero(entry.amount) ? [{ code: "VOUCHER_EMPTY" as const, message: "the amount is zero" }] : []),
    ...check("金额", entry.amount, amountColumn),
    ...(entry.quantity === undefined ? [] : check("数量", entry.quantity, quantityColumn)),
  ];
};

interface Lengths {
  readonly account: number;
  readonly word: number;
  readonly currency: number;
  readonly preparer: number;
  readonly unit: number;
  readonly attachments: number;
  readonly class: number;
  readonly code: number;
}

/** The limits of one edition, read off its columns; a workbook of 专业版 goes into the same fields. */
const layoutOf = (
  settings: KingdeeKisSettings,
): { slots: number; lengths: Lengths; amountColumn: DbfColumn; quantityColumn: DbfColumn } => {
  const layout = settings.dialect === "standard" ? STANDARD : PROFESSIONAL;
  const columns = new Map(layout.columns.map((column) => [column.name.toUpperCase(), column]));
  const column = (name: string): DbfColumn => {
    const found = columns.get(name);
    if (found === undefined) throw new RangeError(`the layout has no column ${name}`);
    return found;
  };
  return {
    slots: layout.slots,
    amountColumn: column("FDEBIT"),
    quantityColumn: column("FQTY"),
    lengths: {
      account: column("FACCTID").length,
      word: column("FGROUP").length,
      currency: column("FCYID").length,
      preparer: column(settings.dialect === "standard" ? "FPREPARER" : "FPREPARE").length,
      // 标准版 writes no unit at all.
      unit: columns.get("FUNITNAME")?.length ?? Number.POSITIVE_INFINITY,
      attachments: column("FATTCHMENT").length,
      class: column("FCLSNAME1").length,
      code: column("FOBJID1").length,
    },
  };
};
