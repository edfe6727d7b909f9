import { expect, test } from "vitest";
import { businessDate } from "../domain/dates.ts";
import { estimateStyles } from "../domain/estimate.ts";
import {
  COST_OF_SALES,
  ESTIMATED_PAYABLES,
  INVENTORY,
  type Paper,
  type World,
  back,
  database,
  invoice,
  issue,
  receipt,
  world,
} from "../test/support/drafting-world.ts";

const PAYABLES = "2202.01";
const OUTPUT_TAX = "2221.01.05";

/** Accounts of input VAT that have a line. */
const inputTax = async (at: World): Promise<readonly string[]> =>
  Object.keys(await at.books()).filter((account) => account.startsWith("2221") && account !== OUTPUT_TAX);

test.for(estimateStyles)(
  "%s: a small-scale taxpayer's purchases cost what the supplier charges, VAT and all",
  async (style) => {
    const at = await world({ vat: "small-scale", estimateStyle: style });
    await at.put(receipt("r1", "2025-01-05", "10", "100", { invoiced: true, tax: "13.00" }));
    await at.put(receipt("r2", "2025-01-05", "10", "100"));
    await at.draft();
    await at.send();
    // Its tax is 1.30.
    await at.put(invoice("f", "r2", "2025-01-08", "10", "105.70"));
    await at.put({ ...back("t", "r1", "2025-01-09", "2", "20"), invoiced: true, tax: "2.60" });
    await at.draft();
    await at.check();
    expect(await inputTax(at)).toEqual([]);
    expect(await at.books()).toMatchObject({
      [INVENTORY]: "197.40",
      [ESTIMATED_PAYABLES]: "0.00",
      [PAYABLES]: "-197.40",
    });
    await at.send();
    // What comes again, comes again with its tax.
    await at.put(receipt("r1", "2025-01-05", "10", "110", { invoiced: true, tax: "14.30" }));
    await at.draft();
    await at.reverse();
    await at.draft();
    await at.check();
    expect(await inputTax(at)).toEqual([]);
    expect(await at.books()).toMatchObject({ [INVENTORY]: "208.70", [PAYABLES]: "-208.70" });
  },
);

test("what is sold owes the tax that its document says; what is lost gives none back", async () => {
  const at = await world({ vat: "small-scale" });
  await at.put(receipt("r", "2025-01-05", "10", "100", { invoiced: true, tax: "13.00" }));
  await at.put(issue("s", "2025-01-09", "2", { sales: "50.00", tax: "1.50" }));
  const loss: Paper = { record: "l", kind: "count-loss", day: "2025-01-20", quantity: "1", cause: "被盗" };
  await at.put(loss);
  await at.draft();
  expect(await at.blocked()).toEqual([]);
  await at.check();
  expect(await inputTax(at)).toEqual([]);
  expect(await at.books()).toMatchObject({ [OUTPUT_TAX]: "-1.50", [COST_OF_SALES]: "22.60", "1901.01": "11.30" });
});

test("a subcontractor's fee reaches the product with its VAT", async () => {
  const at = await world({ vat: "small-scale" });
  const of = (record: string, kind: Paper["kind"], more: Partial<Paper>): Paper => ({
    record,
    kind,
    day: "2025-01-10",
    quantity: "1",
    order: "W",
    ...more,
  });
  await at.put(receipt("r", "2025-01-05", "10", "100", { invoiced: true }));
  await at.put(of("u", "subcontract-issue", {}));
  await at.put(of("f", "subcontract-fee", { item: "K", amount: "20.00", tax: "0.60" }));
  await at.put(of("p", "subcontract-receipt", { item: "K" }));
  await at.draft();
  await at.check();
  expect(await inputTax(at)).toEqual([]);
  expect(await at.books()).toMatchObject({ "1408": "0.00", [INVENTORY]: "120.60" });
});

test("from the day on which it becomes a general taxpayer, its VAT is deducted", async () => {
  const at = await world({ vat: { smallScaleUntil: businessDate("2025-01-15") } });
  await at.put(receipt("r1", "2025-01-15", "10", "100", { invoiced: true, tax: "13.00" }));
  await at.put(receipt("r2", "2025-01-16", "10", "100", { invoiced: true, tax: "13.00" }));
  await at.draft();
  expect(await at.books()).toMatchObject({ [INVENTORY]: "213.00", "2221.01.01": "13.00", [PAYABLES]: "-226.00" });
});

test("a purchase that waited, or comes again because of another in its voucher, has its VAT in its cost as well", async () => {
  const at = await world({ vat: "small-scale", grouping: "day" });
  await at.put(receipt("r1", "2025-01-05", "10", "100", { invoiced: true, tax: "13.00" }));
  await at.put(receipt("r2", "2025-01-05", "10", "100", { invoiced: true, tax: "13.00", item: "late" }));
  await at.draft();
  expect(await at.blocked()).toMatchObject([{ record: "r2", code: "ITEM_UNKNOWN" }]);
  await database.pool.query(
    "INSERT INTO items (company, code, name, item_class, unit) VALUES ($1, 'late', 'L', 'goods', '件')",
    [at.ledger.company],
  );
  await at.draft();
  expect((await at.books())[INVENTORY]).toBe("226.00");
  await at.put(receipt("r1", "2025-01-05", "10", "200", { invoiced: true, tax: "26.00" }));
  await at.put(receipt("r3", "2025-01-05", "10", "100", { invoiced: true, tax: "13.00" }));
  await at.draft();
  await at.check();
  await at.put(receipt("r1", "2025-01-05", "10", "300", { invoiced: true, tax: "39.00" }));
  await at.draft();
  await at.check();
  expect(await inputTax(at)).toEqual([]);
  expect(await at.books()).toMatchObject({ [INVENTORY]: "565.00", [PAYABLES]: "-565.00" });
});
