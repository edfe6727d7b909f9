import { z } from "zod";
import { BusinessDate, periodOf } from "../../domain/dates.ts";
import { Decimal, ZERO, isZero, negate, normalize, subtract } from "../../domain/decimal.ts";
import { ZhangshiError } from "../../domain/errors.ts";
import { type DimensionKind, dimensionKinds } from "../../domain/voucher.ts";
import type { ErpVoucher, ErpVoucherLine } from "../contract.ts";
import { type Entity, textOf } from "./query.ts";
import type { SapB1Settings } from "./settings.ts";

/** The chart's Code as the account that people and rules name. */
export type AccountOf = (code: string) => string;

/** Head properties that read-back uses; all lines come with `JournalEntryLines`. */
export const journalFields = (settings: SapB1Settings): readonly string[] => [
  "JdtNum",
  "Number",
  "ReferenceDate",
  "TransactionCode",
  "OriginalJournal",
  settings.keyField,
  "JournalEntryLines",
];

/** A line of a document made by B1 itself is not typed by a person (reference §7.2). */
const MANUAL = "ttJournalEntry";

const Lines = z.array(z.record(z.string(), z.unknown()));

/** A journal entry as we say it. It is final once it is there: B1 knows no draft of it here, and no deletion. @throws ZhangshiError READ_FAILED */
export const voucherOf = (entity: Entity, settings: SapB1Settings, accountOf: AccountOf): ErpVoucher => {
  const erpId = textOf(entity["JdtNum"]);
  // v2 sends an instant, v1 a plain day; the first ten characters are the day in both (reference §1).
  const date = read(BusinessDate, textOf(entity["ReferenceDate"]).slice(0, 10), erpId, "ReferenceDate");
  const lines = Lines.safeParse(entity["JournalEntryLines"]);
  if (!lines.success) throw new ZhangshiError("READ_FAILED", { voucher: erpId, field: "JournalEntryLines" });
  const origin = textOf(entity["OriginalJournal"]);
  return {
    erpId,
    key: textOf(entity[settings.keyField]).toLowerCase(),
    word: wordOf(textOf(entity["TransactionCode"]), settings),
    number: textOf(entity["Number"]),
    date,
    period: periodOf(date),
    stage: "booked",
    voided: false,
    attachments: undefined,
    origin: origin === "" || origin === MANUAL ? "manual" : origin,
    maker: "",
    lines: lines.data
      .map((line, index) => lineOf(line, index, erpId, settings, accountOf))
      .toSorted((a, b) => a.lineNumber - b.lineNumber),
  };
};

const wordOf = (transactionCode: string, settings: SapB1Settings): string => {
  const ours = Object.entries(settings.words).find(([, theirs]) => (theirs ?? "") === transactionCode);
  return ours?.[0] ?? transactionCode;
};

const lineOf = (
  line: Entity,
  index: number,
  erpId: string,
  settings: SapB1Settings,
  accountOf: AccountOf,
): ErpVoucherLine => {
  const amountOf = (field: string): Decimal => normalize(read(Decimal, textOf(line[field]) || "0", erpId, field));
  const lineId = textOf(line["Line_ID"]);
  const account = accountOf(textOf(line["AccountCode"]));
  const quantity = settings.quantityField === null ? ZERO : amountOf(settings.quantityField);
  return {
    lineNumber: lineId === "" ? index + 1 : Number(lineId) + 1,
    summary: typeof line["LineMemo"] === "string" ? line["LineMemo"] : "",
    ...sideOf(amountOf("Debit"), amountOf("Credit")),
    account,
    quantity: isZero(quantity) ? undefined : quantity,
    unit: (settings.unitField === null ? "" : textOf(line[settings.unitField])) || undefined,
    dimensions: dimensionsOf(line, account, settings),
  };
};

const sideOf = (debit: Decimal, credit: Decimal): Pick<ErpVoucherLine, "side" | "amount"> =>
  isZero(debit) && !isZero(credit)
    ? { side: "credit", amount: credit }
    : { side: "debit", amount: normalize(subtract(debit, credit)) };

const dimensionsOf = (
  line: Entity,
  account: string,
  settings: SapB1Settings,
): Partial<Record<DimensionKind, string>> => {
  const dimensions: Partial<Record<DimensionKind, string>> = {};
  for (const kind of dimensionKinds) {
    const field = settings.dimensions[kind];
    const code = field === undefined || field === null ? "" : textOf(line[field]);
    if (code !== "") dimensions[kind] = code;
  }
  const partner = settings.controlAccounts[account];
  const shortName = textOf(line["ShortName"]);
  // On a partner's line the short name is the partner, else it repeats the account (reference §9.1).
  if (partner !== undefined && shortName !== "" && shortName !== textOf(line["AccountCode"]))
    dimensions[partner] = shortName;
  return dimensions;
};

const read = <Value>(
  schema: { safeParse(text: string): { success: true; data: Value } | { success: false } },
  text: string,
  id: string,
  field: string,
): Value => {
  const parsed = schema.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new ZhangshiError("READ_FAILED", { voucher: id, field, value: text.slice(0, 200) });
};

/** Debit minus credit of one line. */
export const signedAmount = (line: ErpVoucherLine): Decimal =>
  line.side === "debit" ? line.amount : negate(line.amount);
