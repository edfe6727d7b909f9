import { expect, test } from "vitest";
import { type Paper, type World, receipt, world } from "../test/support/drafting-world.ts";

const PROVISION = "1471";
const IMPAIRMENT = "6701";

/** How large the provision for an item has to be from that day on. */
const required = (record: string, day: string, amount: string, more: Partial<Paper> = {}): Paper => ({
  record,
  kind: "provision",
  day,
  quantity: "0",
  amount,
  ...more,
});
const stocked = async (): Promise<World> => {
  const at = await world();
  await at.put(receipt("r", "2025-01-05", "10", "100", { invoiced: true }));
  return at;
};
const provision = async (at: World): Promise<string | undefined> => {
  const books = await at.books();
  expect(Number(books[IMPAIRMENT] ?? "0") + Number(books[PROVISION] ?? "0")).toBe(0);
  return books[PROVISION];
};

test("a provision is booked as what is required less what is there, and released in red accounts down to nothing", async () => {
  const at = await stocked();
  await at.put(required("a", "2025-01-31", "30"));
  await at.draft("2025-01-31");
  await at.send();
  expect(await provision(at)).toBe("-30.00");
  await at.put(required("b", "2025-02-28", "45"));
  await at.draft("2025-02-28");
  await at.send();
  await at.put(required("c", "2025-03-31", "45"));
  await at.put(required("d", "2025-04-30", "20"));
  await at.put(required("e", "2025-05-31", "0"));
  await at.draft("2025-05-31");
  expect(await provision(at)).toBe("0.00");
  expect((await at.vouchers()).slice(1).map(({ documents, total }) => [documents[0], total])).toEqual([
    ["NO-a", "30.00"],
    ["NO-b", "15.00"],
    ["NO-d", "25.00"],
    ["NO-e", "20.00"],
  ]);
  await at.check();
});

test("each item has a provision of its own, and a class of items may have one", async () => {
  const at = await stocked();
  await at.put(required("a", "2025-01-31", "30"));
  await at.put(required("b", "2025-01-31", "7", { item: "J" }));
  await at.put(required("c", "2025-01-31", "50", { item: "goods" }));
  await at.put(required("x", "2025-01-31", "50", { item: "nobody's" }));
  await at.draft();
  expect(await at.blocked()).toMatchObject([{ record: "x", code: "ITEM_UNKNOWN" }]);
  expect(await provision(at)).toBe("-87.00");
  await at.put(required("d", "2025-02-28", "40", { item: "goods" }));
  await at.draft("2025-02-28");
  expect(await provision(at)).toBe("-77.00");
});

test("what is required last counts, whatever is entered late, edited or taken back before it", async () => {
  const at = await stocked();
  await at.put(required("a", "2025-01-31", "30"));
  await at.put(required("c", "2025-03-31", "50"));
  await at.draft("2025-03-31");
  await at.send();
  await at.put(required("b", "2025-02-28", "80"));
  await at.draft("2025-03-31");
  expect(await provision(at)).toBe("-50.00");
  await at.put(required("a", "2025-01-31", "10"));
  await at.draft("2025-03-31");
  await at.reverse();
  await at.draft("2025-03-31");
  expect(await provision(at)).toBe("-50.00");
  await at.cancel("c");
  await at.draft("2025-03-31");
  await at.reverse();
  await at.draft("2025-03-31");
  expect(await provision(at)).toBe("-80.00");
});

test("what was there before the books began counts as there, without a voucher", async () => {
  const at = await stocked();
  await at.put(required("o", "2025-01-01", "25", { cause: "期初" }));
  await at.put(required("a", "2025-01-31", "30"));
  await at.draft();
  expect(await provision(at)).toBe("-5.00");
});

test("小企业会计准则: a provision is refused by name, and waits for nobody else", async () => {
  const at = await world({ standard: "SME" });
  await at.put(receipt("r", "2025-01-05", "10", "100", { invoiced: true }));
  await at.put(required("a", "2025-01-31", "30"));
  await at.put(required("b", "2025-01-31", "40", { item: "J" }));
  await at.draft();
  expect(await at.blocked()).toEqual([
    { record: "a", code: "PROVISION_NOT_ALLOWED", subject: "rule/provision" },
    { record: "b", code: "PROVISION_NOT_ALLOWED", subject: "rule/provision" },
  ]);
  expect((await at.vouchers()).map(({ documents }) => documents[0])).toEqual(["NO-r"]);
  await at.cancel("a");
  await at.cancel("b");
  await at.draft();
  expect(await at.blocked()).toEqual([]);
});
