import { BusinessDate, Period } from "../../domain/dates.ts";
import { Decimal, add, equal, isZero, negate, normalize, ZERO } from "../../domain/decimal.ts";
import { ZhangshiError } from "../../domain/errors.ts";
import type { Stage } from "../../domain/posting.ts";
import { type DimensionKind, type Side, dimensionKinds } from "../../domain/voucher.ts";
import type { ErpVoucher, ErpVoucherLine } from "../contract.ts";
import { PROFESSIONAL, readDbfVouchers, STANDARD } from "./dbf-layouts.ts";
import { classOf, keyLength, splitSummary } from "./entries.ts";
import type { ExportedEntry } from "./entry.ts";
import type { KingdeeKisSettings } from "./settings.ts";
import { readWorkbookVouchers } from "./workbook-layout.ts";

/**
 * Reads an export of the program (引出标准格式凭证).
 *
 * `erpId` is "2025-01/记-12": the program has no other name for a voucher that a person sees, and it changes when somebody
 * renumbers. `key` is as long as the file's field, or "" where no key of ours stands. A class that stands for several of
 * our dimensions (往来单位) gives its code to each of them.
 *
 * @throws ZhangshiError FILE_UNREADABLE when the file is not whole, not of this dialect, or holds a voucher that does not balance
 */
export const readExport = async (
  bytes: Uint8Array,
  name: string,
  settings: KingdeeKisSettings,
): Promise<readonly ErpVoucher[]> => vouchersOf(await entriesIn(bytes, name, settings), name, settings);

const entriesIn = (
  bytes: Uint8Array,
  name: string,
  settings: KingdeeKisSettings,
): Promise<readonly ExportedEntry[]> | readonly ExportedEntry[] => {
  switch (settings.dialect) {
    case "standard":
      return readDbfVouchers(bytes, name, STANDARD);
    case "professional":
      return readDbfVouchers(bytes, name, PROFESSIONAL);
    case "excel":
      return readWorkbookVouchers(bytes, name, settings);
  }
};

/** One voucher has equal date, 凭证字 and number (reference §11.2). */
const vouchersOf = (
  entries: readonly ExportedEntry[],
  name: string,
  settings: KingdeeKisSettings,
): readonly ErpVoucher[] => {
  const groups = new Map<string, ExportedEntry[]>();
  for (const entry of entries) {
    const id = JSON.stringify([entry.date, entry.word, normalNumber(entry.number)]);
    const group = groups.get(id);
    if (group === undefined) groups.set(id, [entry]);
    else group.push(entry);
  }
  return [...groups.values()].map((group) => voucherOf(group, name, settings));
};

const voucherOf = (entries: readonly ExportedEntry[], name: string, settings: KingdeeKisSettings): ErpVoucher => {
  const [head] = entries;
  if (head === undefined) throw new RangeError("a group has an entry");
  const ordered = entries.toSorted((a, b) => Number(a.entryNumber) - Number(b.entryNumber) || a.row - b.row);
  const lines = ordered.map((entry, index) => lineOf(entry, index + 1, name, settings));
  const balance = lines.reduce(
    (sum, line) => add(sum, line.side === "debit" ? line.amount : negate(line.amount)),
    ZERO,
  );
  // KIS keeps no unbalanced voucher: rows are missing, or two vouchers were taken for one.
  if (!isZero(balance)) throw unreadable(name, head.row, "number", head.number, "debit and credit differ");
  const date = parsed(BusinessDate, head.date, name, head.row, "date");
  const number = normalNumber(head.number);
  const words = new Map(Object.entries(settings.words).map(([ours, theirs]) => [theirs, ours]));
  return {
    erpId: erpIdOf(date, head.word, number),
    key: keyOf(ordered, settings),
    word: words.get(head.word) ?? head.word,
    number,
    date,
    period: parsed(Period, date.slice(0, 7), name, head.row, "period"),
    stage: stageOf(head),
    voided: head.voided,
    attachments: head.attachments === "" ? undefined : Number(head.attachments),
    origin: head.module === "" ? "manual" : head.module,
    maker: head.preparer,
    lines,
  };
};

/** @param word  凭证字 of the 账套 */
export const erpIdOf = (date: string, word: string, number: string): string => `${date.slice(0, 7)}/${word}-${number}`;

const stageOf = ({ booked, checker }: ExportedEntry): Stage => {
  if (booked) return "booked";
  return checker === "" ? "saved" : "audited";
};

const KEY = /^[a-z2-7]+$/u;

/** A person's 业务编号 or 参考信息 is no key of ours; neither is a key of another length. */
const keyOf = (entries: readonly ExportedEntry[], settings: KingdeeKisSettings): string => {
  const texts = entries.map((entry) => {
    switch (settings.keyPlace) {
      case "trade-number":
        return entry.tradeNumber;
      case "reference":
        return entry.reference;
      case "summary":
        return splitSummary(entry.summary).key;
    }
  });
  return texts.find((text) => text.length === keyLength(settings) && KEY.test(text)) ?? "";
};

const lineOf = (
  entry: ExportedEntry,
  lineNumber: number,
  name: string,
  settings: KingdeeKisSettings,
): ErpVoucherLine => {
  const amountIn = (field: "debit" | "credit" | "quantity"): Decimal => {
    const text = entry[field] === "" ? "0" : plain(entry[field]);
    return normalize(parsed(Decimal, text, name, entry.row, field));
  };
  const [debit, credit, quantity] = [amountIn("debit"), amountIn("credit"), amountIn("quantity")];
  const side: Side = entry.side ?? (isZero(debit) && !isZero(credit) ? "credit" : "debit");
  if (!equal(side === "debit" ? credit : debit, ZERO))
    throw unreadable(name, entry.row, "credit", entry.credit, "debit and credit on one entry");
  const dimensions: Partial<Record<DimensionKind, string>> = {};
  for (const kind of dimensionKinds) {
    const wanted = classOf(kind, settings)?.class;
    const found = entry.objects.find((one) => one.class === wanted);
    if (found !== undefined) dimensions[kind] = found.code;
  }
  return {
    lineNumber,
    summary: settings.keyPlace === "summary" ? splitSummary(entry.summary).text : entry.summary,
    side,
    account: entry.account,
    amount: side === "debit" ? debit : credit,
    quantity: isZero(quantity) ? undefined : quantity,
    unit: entry.unit === "" ? undefined : entry.unit,
    dimensions,
  };
};

/** "1.50" and ".5" as columns of numbers have them. */
const plain = (text: string): string =>
  text
    .replace(/^\+/u, "")
    .replace(/^(-?)(?=\.)/u, "$10")
    .replace(/\.$/u, "");

const normalNumber = (text: string): string => text.replace(/\.0*$/u, "").replace(/^0+(?=\d)/u, "");

const parsed = <Value>(
  schema: { safeParse(text: string): { success: true; data: Value } | { success: false } },
  text: string,
  name: string,
  row: number,
  field: string,
): Value => {
  const result = schema.safeParse(text);
  if (result.success) return result.data;
  throw unreadable(name, row, field, text, "not readable");
};

const unreadable = (name: string, row: number, field: string, value: string, reason: string): ZhangshiError =>
  new ZhangshiError("FILE_UNREADABLE", { file: name, row: String(row), field, value: value.slice(0, 200), reason });
