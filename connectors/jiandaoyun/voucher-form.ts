import { LosslessNumber } from "lossless-json";
import {
  type BusinessDate,
  BusinessDate as Day,
  type Period,
  addDays,
  dayInZone,
  periodOf,
} from "../../domain/dates.ts";
import { type Decimal, ZERO } from "../../domain/decimal.ts";
import { type ErrorCode, ZhangshiError } from "../../domain/errors.ts";
import type { Stage } from "../../domain/posting.ts";
import { type VoucherDraft, type VoucherLine, dimensionKinds } from "../../domain/voucher.ts";
import type { ErpVoucher, ErpVoucherLine } from "../contract.ts";
import { exactNumber } from "../transport/json.ts";
import { type LedgerSettings, dimensionFields } from "./ledger-settings.ts";
import { headText, meets } from "./pinned-form.ts";
import type { Pin, Pins, WantedFields } from "./pins.ts";
import { readInstant, readMoney, readNumber, readText, showValue } from "./values.ts";
import { Lines, type Row } from "./wire.ts";

/** Why a draft cannot even be written down for this form. */
export interface CannotWrite {
  readonly code: ErrorCode;
  readonly message: string;
}

type Wrapped = { readonly value: unknown };
export type WriteRow = Record<string, Wrapped>;

const TEXT_TYPES: ReadonlySet<string> = new Set(["text", "textarea", "radiogroup", "combo", "company", "lookup"]);
const TEXT_MAX = 5_000;
/** Digits behind the point that a number may have before it counts as the noise of a double. */
const DECIMALS_READ = 10;
/** Source: Jiandaoyun reference §4.1. */
const FLOW_RUNNING = "0";
const FLOW_FINISHED = "1";
const FLOW_CLOSED = "2";
const FLOW_REJECTED = "3";

export const wantedOf = (settings: LedgerSettings): WantedFields => ({
  head: [...new Set([...present(Object.values(settings.fields)), ...settings.voidWhen.map(({ field }) => field)])],
  subform: settings.lines.subform,
  line: [
    ...new Set([
      ...present(Object.values(settings.lines.fields)),
      ...dimensionFields(settings).map(([, field]) => field),
    ]),
  ],
});
const present = (fields: readonly (string | undefined)[]): readonly string[] =>
  fields.filter((field) => field !== undefined);

/** What the settings alone say against a draft, before the form was looked at. */
export const obstacleTo = (draft: VoucherDraft, settings: LedgerSettings): CannotWrite | undefined => {
  if (settings.words[draft.word] === undefined)
    return { code: "CODE_MISSING", message: `凭证字 ${draft.word} is not among the connection's words` };
  if (draft.currency !== settings.currency)
    return {
      code: "CODE_MISSING",
      message: `the ledger keeps ${settings.currency}, the voucher is in ${draft.currency}`,
    };
  for (const line of draft.lines)
    for (const kind of dimensionKinds)
      if (line.dimensions[kind] !== undefined && settings.lines.dimensions[kind] === undefined)
        return { code: "DIMENSION_REFUSED", message: `line ${line.lineNumber}: no field is configured for ${kind}` };
  return undefined;
};

/** The draft in write shape: every value wrapped, subform rows too. Source: Jiandaoyun reference §4.5, §5.1. */
export const encodeVoucher = (
  draft: VoucherDraft,
  settings: LedgerSettings,
  pins: Pins,
): { readonly ok: true; readonly data: WriteRow } | ({ readonly ok: false } & CannotWrite) => {
  const { fields, lines } = settings;
  const wrong: string[] = [];
  const put = (row: WriteRow, pinned: ReadonlyMap<string, Pin>, field: string | undefined, value: unknown): void => {
    const pin = field === undefined ? undefined : pinned.get(field);
    if (pin === undefined || value === undefined) return;
    const written = valueFor(pin, value, settings.zone);
    if (written === undefined) wrong.push(`${pin.name} (${pin.type})`);
    else row[pin.name] = { value: written };
  };
  const data: WriteRow = {};
  const head = (field: string | undefined, value: unknown): void => put(data, pins.head, field, value);
  head(fields.key, draft.key);
  head(fields.date, draft.date);
  head(fields.word, settings.words[draft.word]);
  head(fields.summary, draft.lines[0]?.summary);
  head(fields.attachments, exactNumber(String(draft.attachments)));
  head(fields.documents, draft.documents.join(" "));
  head(fields.currency, draft.currency);
  const rows = draft.lines.map((line) => {
    const row: WriteRow = {};
    for (const [field, value] of lineValues(line, settings)) put(row, pins.line, field, value);
    return row;
  });
  if (pins.subform?.type !== "subform") wrong.push(`${lines.subform} (${pins.subform?.type ?? ""})`);
  else data[pins.subform.name] = { value: rows };
  if (wrong.length === 0) return { ok: true, data };
  // Stored empty in silence otherwise (reference §5.2).
  return {
    ok: false,
    code: "CONFIG_INVALID",
    message: `fields that cannot hold this: ${[...new Set(wrong)].join(", ")}`,
  };
};

