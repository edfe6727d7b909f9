import type { Instant } from "../../domain/dates.ts";
import { wallClockOf } from "../row-source/local-time.ts";
import { readInstant } from "../row-source/values.ts";
import type { TimeFormat } from "./settings.ts";

/** A time as the other side wants it: to the second, for finer ones are not understood everywhere. */
export const writeTime = (at: Date, format: TimeFormat, zone: string): string => {
  switch (format) {
    case "local":
      return wallClockOf(at, zone).replace("T", " ");
    case "iso":
      return `${at.toISOString().slice(0, 19)}Z`;
    case "epoch-seconds":
      return String(Math.floor(at.getTime() / 1_000));
    case "epoch-milliseconds":
      return String(at.getTime());
  }
};

/** @returns undefined when it is no time in that format */
export const readTime = (text: string, format: TimeFormat, zone: string): Instant | undefined => {
  const timeFormat = format === "epoch-seconds" || format === "epoch-milliseconds" ? format : "auto";
  const read = readInstant(text, { zone, timeFormat, typedByPeople: false });
  return read.ok ? read.value : undefined;
};
