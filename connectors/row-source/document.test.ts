import { expect, test } from "vitest";
import { instant } from "../../domain/dates.ts";
import { z } from "zod";
import { DocumentParser, type ParsedDocument } from "./document.ts";
import { rowFormShape } from "./form-settings.ts";

const FLAT = { documentNumber: "no", happenedAt: "at", item: "sku", quantity: "qty", kind: "type" };
const parse = (form: object, rows: readonly Record<string, string>[]): ParsedDocument => {
  const parsed = z
    .strictObject(rowFormShape)
    .parse({ carries: "movements", fields: FLAT, kinds: { in: "purchase-receipt", out: "sales-issue" }, ...form });
  const parser = new DocumentParser({
    company: "demo",
    source: "rows",
    formName: "form",
    form: parsed,
    lineFields: parsed.fields,
    headFields: {},
    conditionsIn: "line",
    zone: "Asia/Shanghai",
    typedByPeople: false,
  });
  const at = instant("2025-09-02T00:00:00.000Z");
  const lines = rows.map((row, index) => ({
    id: String(index + 1),
    cells: (place: string) => (Object.hasOwn(row, place) ? row[place] : undefined),
  }));
  return parser.parse({
    recordId: "R",
    head: lines[0]?.cells ?? (() => undefined),
    lines,
    createdAt: at,
    updatedAt: at,
  });
};
const row = (over: Record<string, string> = {}) => ({
  no: "N-1",
  at: "2025-09-01",
  sku: "A",
  qty: "3",
  type: "in",
  ...over,
});

test("a document counts whole or not at all, and each fault says its line", () => {
  const { record, faults } = parse({}, [row(), row({ qty: "x" }), row({ type: "lost" })]);
  expect(record.movements).toEqual([]);
  expect(faults).toMatchObject([
    { line: 1, code: "NUMBER_UNREADABLE", field: "qty", value: "x" },
    { line: 2, code: "KIND_UNKNOWN", field: "type", value: "lost" },
  ]);
  expect(record.problems.map(({ lineId }) => lineId)).toEqual(["2", "3"]);
});

test("the digest changes with every value that is used, and not with the order of lines or another time of change", () => {
  const digest = (...rows: Record<string, string>[]): string => parse({}, rows).record.digest;
  const [a, b] = [row({ sku: "A" }), row({ sku: "B" })];
  expect(digest(a, b)).not.toBe(digest(a));
  for (const over of [{ no: "N-2" }, { at: "2025-09-02" }, { sku: "C" }, { qty: "4" }, { type: "out" }])
    expect(digest(row(over))).not.toBe(digest(row()));
  expect(digest(row({ qty: "3.0" }))).toBe(digest(row()));
});

test("a line id twice is a problem, and its own column may name it", () => {
  expect(parse({ fields: { ...FLAT, lineId: "line" } }, [row({ line: "7" }), row({ line: "7" })]).faults).toMatchObject(
    [{ line: 1, code: "DUPLICATE_LINE" }],
  );
  expect(parse({ fields: { ...FLAT, lineId: "line" } }, [row({ line: "7" })]).record.movements[0]?.lineId).toBe("7");
});

test("the sign of a quantity is used up once: by the kind, by the habit, or not at all", () => {
  const quantity = (form: object, over: Record<string, string>): string => {
    const { record, faults } = parse(form, [row(over)]);
    return faults[0]?.code ?? `${record.movements[0]?.quantity} by ${record.movements[0]?.kind}`;
  };
  const both = { kinds: { in: { positive: "count-gain", negative: "count-loss" } } };
  expect(quantity(both, { qty: "-3" })).toBe("3 by count-loss");
  expect(quantity(both, { qty: "3" })).toBe("3 by count-gain");
  expect(quantity({ signedQuantity: true }, { qty: "-3", type: "out" })).toBe("3 by sales-issue");
  expect(quantity({ signedQuantity: true }, { qty: "3", type: "out" })).toBe("QUANTITY_NEGATIVE");
  expect(quantity({}, { qty: "-3" })).toBe("QUANTITY_NEGATIVE");
  expect(quantity({}, { qty: "0" })).toBe("QUANTITY_ZERO");
});

test("a price with tax gives net and tax that add up", () => {
  const form = { fields: { ...FLAT, unitPrice: "price" }, taxRate: "0.13", priceIncludesTax: true };
  expect(parse(form, [row({ price: "11.3" })]).record.movements[0]).toMatchObject({ amount: "30", taxAmount: "3.9" });
});

test("rows that were taken back, or do not count yet, are as if they were not there", () => {
  const form = { onlyWhen: [{ field: "state", in: ["posted"] }], reversedWhen: [{ field: "void", in: ["1"] }] };
  const { record } = parse(form, [
    row({ state: "posted" }),
    row({ state: "draft", qty: "x" }),
    row({ state: "posted", void: "1" }),
  ]);
  expect(record.problems).toEqual([]);
  expect(record.movements.map(({ lineId }) => lineId)).toEqual(["1"]);
});

test("a code map changes a code, and no code reaches the prototype", () => {
  const codes = { item: { A: "ERP-A" } };
  expect(parse({ codes }, [row()]).record.movements[0]?.item).toBe("ERP-A");
  expect(parse({ codes }, [row({ sku: "constructor" })]).record.movements[0]?.item).toBe("constructor");
  expect(parse({}, [row({ type: "constructor" })]).faults).toMatchObject([{ code: "KIND_UNKNOWN" }]);
});
