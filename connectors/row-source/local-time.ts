import { Instant } from "../../domain/dates.ts";

/** The wall clock of a zone, told from an instant. One format per zone: making one is slow. */
const formats = new Map<string, Intl.DateTimeFormat>();
const formatOf = (zone: string): Intl.DateTimeFormat => {
  const known = formats.get(zone);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat("sv-SE", {
    timeZone: zone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  });
  formats.set(zone, made);
  return made;
};

/** Milliseconds by which the zone's wall clock is ahead of UTC at an instant. */
const offsetAt = (epochMs: number, zone: string): number => {
  const wall = formatOf(zone).format(new Date(epochMs)).replace(" ", "T");
  return Date.parse(`${wall}Z`) - Math.floor(epochMs / 1_000) * 1_000;
};

/** Offsets change on the hour at the finest, and documents of one day come together. */
const OFFSETS_KEPT = 5_000;
const offsets = new Map<string, number>();

/**
 * The instant at which the zone's clock shows this time. In the hour that a change to summer time skips, the clock is read
 * as if it had not changed; in the hour that comes twice, the first one counts.
 *
 * @param local  "2026-09-01T08:30:00.000", a real calendar day
 */
export const instantInZone = (local: string, zone: string): Instant => {
  const asUtc = Date.parse(`${local}Z`);
  const hour = `${zone} ${local.slice(0, 13)}`;
  let offset = offsets.get(hour);
  if (offset === undefined) {
    const guess = offsetAt(asUtc, zone);
    const before = offsetAt(asUtc - guess - 3_600_000, zone);
    const there = offsetAt(asUtc - before, zone);
    offset = there === before ? before : offsetAt(asUtc - guess, zone);
    if (offsets.size >= OFFSETS_KEPT) offsets.clear();
    offsets.set(hour, offset);
  }
  return Instant.parse(new Date(asUtc - offset).toISOString());
};

/** What the zone's clock shows at an instant: "2026-09-01T08:30:00". */
export const wallClockOf = (at: Date, zone: string): string => formatOf(zone).format(at).replace(" ", "T");

const pad = (digits: string | undefined): string => (digits ?? "0").padStart(2, "0");
const ISO_WITH_ZONE = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?) ?(Z|[+-]\d{2}(?::?\d{2})?)$/;
const WALL_CLOCK =
  /^(\d{4})(?:[-/.](\d{1,2})[-/.](\d{1,2})|年(\d{1,2})月(\d{1,2})日|(\d{2})(\d{2}))(?:[T ]?(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?)?$/;

/**
 * A time as people and systems spell it: with a zone, or as the company's clock shows it. A day alone is its midnight.
 * "01/02/2026" may be January or February, so it is refused.
 *
 * @returns undefined when the text names no real time
 */
export const instantOfText = (text: string, zone: string): Instant | undefined => {
  const zoned = ISO_WITH_ZONE.exec(text);
  if (zoned !== null) return zonedInstant(zoned[1] ?? "", zoned[2] ?? "", zoned[3] ?? "Z");
  const parts = WALL_CLOCK.exec(text);
  if (parts === null) return undefined;
  const [, year = "", m1, d1, m2, d2, m3, d3, hour, minute, second, fraction] = parts;
  const day = `${year}-${pad(m1 ?? m2 ?? m3)}-${pad(d1 ?? d2 ?? d3)}`;
  const time = `${pad(hour)}:${pad(minute)}:${pad(second)}.${(fraction ?? "").slice(0, 3).padEnd(3, "0")}`;
  return isRealTime(day, time) ? instantInZone(`${day}T${time}`, zone) : undefined;
};

const zonedInstant = (day: string, time: string, zone: string): Instant | undefined => {
  const [clock = "", fraction = ""] = time.split(".");
  const full = `${clock.length === 5 ? `${clock}:00` : clock}.${fraction.slice(0, 3).padEnd(3, "0")}`;
  if (!isRealTime(day, full)) return undefined;
  const offset = zone === "Z" ? "Z" : zone.length === 3 ? `${zone}:00` : `${zone.slice(0, 3)}:${zone.slice(-2)}`;
  const epochMs = Date.parse(`${day}T${full}${offset}`);
  return Number.isNaN(epochMs) ? undefined : Instant.parse(new Date(epochMs).toISOString());
};

/** Date.parse turns 30 February into 2 March. */
const isRealTime = (day: string, time: string): boolean => {
  const epochMs = Date.parse(`${day}T${time}Z`);
  return !Number.isNaN(epochMs) && new Date(epochMs).toISOString() === `${day}T${time}Z`;
};

const SERIAL_MAX = 2_958_466;
const DAY_MS = 86_400_000;
const LEAP_YEAR_THAT_WAS_NONE = 60;

/**
 * The wall clock behind a serial day number of a spreadsheet: day 1 is 1 January 1900, and the program that began it all
 * took 1900 for a leap year, so serials below 60 are a day off. With `from1904` day 0 is 1 January 1904.
 *
 * @returns "2026-09-01T08:30:00.000", or undefined when it is no such number
 */
export const localOfSerial = (digits: string, from1904: boolean): string | undefined => {
  if (!/^\d{1,7}(\.\d+)?$/.test(digits)) return undefined;
  const serial = Number(digits);
  if (serial >= SERIAL_MAX || (serial < 1 && !from1904)) return undefined;
  if (!from1904 && Math.floor(serial) === LEAP_YEAR_THAT_WAS_NONE) return undefined;
  const epoch = from1904 ? Date.UTC(1904, 0, 1) : Date.UTC(1899, 11, serial < LEAP_YEAR_THAT_WAS_NONE ? 31 : 30);
  // A fraction of a day is a double: half a second of noise is no time.
  const seconds = Math.round((serial * DAY_MS) / 1_000);
  return new Date(epoch + seconds * 1_000).toISOString().slice(0, -1);
};