const lineValues = (
  line: VoucherLine,
  settings: LedgerSettings,
): readonly (readonly [string | undefined, unknown])[] => {
  const { fields } = settings.lines;
  return [
    [fields.summary, line.summary],
    [fields.side, settings.sides[line.side]],
    [fields.account, line.account],
    [fields.amount, exactNumber(line.amount)],
    [fields.quantity, line.quantity === undefined ? undefined : exactNumber(line.quantity)],
    [fields.unit, line.unit],
    [fields.unitPrice, line.unitPrice === undefined ? undefined : exactNumber(line.unitPrice)],
    ...dimensionFields(settings).map(([kind, field]) => [field, line.dimensions[kind]] as const),
  ];
};

/** @returns undefined where the field's type cannot hold it */
const valueFor = (pin: Pin, value: unknown, zone: string): unknown => {
  const isNumber = value instanceof LosslessNumber;
  if (pin.type === "number") return isNumber ? value : undefined;
  if (isNumber) return TEXT_TYPES.has(pin.type) ? value.value : undefined;
  const day = Day.safeParse(value);
  // A 流水号 is the vendor's to give: writing it is ignored.
  if (pin.type === "datetime") return day.success ? midnightOf(day.data, zone) : undefined;
  return TEXT_TYPES.has(pin.type) ? value : undefined;
};

/** Days alone are stored as local midnight, and what comes without an offset is taken for UTC. Source: Jiandaoyun reference §5.3. */
export const midnightOf = (day: BusinessDate, zone: string): string => {
  const noon = Date.parse(`${day}T00:00:00.000Z`);
  // Twice, because the offset at midnight UTC may not be the one at midnight there.
  const once = noon - offsetMs(noon, zone);
  return new Date(noon - offsetMs(once, zone)).toISOString();
};

const offsetMs = (at: number, zone: string): number => {
  const parts = new Intl.DateTimeFormat("sv-SE", {
    timeZone: zone,
    dateStyle: "short",
    timeStyle: "medium",
  }).format(new Date(at));
  return Date.parse(`${parts.replace(" ", "T")}.000Z`) - at;
};

/** A range of instants that surely holds all vouchers of these days; what is beyond them is left out by comparing. */
export const rangeAround = (
  first: BusinessDate | undefined,
  last: BusinessDate,
  zone: string,
): readonly [string | null, string] => [
  first === undefined ? null : midnightOf(addDays(first, -1), zone),
  midnightOf(addDays(last, 2), zone),
];

/** The voucher's day; undefined where a person left it empty. @throws ZhangshiError READ_FAILED */
export const dayOf = (row: Row, settings: LedgerSettings, pins: Pins): BusinessDate | undefined => {
  const pin = pins.head.get(settings.fields.date);
  const value = row[pin?.name ?? ""];
  if (value === undefined || value === null || value === "") return undefined;
  if (pin?.type !== "datetime") {
    const day = Day.safeParse(value);
    if (day.success) return day.data;
    throw unreadable(row, settings.fields.date, value);
  }
  const read = readInstant(value);
  if (!read.ok || read.value === undefined) throw unreadable(row, settings.fields.date, value);
  return dayInZone(read.value, settings.zone);
};

const unreadable = (row: Row, field: string, value: unknown): ZhangshiError =>
  new ZhangshiError("READ_FAILED", { recordId: row._id, field, value: showValue(value) });

/** Where a record stands, and what people call it. */
export interface Standing {
  readonly erpId: string;
  readonly key: string;
  readonly number: string;
  readonly stage: Stage;
  readonly voided: boolean;
}

