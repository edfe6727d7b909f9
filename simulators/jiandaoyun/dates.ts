/**
 * Which spellings of a date the vendor accepts, and what it makes of them.
 *
 * Source: Jiandaoyun reference §5.3.
 */

/** The tenant's zone: the people of a Chinese company. The vendor's API itself ignores it, which is the trap. */
export const TENANT_OFFSET_MS = 8 * 3_600_000;
const DAY_MS = 86_400_000;
/** Ten digits are seconds, which the vendor refuses; from here on a number is taken for milliseconds. */
const SMALLEST_MILLISECONDS = 10_000_000_000;

const DATE_ONLY = /^\d{4}-\d{2}-\d{2}$/;
const DATE_TIME = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)(Z|[+-]\d{2}:?\d{2})?$/;

/**
 * Reads a date as the API does: whatever has no offset is taken for UTC.
 *
 * @returns epoch milliseconds, or undefined for slashes, Chinese text, seconds, zero and everything else it refuses
 */
export function parseApiDate(value: unknown): number | undefined {
  return parseDate(value, 0);
}

/** Reads a date as a person types it into a form: whatever has no offset is the tenant's local time. */
export function parsePersonDate(value: unknown): number | undefined {
  return parseDate(value, TENANT_OFFSET_MS);
}

function parseDate(value: unknown, offsetMs: number): number | undefined {
  if (typeof value === "number") return Number.isFinite(value) && value >= SMALLEST_MILLISECONDS ? value : undefined;
  if (typeof value !== "string") return undefined;
  if (DATE_ONLY.test(value)) return realTime(`${value}T00:00:00Z`, offsetMs);
  const parts = DATE_TIME.exec(value);
  if (parts === null) return undefined;
  const [, day, time, zone] = parts;
  return zone === undefined ? realTime(`${day}T${time}Z`, offsetMs) : realTime(`${day}T${time}${zone}`, 0);
}

function realTime(text: string, offsetMs: number): number | undefined {
  const time = Date.parse(text);
  const day = Date.parse(`${text.slice(0, 10)}T00:00:00Z`);
  if (Number.isNaN(time) || Number.isNaN(day)) return undefined;
  // Date.parse rolls the 31st of a short month over into the next one; such a day does not exist.
  return new Date(day).toISOString().slice(0, 10) === text.slice(0, 10) ? time - offsetMs : undefined;
}

/**
 * A bound of a date condition: [first, last] millisecond it stands for. A date without a time means the tenant's whole
 * day (the simulator's choice; the vendor does not say).
 */
export function dateBound(value: unknown): readonly [number, number] | undefined {
  if (typeof value === "string" && DATE_ONLY.test(value)) {
    const start = parsePersonDate(value);
    return start === undefined ? undefined : [start, start + DAY_MS - 1];
  }
  const time = parseApiDate(value);
  return time === undefined ? undefined : [time, time];
}
