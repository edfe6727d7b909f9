import { BusinessDate, type Period, period } from "../../domain/dates.ts";
import { Decimal, normalize } from "../../domain/decimal.ts";
import { ZhangshiError } from "../../domain/errors.ts";
import { parseVendorJson } from "../transport/json.ts";

/**
 * A number as U8 writes it: "12.5000", ".5", "-.5", "1E-06" (floats of the old components), "1,280.50" or nothing.
 * @throws ZhangshiError READ_FAILED
 */
export const vendorNumber = (text: string, field: string): Decimal => {
  const given = text.trim().replaceAll(",", "");
  const plain = given === "" ? "0" : given.replace(/^\+/, "").replace(/^(-?)\./, "$10.");
  const parsed = Decimal.safeParse(/[eE]/.test(plain) ? jsonNumber(plain) : plain.replace(/^(-?)0+(?=\d)/, "$1"));
  if (parsed.success) return normalize(parsed.data);
  throw new ZhangshiError("READ_FAILED", { field, value: text.slice(0, 200) });
};

const jsonNumber = (text: string): unknown => {
  try {
    return parseVendorJson(text);
  } catch {
    return undefined;
  }
};

/** "2025-07-31", "2025-07-31 00:00:00", "2025/7/31" or "2025-07-31T00:00:00". @throws ZhangshiError READ_FAILED */
export const vendorDate = (text: string, field: string): BusinessDate => {
  const [, year = "", month = "", day = ""] = /^\s*(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?!\d)/.exec(text) ?? [];
  const parsed = BusinessDate.safeParse(`${year}-${month.padStart(2, "0")}-${day.padStart(2, "0")}`);
  if (parsed.success) return parsed.data;
  throw new ZhangshiError("READ_FAILED", { field, value: text.slice(0, 200) });
};

/** @throws ZhangshiError READ_FAILED */
export const periodFrom = (year: string, month: string): Period => {
  if (/^\d{4}$/.test(year) && /^(0?[1-9]|1[0-2])$/.test(month)) return period(`${year}-${month.padStart(2, "0")}`);
  throw new ZhangshiError("READ_FAILED", { field: "fiscal_year, accounting_period", value: `${year}, ${month}` });
};

/** Bits come as 1/0, true/false, True/False or 是/否. */
export const isTrue = (text: string): boolean => ["1", "true", "y", "是"].includes(text.trim().toLowerCase());

/** Names of the database come in any case. */
export const lowerKeys = (row: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(row).map(([name, value]) => [name.toLowerCase(), value]));
