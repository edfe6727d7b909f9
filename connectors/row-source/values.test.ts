import { expect, test } from "vitest";
import { instantInZone, instantOfText, localOfSerial } from "./local-time.ts";
import { type Habits, readInstant, readMoney, readNumber, readText } from "./values.ts";

const typed: Habits = { zone: "Asia/Shanghai", timeFormat: "auto", typedByPeople: true };
const exact: Habits = { ...typed, typedByPeople: false };
const number = (value: Parameters<typeof readNumber>[0], habits = typed): string => {
  const read = readNumber(value, 6, habits);
  return read.ok ? (read.value ?? "empty") : read.code;
};

test.each([
  ["12.50", "12.5"],
  [" -3 ", "-3"],
  ["1,234,567.5", "1234567.5"],
  ["１２．５", "12.5"],
  ["", "empty"],
  ["1,23", "NUMBER_UNREADABLE"],
  ["12 34", "NUMBER_UNREADABLE"],
  ["1e3", "NUMBER_UNREADABLE"],
  ["¥5", "NUMBER_UNREADABLE"],
  ["0012", "NUMBER_UNREADABLE"],
  ["0.1234567", "LIMIT_DECIMALS"],
  ["12345678901234567890.123456", "12345678901234567890.123456"],
])("the typed number %j is %s", (text, expected) => {
  expect(number(text)).toBe(expected);
});

test("a system's numbers are taken as spelled: no thousands, no full width", () => {
  expect(number("1,234", exact)).toBe("NUMBER_UNREADABLE");
  expect(number("１２", exact)).toBe("NUMBER_UNREADABLE");
});

test.each([
  ["0.30000000000000004", "0.3"],
  ["4.0000000000000001E-3", "0.004"],
  ["1E+3", "1000"],
  ["12.5", "12.5"],
  ["1.23456789", "LIMIT_DECIMALS"],
  ["123456789012345678", "NUMBER_IMPRECISE"],
  ["=A1*2", "NUMBER_UNREADABLE"],
  ["1E+99", "NUMBER_UNREADABLE"],
])("the cell %s is %s: noise of a double goes, digits that it lost are a problem", (double, expected) => {
  expect(number({ double })).toBe(expected);
});

test("money is rounded half up as long as its digits are certain", () => {
  expect(readMoney({ double: "13.333333333333334" }, 2, typed)).toEqual({ ok: true, value: "13.33" });
  expect(readMoney("0.125", 2, typed)).toEqual({ ok: true, value: "0.13" });
  expect(readMoney({ double: "12345678901234567.5" }, 2, typed)).toEqual({ ok: false, code: "NUMBER_IMPRECISE" });
});

test("codes keep their zeros, numeric cells are codes only when whole, and what a spreadsheet would run is refused", () => {
  expect(readText(" 0012 ", 10)).toEqual({ ok: true, value: "0012" });
  expect(readText({ double: "12", shown: "0012" }, 10)).toEqual({ ok: true, value: "0012" });
  expect(readText({ double: "1001" }, 10)).toEqual({ ok: true, value: "1001" });
  expect(readText({ double: "10.5" }, 10)).toEqual({ ok: false, code: "NUMBER_UNREADABLE" });
  expect(readText({ double: "1234567890123456789" }, 30)).toEqual({ ok: false, code: "NUMBER_IMPRECISE" });
  for (const text of ["=1+1", "@SUM(1)", "\tx"]) expect(readText(text, 20).ok).toBe(false);
  for (const text of ["-A1", "+86"]) expect(readText(text, 20).ok).toBe(true);
});

test.each([
  ["2025-09-01", "2025-08-31T16:00:00.000Z"],
  ["2025/9/1 8:30", "2025-09-01T00:30:00.000Z"],
  ["2025.09.01", "2025-08-31T16:00:00.000Z"],
  ["2025年9月1日", "2025-08-31T16:00:00.000Z"],
  ["20250901", "2025-08-31T16:00:00.000Z"],
  ["2025-09-01 08:30:15.123456", "2025-09-01T00:30:15.123Z"],
  ["2025-09-01T08:30:00+09:00", "2025-08-31T23:30:00.000Z"],
  ["2025-09-01 00:00:00+00", "2025-09-01T00:00:00.000Z"],
  ["2025-09-01T08:30:00Z", "2025-09-01T08:30:00.000Z"],
])("the time %s is %s", (text, expected) => {
  expect(instantOfText(text, "Asia/Shanghai")).toBe(expected);
});

test.each(["01/02/2025", "2025-02-30", "2025-13-01", "2025-09-01 25:00", "gestern", "2025-9"])(
  "%s is no time",
  (text) => {
    expect(instantOfText(text, "Asia/Shanghai")).toBeUndefined();
  },
);

test("the zone's own summer time counts, also in Shanghai's past", () => {
  expect(instantInZone("1988-07-01T08:00:00.000", "Asia/Shanghai")).toBe(
    "1987-06-30T23:00:00.000Z".replace("1987-06-30", "1988-06-30"),
  );
  expect(instantInZone("2025-07-01T08:00:00.000", "Europe/Berlin")).toBe("2025-07-01T06:00:00.000Z");
  expect(instantInZone("2025-01-01T08:00:00.000", "Europe/Berlin")).toBe("2025-01-01T07:00:00.000Z");
  expect(instantInZone("2025-10-26T02:30:00.000", "Europe/Berlin")).toBe("2025-10-26T00:30:00.000Z");
});

test("serial days count from 1900 with its leap day that never was, or from 1904", () => {
  expect(localOfSerial("45901", false)).toBe("2025-09-01T00:00:00.000");
  expect(localOfSerial("45901.999988426", false)).toBe("2025-09-01T23:59:59.000");
  expect(localOfSerial("59", false)).toBe("1900-02-28T00:00:00.000");
  expect(localOfSerial("61", false)).toBe("1900-03-01T00:00:00.000");
  expect(localOfSerial("60", false)).toBeUndefined();
  expect(localOfSerial("0", true)).toBe("1904-01-01T00:00:00.000");
});

test("serials and epochs are understood where they can be meant", () => {
  expect(readInstant("45901", typed)).toEqual({ ok: true, value: "2025-08-31T16:00:00.000Z" });
  expect(readInstant("45901", exact).ok).toBe(false);
  expect(readInstant({ double: "45901" }, typed)).toEqual({ ok: true, value: "2025-08-31T16:00:00.000Z" });
  expect(readInstant("1756771200", { ...exact, timeFormat: "epoch-seconds" })).toEqual({
    ok: true,
    value: "2025-09-02T00:00:00.000Z",
  });
  expect(readInstant("1756771200000", { ...exact, timeFormat: "epoch-milliseconds" })).toEqual({
    ok: true,
    value: "2025-09-02T00:00:00.000Z",
  });
});
