import { expect, test } from "vitest";
import { errorCatalog } from "../../domain/errors.ts";
import { erpIdOf, keyIn, voucherNameIn } from "./erp-id.ts";
import { vendorTexts } from "./errors.ts";
import { parseSettings } from "./settings.ts";
import { connect, keyOf } from "./testing.ts";
import { vendorDate, vendorNumber } from "./values.ts";

test.each([
  [{ interface: "com" }, "settings.interface", "eai"],
  [{ words: { 记: "记账凭证" } }, "settings.words.记", "2"],
  [{ dimensions: { item: "self_define4" } }, "settings.dimensions.item", "self_define"],
  [{ dimensions: { item: "dept_id" } }, "settings.dimensions.department", "item"],
  [{ interface: "openapi", dimensions: { item: "self_define1" } }, "settings.dimensions.item", "OpenAPI"],
  [{ eai: { sqlexe: false, controlTotals: true } }, "settings.eai.controlTotals", "sqlexe"],
  [{ eai: { path: "http://elsewhere/" } }, "settings.eai.path", "U8EAI"],
  [{ since: "2025-13" }, "settings.since", "2025-01"],
])("the settings %j are refused by the name of the field", (settings, field, reason) => {
  expect(() => parseSettings(settings, "erp")).toThrow(
    new RegExp(`CONFIG_INVALID.*${field.replaceAll(".", "\\.")}.*${reason}`, "s"),
  );
});

test("what the limits of U8 are is declared, and secrets that are missing are named", () => {
  expect(connect().capabilities).toMatchObject({
    vouchersPerPeriodMax: 32_767,
    keyGuard: "native",
    batchMax: 1,
    red: "negative",
  });
  expect(connect({ columns: "varchar" }).capabilities.text).toEqual({ measure: "gbk-bytes", repertoire: "gbk" });
  expect(() => connect({}, { secrets: {} })).toThrow(/SECRET_MISSING.*sender/);
  expect(() => connect({ interface: "openapi" }, { secrets: { from_account: "x" } })).toThrow(
    /SECRET_MISSING.*to_account/,
  );
});

test.each([
  ["", "0"],
  [".5000", "0.5"],
  ["-.50", "-0.5"],
  ["1E-06", "0.000001"],
  ["1,280.50", "1280.5"],
  ["007.10", "7.1"],
  ["123456789012345678.12", "123456789012345678.12"],
])("the number %j is %s", (text, expected) => {
  expect(vendorNumber(text, "x")).toBe(expected);
});

test("dates come in several spellings, and nonsense is none", () => {
  for (const text of ["2025-07-05", "2025-07-05 00:00:00", "2025/7/5", "2025-07-05T00:00:00"])
    expect(vendorDate(text, "x")).toBe("2025-07-05");
  for (const text of ["", "05.07.2025", "2025-02-30"]) expect(() => vendorDate(text, "x")).toThrow("READ_FAILED");
  expect(() => vendorNumber("12a", "x")).toThrow("READ_FAILED");
});

test("an id names the voucher by number, and by our key where it has one", () => {
  const key = keyOf("a");
  expect(voucherNameIn(`2025-07:记:58:${key}`)).toEqual({ period: "2025-07", sign: "记", number: "58", key });
  for (const erpId of ["2025-07:记:58", `2025-07:记:58:${key}`]) {
    const name = voucherNameIn(erpId);
    expect(name === undefined ? "" : erpIdOf(name)).toBe(erpId);
  }
  expect(voucherNameIn("12345")).toBeUndefined();
  expect([keyIn(key.toUpperCase()), keyIn("GL0000000000012")]).toEqual([key, ""]);
});

test("every text of the error table has an owner and a next step in both languages", () => {
  for (const { code, nextStep, owner } of vendorTexts) {
    expect(errorCatalog[code]).toBeDefined();
    expect([nextStep.zh, nextStep.en, owner].every((text) => text !== "")).toBe(true);
  }
});
