import type { Instant } from "../../domain/dates.ts";
import { Instant as InstantSchema } from "../../domain/dates.ts";
import {
  absolute,
  compare,
  decimal,
  type Decimal,
  isDecimal,
  multiply,
  normalize,
  round,
  scaleOf,
  subtract,
} from "../../domain/decimal.ts";
import type { ErrorCode } from "../../domain/errors.ts";
import { instantInZone, instantOfText, localOfSerial } from "./local-time.ts";

/** A number that its source keeps as a double, in the digits as stored: a cell of a spreadsheet. */
export interface DoubleValue {
  readonly double: string;
  /** The wall clock it stands for, where its format says that it is a date. */
  readonly local?: string;
  /** How it shows where its format only adds zeros in front: "0012". */
  readonly shown?: string;
}
/** A value as the source spells it. `undefined` is an empty one. */
export type RawValue = string | DoubleValue | undefined;

/** A value as it was understood, or why it was not. `undefined` is an empty one. */
export type Read<T> =
  | { readonly ok: true; readonly value: T | undefined }
  | { readonly ok: false; readonly code: ErrorCode };

export interface Habits {
  readonly zone: string;
  readonly timeFormat: "auto" | "epoch-seconds" | "epoch-milliseconds";
  /** True where people type: full-width digits, thousands separators and serial days are understood. */
  readonly typedByPeople: boolean;
}

const empty = { ok: true, value: undefined } as const;
const refuse = (code: ErrorCode) => ({ ok: false, code }) as const;

/** A double holds so many digits for certain. */
const DOUBLE_DIGITS = 15;
const NUMBER_LENGTH_MAX = 60;
/** Relative size of what a computed double may be off: "0.30000000000000004". */
const FLOAT_NOISE = decimal("0.00000000000001");
const EXPONENT_MAX = 30;
/** What a spreadsheet would run when the value reaches one again. */
const FORMULA = /^[=@\t\r]/;

/** A code or a name. What begins like a formula is refused: sooner or later it reaches a spreadsheet. */
export const readText = (value: RawValue, lengthMax: number): Read<string> => {
  if (value === undefined) return empty;
  if (typeof value !== "string") return codeOfDouble(value);
  const text = value.trim();
  if (text === "") return empty;
  // PostgreSQL cannot hold a NUL, and nobody typed one.
  if (text.length > lengthMax || text.includes("\0") || FORMULA.test(value)) return refuse("RECORD_UNREADABLE");
  return { ok: true, value: text };
};

/** A number where a code is expected: whole and exact, or not a code. */
const codeOfDouble = ({ double, shown }: DoubleValue): Read<string> => {
  if (shown !== undefined) return { ok: true, value: shown };
  const plain = plainNumber(double);
  if (plain === undefined || !/^-?\d+$/.test(plain)) return refuse("NUMBER_UNREADABLE");
  return plain.replace("-", "").length > DOUBLE_DIGITS ? refuse("NUMBER_IMPRECISE") : { ok: true, value: plain };
};

/** "1.5E-3" as "0.0015". @returns undefined when it is no number or out of all measure */
const plainNumber = (text: string): string | undefined => {
  const parts = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,3}))?$/.exec(text);
  if (parts === null) return undefined;
  const [, sign = "", whole = "", fraction = "", power = "0"] = parts;
  const exponent = Number(power);
  if (Math.abs(exponent) > EXPONENT_MAX) return undefined;
  const digits = `${"0".repeat(EXPONENT_MAX)}${whole}${fraction}${"0".repeat(EXPONENT_MAX)}`;
  const point = EXPONENT_MAX + whole.length + exponent;
  const before = digits.slice(0, point).replace(/^0+(?=\d)/, "");
  const after = digits.slice(point).replace(/0+$/, "");
  return `${sign}${before}${after === "" ? "" : `.${after}`}`;
};

/** Full-width digits and well-formed thousands, as people type them: "１,２３４.５０". */
const asTyped = (text: string): string => {
  const narrow = text.normalize("NFKC").replace(/^\+/, "");
  return /^-?\d{1,3}(,\d{3})+(\.\d+)?$/.test(narrow) ? narrow.replaceAll(",", "") : narrow;
};

const significantDigits = (text: string): number => {
  const [whole = "", fraction = ""] = text.replace("-", "").split(".");
  const behind = fraction.replace(/0+$/, "");
  const digits = `${whole}${behind}`.replace(/^0+/, "");
  return (behind === "" ? digits.replace(/0+$/, "") : digits).length;
};

