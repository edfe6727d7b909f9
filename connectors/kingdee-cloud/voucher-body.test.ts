import { expect, test } from "vitest";
import { ZhangshiError } from "../../domain/errors.ts";
import { writeVendorJson } from "../transport/json.ts";
import { parseSettings } from "./settings.ts";
import { receiptDraft } from "./testing.ts";
import { batchSaveBody, obstacleTo } from "./voucher-body.ts";

const settings = parseSettings({ books: { "001": "100" } }, "erp");

test("decimals leave as JSON numbers with all their digits, and no internal id leaves at all", () => {
  const text = writeVendorJson(batchSaveBody([receiptDraft("a", {}, "12345678901.123456", "0.10")], settings));
  expect(text).toContain('"FQty":12345678901.123456');
  expect(text).toContain('"FPrice":0.10');
  expect(text).toContain('"FDETAILID__FFLEX8":{"FNumber":"M-001"}');
  expect(text).toContain('"FVOUCHERGROUPNO":""');
  expect(text).not.toContain("FVOUCHERID");
});

test("what the ERP has no place for is named before anything is sent", () => {
  expect(obstacleTo(receiptDraft("a"), settings)).toBeUndefined();
  expect(obstacleTo(receiptDraft("a", { book: "002" }), settings)?.code).toBe("CONFIG_INVALID");
  expect(obstacleTo(receiptDraft("a", { word: "转" }), settings)?.code).toBe("CODE_MISSING");
  expect(obstacleTo(receiptDraft("a", { currency: "USD" }), settings)?.code).toBe("CODE_MISSING");
  const without = parseSettings({ books: { "001": "100" }, dimensions: { supplier: null } }, "erp");
  expect(obstacleTo(receiptDraft("a"), without)?.code).toBe("DIMENSION_REFUSED");
});

test.each([{}, { books: {} }, { books: { "001": "100" }, unknown: 1 }, { books: { "001": "100" }, keyField: "a b" }])(
  "the settings %j are refused by name",
  (given) => {
    expect(() => parseSettings(given, "erp")).toThrow(ZhangshiError);
  },
);
