import fc from "fast-check";
import { expect, test } from "vitest";
import { costScopeOf, passOnOrderCost } from "./costing-source.ts";
import { ZERO, add, decimal, equal, subtract } from "./decimal.ts";

test("(i) the averaging scope is configuration: company, warehouse or a named group", () => {
  expect(costScopeOf("company", "A")).toBe(costScopeOf("company", "B"));
  expect(costScopeOf("warehouse", "A")).not.toBe(costScopeOf("warehouse", "B"));
  const groups = { groups: { east: ["A", "B"] } };
  expect(["A", "B", "C"].map((warehouse) => costScopeOf(groups, warehouse))).toEqual(["{east}", "{east}", "C"]);
});

test("(h) a corrected issue to a production order raises what the order produced", () => {
  const receipts = [
    { id: "p1", quantity: decimal("1"), value: decimal("33.33") },
    { id: "p2", quantity: decimal("2"), value: decimal("66.67") },
  ];
  expect(passOnOrderCost(decimal("115"), receipts)).toEqual([
    { id: "p1", value: "38.33", delta: "5.00" },
    { id: "p2", value: "76.67", delta: "10.00" },
  ]);
  expect(passOnOrderCost(decimal("100"), receipts)).toEqual([]);
});

test("(h) nothing of an order's cost is lost between its receipts", () => {
  const receipt = fc.record({
    id: fc.string(),
    quantity: fc.integer({ min: 1, max: 99 }).map((each) => decimal(String(each))),
    value: fc.integer({ min: 0, max: 999 }).map((each) => decimal(String(each))),
  });
  fc.assert(
    fc.property(fc.array(receipt, { minLength: 1, maxLength: 8 }), fc.nat(99_999), (receipts, cost) => {
      const before = receipts.reduce((total, each) => add(total, each.value), ZERO);
      const deltas = passOnOrderCost(decimal(String(cost)), receipts).reduce(
        (total, each) => add(total, each.delta),
        ZERO,
      );
      expect(equal(deltas, subtract(decimal(String(cost)), before))).toBe(true);
    }),
  );
});