/**
 * An exact number.
 * @param decimalsMax  digits behind the point; of a double, what is beyond them must be noise
 */
export const readNumber = (value: RawValue, decimalsMax: number, habits: Habits): Read<Decimal> => {
  const number = numberIn(value, habits);
  if (!number.ok || number.value === undefined) return number;
  if (typeof value === "string" || significantDigits(number.value) <= DOUBLE_DIGITS)
    return scaleOf(number.value) <= decimalsMax ? number : refuseOrRound(number.value, decimalsMax, value);
  return refuseOrRound(number.value, decimalsMax, value);
};

const refuseOrRound = (number: Decimal, decimalsMax: number, value: RawValue): Read<Decimal> => {
  if (typeof value === "string") return refuse("LIMIT_DECIMALS");
  const rounded = normalize(round(number, decimalsMax));
  const off = absolute(subtract(number, rounded));
  const isNoise = compare(off, multiply(absolute(number), FLOAT_NOISE)) <= 0;
  if (isNoise && significantDigits(rounded) <= DOUBLE_DIGITS) return { ok: true, value: rounded };
  return refuse(significantDigits(number) > DOUBLE_DIGITS ? "NUMBER_IMPRECISE" : "LIMIT_DECIMALS");
};

/** Prices and amounts are often computed, so they are rounded half up, as long as every digit that is kept is certain. */
export const readMoney = (value: RawValue, decimals: number, habits: Habits): Read<Decimal> => {
  const number = numberIn(value, habits);
  if (!number.ok || number.value === undefined) return number;
  const rounded = scaleOf(number.value) <= decimals ? number.value : normalize(round(number.value, decimals));
  const isCertain = typeof value === "string" || significantDigits(rounded) <= DOUBLE_DIGITS;
  return isCertain ? { ok: true, value: rounded } : refuse("NUMBER_IMPRECISE");
};

const numberIn = (value: RawValue, { typedByPeople }: Habits): Read<Decimal> => {
  if (value === undefined) return empty;
  if (typeof value !== "string" && value.local !== undefined) return refuse("NUMBER_UNREADABLE");
  const trimmed = typeof value === "string" ? value.trim() : (plainNumber(value.double) ?? "?");
  if (trimmed === "") return empty;
  if (trimmed.length > NUMBER_LENGTH_MAX) return refuse("NUMBER_UNREADABLE");
  const text = typedByPeople ? asTyped(trimmed) : trimmed;
  return isDecimal(text) ? { ok: true, value: normalize(text) } : refuse("NUMBER_UNREADABLE");
};

/** An instant; what names no zone is meant as the company's clock shows it. */
export const readInstant = (value: RawValue, habits: Habits): Read<Instant> => {
  if (value === undefined) return empty;
  if (typeof value !== "string") return serialInstant(value.local ?? localOfSerial(value.double, false), habits.zone);
  const text = habits.typedByPeople ? value.normalize("NFKC").trim() : value.trim();
  if (text === "") return empty;
  if (habits.timeFormat !== "auto") return epochInstant(text, habits.timeFormat === "epoch-seconds" ? 1_000 : 1);
  // Five digits are a serial day that lost its format on the way into a text file: no other spelling is as short.
  if (habits.typedByPeople && /^\d{5}(\.\d+)?$/.test(text))
    return serialInstant(localOfSerial(text, false), habits.zone);
  const at = instantOfText(text, habits.zone);
  return at === undefined ? refuse("DATE_UNREADABLE") : { ok: true, value: at };
};

const serialInstant = (local: string | undefined, zone: string): Read<Instant> =>
  local === undefined ? refuse("DATE_UNREADABLE") : { ok: true, value: instantInZone(local, zone) };

const epochInstant = (text: string, unitMs: number): Read<Instant> => {
  if (!/^\d{1,14}$/.test(text)) return refuse("DATE_UNREADABLE");
  const at = InstantSchema.safeParse(new Date(Number(text) * unitMs).toISOString());
  return at.success ? { ok: true, value: at.data } : refuse("DATE_UNREADABLE");
};

const VALUE_SHOWN_MAX = 200;
/** A value as it arrived, for a person. */
export const showValue = (value: RawValue): string =>
  value === undefined ? "" : (typeof value === "string" ? value : value.double).slice(0, VALUE_SHOWN_MAX);
