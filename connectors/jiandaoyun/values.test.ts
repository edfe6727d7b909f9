import { LosslessNumber } from "lossless-json";
import { expect, test } from "vitest";
import { readInstant, readMoney, readNumber, readText } from "./values.ts";

const json = (text: string) => new LosslessNumber(text);

test.each([
  ["12", "12"],
  ["0", "0"],
  ["-0", "0"],
  ["12.50", "12.5"],
  ["123456789012345", "123456789012345"],
  ["0.000001", "0.000001"],
  ["0.30000000000000004", "0.3"],
])("the number %s is read as %s", (text, value) => {
  expect(readNumber(json(text), 6)).toEqual({ ok: true, value });
});

test.each([
  [json("1e3"), "NUMBER_UNREADABLE"],
  [json("1E-2"), "NUMBER_UNREADABLE"],
  ["1e3", "NUMBER_UNREADABLE"],
  ["1,000", "NUMBER_UNREADABLE"],
  ["１２", "NUMBER_UNREADABLE"],
  ["007", "NUMBER_UNREADABLE"],
  [true, "NUMBER_UNREADABLE"],
  [["1"], "NUMBER_UNREADABLE"],
  [json("1234567890123456"), "NUMBER_IMPRECISE"],
  [json("1000000000000000000000"), "NUMBER_IMPRECISE"],
  [json("0.33333333333333331"), "NUMBER_IMPRECISE"],
  [json("1.0000001"), "LIMIT_DECIMALS"],
  ["1.0000001", "LIMIT_DECIMALS"],
])("%s is no quantity: %s", (value, code) => {
  expect(readNumber(value, 6)).toEqual({ ok: false, code });
});

test("a number kept as text may be as long as it likes", () => {
  expect(readNumber("12345678901234567890.5", 6)).toEqual({ ok: true, value: "12345678901234567890.5" });
});

test("a computed price is rounded, an amount beyond a double is not believed", () => {
  expect(readMoney(json("13.333333333333334"), 2)).toEqual({ ok: true, value: "13.33" });
  expect(readMoney(json("40.125"), 2)).toEqual({ ok: true, value: "40.13" });
  expect(readMoney(json("12345678901234567.25"), 2)).toEqual({ ok: false, code: "NUMBER_IMPRECISE" });
  expect(readMoney(json("1e3"), 2)).toEqual({ ok: false, code: "NUMBER_UNREADABLE" });
  expect(readMoney(null, 2)).toEqual({ ok: true, value: undefined });
});

test.each([
  ["007", "007"],
  [" A-1 ", "A-1"],
  [json("42"), "42"],
  [{ name: "王", username: "wang" }, "wang"],
  [{ name: "仓储部", dept_no: json("12") }, "12"],
  [{ phone: "138", verified: false }, "138"],
  [{ id: "66c2" }, "66c2"],
  ["", undefined],
  [null, undefined],
  [{}, undefined],
])("%s reads as the text %s", (value, text) => {
  expect(readText(value, 200)).toEqual({ ok: true, value: text });
});

test.each([
  [json("1.5"), "NUMBER_UNREADABLE"],
  [json("1e3"), "NUMBER_UNREADABLE"],
  [json("12345678901234567890"), "NUMBER_IMPRECISE"],
  ["a\0b", "RECORD_UNREADABLE"],
  ["x".repeat(201), "RECORD_UNREADABLE"],
  [["a"], "RECORD_UNREADABLE"],
  [{ province: "江苏" }, "RECORD_UNREADABLE"],
  [true, "RECORD_UNREADABLE"],
])("%s is no code: %s", (value, code) => {
  expect(readText(value, 200)).toEqual({ ok: false, code });
});

test("instants are real and UTC", () => {
  expect(readInstant("2025-01-31T16:30:00Z")).toEqual({ ok: true, value: "2025-01-31T16:30:00.000Z" });
  for (const wrong of ["2025-02-30T00:00:00.000Z", "2025-01-31", "2025/01/31", "2025-01-31T16:30:00+08:00", json("0")])
    expect(readInstant(wrong)).toEqual({ ok: false, code: "DATE_UNREADABLE" });
});
