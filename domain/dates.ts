import { z } from "zod";

const isRealDate = (text: string): boolean => {
  const [year = 0, month = 0, day = 0] = text.split("-").map(Number);
  return month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month);
};
const daysInMonth = (year: number, month: number): number => new Date(Date.UTC(year, month, 0)).getUTCDate();

/** A calendar day in the company's zone: "2025-01-31". It has no time and no zone. */
export const BusinessDate = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}$/)
  .refine(isRealDate, "no such day")
  .brand<"BusinessDate">();
export type BusinessDate = z.infer<typeof BusinessDate>;

/** An accounting period (会计期间): "2025-01". */
export const Period = z
  .string()
  .regex(/^\d{4}-(0[1-9]|1[0-2])$/)
  .brand<"Period">();
export type Period = z.infer<typeof Period>;

/** A point in time, ISO 8601 in UTC: "2025-01-31T15:59:59.000Z". */
export const Instant = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?Z$/)
  .brand<"Instant">();
export type Instant = z.infer<typeof Instant>;

export const businessDate = (text: string): BusinessDate => BusinessDate.parse(text);
export const period = (text: string): Period => Period.parse(text);
export const instant = (text: string): Instant => Instant.parse(text);

export const periodOf = (date: BusinessDate): Period => period(date.slice(0, 7));
export const firstDayOf = (of: Period): BusinessDate => businessDate(`${of}-01`);
export const lastDayOf = (of: Period): BusinessDate => {
  const [year = 0, month = 0] = of.split("-").map(Number);
  return businessDate(`${of}-${String(daysInMonth(year, month)).padStart(2, "0")}`);
};
export const nextPeriod = (of: Period): Period => shiftPeriod(of, 1);
export const shiftPeriod = (of: Period, months: number): Period => {
  const [year = 0, month = 0] = of.split("-").map(Number);
  return period(new Date(Date.UTC(year, month - 1 + months, 1)).toISOString().slice(0, 7));
};
export const addDays = (date: BusinessDate, days: number): BusinessDate =>
  businessDate(new Date(Date.parse(`${date}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10));

/** The company's calendar day at an instant. A movement at 23:30 in Shanghai belongs to that day, not to UTC's. */
export const dayInZone = (at: Instant, zone: string): BusinessDate =>
  businessDate(dayFormat(zone).format(new Date(at)));

const formats = new Map<string, Intl.DateTimeFormat>();
const dayFormat = (zone: string): Intl.DateTimeFormat => {
  const known = formats.get(zone);
  if (known !== undefined) return known;
  // The Swedish locale prints ISO dates.
  const made = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit" });
  formats.set(zone, made);
  return made;
};