export const standingOf = (row: Row, settings: LedgerSettings, pins: Pins): Standing => {
  const { fields, flow, voidWhen } = settings;
  const state = row["flowState"] instanceof LosslessNumber ? row["flowState"].value : "";
  const ended = state === FLOW_REJECTED || (state === FLOW_CLOSED && flow?.closed === "void");
  return {
    erpId: row._id,
    key: headText(pins, row, fields.key),
    number: (fields.number === undefined ? "" : headText(pins, row, fields.number)) || row._id,
    stage: flow === undefined ? "saved" : stageOf(state),
    voided: (flow !== undefined && ended) || voidWhen.some((condition) => meets(pins, row, condition)),
  };
};

/** A voucher that never entered the workflow has no other name than that of a finished one (reference §4.1). */
const stageOf = (state: string): Stage => {
  if (state === FLOW_RUNNING || state === FLOW_REJECTED) return "submitted";
  return state === FLOW_FINISHED || state === FLOW_CLOSED ? "audited" : "saved";
};

/** @returns undefined for a record without a date: it belongs to no period. @throws ZhangshiError READ_FAILED */
export const decodeVoucher = (row: Row, settings: LedgerSettings, pins: Pins): ErpVoucher | undefined => {
  const date = dayOf(row, settings, pins);
  if (date === undefined) return undefined;
  const { erpId, key, number, stage, voided } = standingOf(row, settings, pins);
  const { fields } = settings;
  const word = fields.word === undefined ? "" : headText(pins, row, fields.word);
  const lines = Lines.safeParse(row[pins.subform?.name ?? ""] ?? []);
  if (!lines.success) throw unreadable(row, settings.lines.subform, row[pins.subform?.name ?? ""]);
  return {
    erpId,
    key,
    word: Object.entries(settings.words).find(([, theirs]) => theirs === word)?.[0] ?? word,
    number,
    date,
    period: periodOf(date),
    stage,
    voided,
    attachments: attachmentsOf(row, fields.attachments, pins),
    origin: key === "" ? "manual" : "api",
    maker: makerOf(row),
    lines: lines.data.map((line, index) => decodeLine(row, line, index + 1, settings, pins)),
  };
};

const attachmentsOf = (row: Row, field: string | undefined, pins: Pins): number | undefined => {
  if (field === undefined) return undefined;
  const read = readNumber(row[pins.head.get(field)?.name ?? ""], 0);
  return read.ok ? Number(read.value ?? "0") : undefined;
};

const makerOf = (row: Row): string => {
  const { creator } = row;
  if (typeof creator !== "object" || creator === null || !("name" in creator)) return "";
  return typeof creator.name === "string" ? creator.name : "";
};

const decodeLine = (row: Row, line: Row, lineNumber: number, settings: LedgerSettings, pins: Pins): ErpVoucherLine => {
  const { fields } = settings.lines;
  const valueOf = (field: string | undefined): unknown =>
    field === undefined ? undefined : line[pins.line.get(field)?.name ?? ""];
  const text = (field: string | undefined): string => {
    const read = readText(valueOf(field), TEXT_MAX);
    if (!read.ok) throw unreadable(row, `${lineNumber}.${field}`, valueOf(field));
    return read.value ?? "";
  };
  const summary = valueOf(fields.summary);
  const side = text(fields.side);
  if (side !== settings.sides.debit && side !== settings.sides.credit)
    throw unreadable(row, `${lineNumber}.${fields.side}`, side);
  const dimensions: ErpVoucherLine["dimensions"] = Object.fromEntries(
    dimensionFields(settings).flatMap(([kind, field]) => {
      const code = text(field);
      return code === "" ? [] : [[kind, code]];
    }),
  );
  const unit = text(fields.unit);
  return {
    lineNumber,
    summary: typeof summary === "string" ? summary : text(fields.summary),
    side: side === settings.sides.debit ? "debit" : "credit",
    account: text(fields.account),
    amount: numberIn(row, `${lineNumber}.${fields.amount}`, valueOf(fields.amount)) ?? ZERO,
    quantity: numberIn(row, `${lineNumber}.${fields.quantity}`, valueOf(fields.quantity)),
    unit: unit === "" ? undefined : unit,
    dimensions,
  };
};

/** Exactly as it stands, except for the noise of a double that a formula computed. @throws ZhangshiError READ_FAILED */
const numberIn = (row: Row, field: string, value: unknown): Decimal | undefined => {
  const exact = readNumber(value, DECIMALS_READ);
  const read = exact.ok ? exact : readMoney(value, 2);
  if (read.ok) return read.value;
  throw unreadable(row, field, value);
};

export const isIn = (voucher: ErpVoucher | undefined, period: Period): voucher is ErpVoucher =>
  voucher?.period === period;
