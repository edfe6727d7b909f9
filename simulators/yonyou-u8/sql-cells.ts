/** Values of the tables, and how SQL Server compares and writes them. */

import { formatDecimal, parseDecimal, trimDecimal } from "../shared/decimal.ts";
import { foldText } from "./model.ts";
import { SqlError } from "./sql-parser.ts";

export type Cell =
  | null
  | { type: "text"; value: string }
  /** `places` undefined writes the shortest form (int, float) */
  | { type: "number"; value: bigint; places: number | undefined }
  | { type: "bit"; value: boolean }
  /** "2025-07-31" or "2025-07-31T10:00:00" */
  | { type: "date"; value: string };

export type Row = {
  /** by lower-case column name; read when it is asked for, since most queries want few of many columns */
  cell(name: string): Cell;
  /** id of the voucher or document the row belongs to */
  source: number;
};

const MONEY_PLACES = 4;
const ONE_BIT = 10_000_000_000n;

/** "" is stored as NULL in most text columns of U8. */
export const text = (value: string | undefined): Cell =>
  value === undefined || value === "" ? null : { type: "text", value };
export const fullText = (value: string): Cell => ({ type: "text", value });
export const whole = (value: number): Cell => ({ type: "number", value: BigInt(value) * ONE_BIT, places: 0 });
export const money = (value: bigint | undefined): Cell =>
  value === undefined ? null : { type: "number", value, places: MONEY_PLACES };
export const float = (value: bigint | undefined): Cell =>
  value === undefined ? null : { type: "number", value, places: undefined };
export const decimal = (value: bigint | undefined, places: number): Cell =>
  value === undefined ? null : { type: "number", value, places };
export const bit = (value: boolean): Cell => ({ type: "bit", value });
export const date = (value: string | undefined): Cell =>
  value === undefined || value === "" ? null : { type: "date", value };

/** As a .NET DataSet writes it in XML; NULL is left out by the caller. */
export function showCell(cell: Exclude<Cell, null>): string {
  switch (cell.type) {
    case "text":
      return cell.value;
    case "bit":
      return String(cell.value);
    case "date":
      return `${cell.value.length === 10 ? `${cell.value}T00:00:00` : cell.value}+08:00`;
    case "number":
      return cell.places === undefined ? trimDecimal(cell.value) : formatDecimal(cell.value, cell.places);
  }
}

/** @returns negative, zero or positive; undefined when one of the two is NULL */
export function compareCells(left: Cell, right: Cell): number | undefined {
  if (left === null || right === null) return undefined;
  const [a, b] = [asNumber(left), asNumber(right)];
  if (a !== undefined || b !== undefined) {
    const [x, y] = [a ?? converted(left), b ?? converted(right)];
    return x < y ? -1 : x > y ? 1 : 0;
  }
  const [one, other] =
    left.type === "date" || right.type === "date" ? [day(left), day(right)] : [fold(left), fold(right)];
  return one < other ? -1 : one > other ? 1 : 0;
}

/** Text in the place of a number is converted, or the query fails as in SQL Server (message 245). */
function converted(cell: Exclude<Cell, null>): bigint {
  const value = cell.type === "text" ? parseDecimal(cell.value) : undefined;
  if (value !== undefined) return value;
  throw new SqlError(`在将 varchar 值 '${plain(cell)}' 转换成数据类型 int 时失败。`);
}

export function asNumber(cell: Exclude<Cell, null>): bigint | undefined {
  if (cell.type === "number") return cell.value;
  if (cell.type === "bit") return cell.value ? ONE_BIT : 0n;
  return undefined;
}

const plain = (cell: Exclude<Cell, null>): string =>
  cell.type === "text" || cell.type === "date" ? cell.value : showCell(cell);
const fold = (cell: Exclude<Cell, null>): string => foldText(plain(cell));

function day(cell: Exclude<Cell, null>): string {
  const value = plain(cell).trim().replaceAll("/", "-").replace(" ", "T");
  const [first = "", time = "00:00:00"] = value.split("T");
  const digits = /^(\d{4})(\d{2})(\d{2})$/.exec(first);
  const parts = digits ? digits.slice(1) : first.split("-");
  if (parts.length !== 3) throw new SqlError("从字符串转换日期和/或时间时，转换失败。");
  return `${parts.map((part) => part.padStart(2, "0")).join("-")}T${time}`;
}

/** @returns a key under which equal cells meet */
export function cellKey(cell: Cell): string {
  if (cell === null) return "\u0000";
  const number = asNumber(cell);
  return number === undefined ? fold(cell) : `#${number}`;
}

export function likeCells(value: Cell, pattern: Cell): boolean | undefined {
  if (value === null || pattern === null) return undefined;
  const source = fold(pattern).replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${source.replaceAll("%", ".*").replaceAll("_", ".")}$`, "s").test(fold(value));
}
