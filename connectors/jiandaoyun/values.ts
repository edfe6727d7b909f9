import { LosslessNumber } from "lossless-json";
import {
  absolute,
  compare,
  type Decimal,
  isDecimal,
  multiply,
  normalize,
  round,
  scaleOf,
  subtract,
  decimal,
} from "../../domain/decimal.ts";
import { Instant } from "../../domain/dates.ts";
import type { ErrorCode } from "../../domain/errors.ts";

/** A value of a form as it was understood, or why it was not. `undefined` is an empty field. */
export type Read<T> =
  | { readonly ok: true; readonly value: T | undefined }
  | { readonly ok: false; readonly code: ErrorCode };

const empty = { ok: true, value: undefined } as const;
const refuse = (code: ErrorCode) => ({ ok: false, code }) as const;

/** The vendor keeps numbers as doubles: beyond this many digits a number is not what was typed. */
const DOUBLE_DIGITS = 15;
const NUMBER_LENGTH_MAX = 60;
/** More digits behind the point than any number that passes the length. */
const DIGITS_MAX = NUMBER_LENGTH_MAX;
/** Relative size of what a computed double may be off: "0.30000000000000004". */
const FLOAT_NOISE = decimal("0.00000000000001");

/** Digits that carry information: leading zeros do not, nor do the zeros a whole number ends in. */
const significantDigits = (text: string): number => {
  const [whole = "", fraction = ""] = text.replace("-", "").split(".");
  const digits = `${whole}${fraction.replace(/0+$/, "")}`.replace(/^0+/, "");
  return (fraction.replace(/0+$/, "") === "" ? digits.replace(/0+$/, "") : digits).length;
};
const wholeDigits = (text: string): number => text.replace("-", "").split(".")[0]?.length ?? 0;

/** What a form field says as text: texts, choices, members (user name), departments (number), telephones, links. */
export const readText = (value: unknown, lengthMax: number): Read<string> => {
  const read = plainText(value);
  if (!read.ok || read.value === undefined) return read;
  const text = read.value.trim();
  if (text === "") return empty;
  // PostgreSQL cannot hold a NUL, and nobody typed one.
  if (text.length > lengthMax || text.includes("\0")) return refuse("RECORD_UNREADABLE");
  return { ok: true, value: text };
};

const plainText = (value: unknown): Read<string> => {
  if (typeof value === "string") return { ok: true, value };
  if (value === null || value === undefined) return empty;
  if (value instanceof LosslessNumber) return codeOfNumber(value.value);
  if (typeof value !== "object" || Array.isArray(value)) return refuse("RECORD_UNREADABLE");
  for (const key of ["username", "dept_no", "phone", "link_id", "id"]) {
    const inner: unknown = Object.getOwnPropertyDescriptor(value, key)?.value;
    if (inner !== undefined)
      return typeof inner === "object" && !(inner instanceof LosslessNumber)
        ? refuse("RECORD_UNREADABLE")
        : plainText(inner);
  }
  return Object.keys(value).length === 0 ? empty : refuse("RECORD_UNREADABLE");
};

/** A number where a code is expected: whole and exact, or not a code. */
const codeOfNumber = (text: string): Read<string> => {
  if (!/^-?\d+$/.test(text)) return refuse("NUMBER_UNREADABLE");
  return wholeDigits(text) > DOUBLE_DIGITS ? refuse("NUMBER_IMPRECISE") : { ok: true, value: text };
};

/**
 * An exact number from a number field, or from a text field that holds a plain number.
 * @param decimalsMax  digits behind the point; what is beyond them must be the noise of a double
 */
export const readNumber = (value: unknown, decimalsMax: number): Read<Decimal> => {
  if (value === null || value === undefined) return empty;
  const isDouble = value instanceof LosslessNumber;
  if (!isDouble && typeof value !== "string") return refuse("NUMBER_UNREADABLE");
  const text = isDouble ? value.value : value.trim();
  if (text === "") return empty;
  if (text.length > NUMBER_LENGTH_MAX || !isDecimal(text)) return refuse("NUMBER_UNREADABLE");
  // Almost every number is short and already in its one spelling.
  const scale = scaleOf(text);
  const isCanonical = text !== "-0" && (scale === 0 || !text.endsWith("0"));
  if (isCanonical && text.length <= DOUBLE_DIGITS && scale <= decimalsMax) return { ok: true, value: text };
  const number = normalize(text);
  const tooLong = isDouble && (significantDigits(number) > DOUBLE_DIGITS || wholeDigits(number) > DOUBLE_DIGITS);
  if (!tooLong && scaleOf(number) <= decimalsMax) return { ok: true, value: number };
  const rounded = round(number, decimalsMax);
  const off = absolute(subtract(number, rounded));
  const isNoise = isDouble && compare(off, multiply(absolute(number), FLOAT_NOISE)) <= 0;
  if (isNoise && wholeDigits(rounded) <= DOUBLE_DIGITS && significantDigits(rounded) <= DOUBLE_DIGITS)
    return { ok: true, value: rounded };
  return refuse(tooLong ? "NUMBER_IMPRECISE" : "LIMIT_DECIMALS");
};

/**
 * Prices and amounts are often computed by the form ("13.333333333333334"), so they are rounded half up, as long as a
 * double still holds every digit that is kept.
 */
export const readMoney = (value: unknown, decimals: number): Read<Decimal> => {
  const read = readNumber(value, DIGITS_MAX);
  if (read.ok)
    return read.value === undefined || scaleOf(read.value) <= decimals
      ? read
      : { ok: true, value: round(read.value, decimals) };
  if (read.code !== "NUMBER_IMPRECISE" || !(value instanceof LosslessNumber) || !isDecimal(value.value)) return read;
  const rounded = round(value.value, decimals);
  return wholeDigits(rounded) <= DOUBLE_DIGITS && significantDigits(rounded) <= DOUBLE_DIGITS
    ? { ok: true, value: rounded }
    : read;
};

const WIRE_INSTANT = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,3}))?Z$/;

/**
 * The vendor answers dates as UTC with milliseconds. A day alone is stored as local midnight, so it needs no other rule.
 * Source: Jiandaoyun reference §5.3.
 */
export const readInstant = (value: unknown): Read<Instant> => {
  if (value === null || value === undefined || value === "") return empty;
  const parts = typeof value === "string" ? WIRE_INSTANT.exec(value) : null;
  if (parts === null) return refuse("DATE_UNREADABLE");
  const canonical = `${parts[1]}.${(parts[2] ?? "").padEnd(3, "0")}Z`;
  const epochMs = Date.parse(canonical);
  // Date.parse turns 30 February into 2 March.
  if (Number.isNaN(epochMs) || new Date(epochMs).toISOString() !== canonical) return refuse("DATE_UNREADABLE");
  const read = Instant.safeParse(canonical);
  return read.success ? { ok: true, value: read.data } : refuse("DATE_UNREADABLE");
};

const VALUE_SHOWN_MAX = 200;
/** A value as it arrived, for a person. */
export const showValue = (value: unknown): string => {
  if (value === undefined || value === null) return "";
  const text =
    typeof value === "string" ? value : value instanceof LosslessNumber ? value.value : (JSON.stringify(value) ?? "");
  return text.slice(0, VALUE_SHOWN_MAX);
};
