import { expect, test } from "vitest";
import { startJiandaoyun } from "../../simulators/jiandaoyun/server.ts";
import { startKingdeeCloud } from "../../simulators/kingdee-cloud/server.ts";
import { demoCompany } from "../company.ts";
import { centsOf, type DemoCompany } from "../document.ts";
import { enterCompany } from "../enter.ts";
import { erpCodeOf, KingdeeOffice } from "../kingdee-office.ts";
import { plantAfter } from "./after.ts";
import { type PlantedBefore, plantBefore } from "./before.ts";
import { type Planted, planOf } from "./planted.ts";

const SEEDS = Array.from({ length: 50 }, (_, at) => at + 1);

test("every seed of 1 to 50 plans at least 12 mismatches over at least 10 causes, the named ones among them", () => {
  for (const seed of SEEDS) {
    const plan = planOf(seed);
    // Cause 10 comes three times.
    expect(plan.size + 2).toBeGreaterThanOrEqual(12);
    expect(plan.size).toBeGreaterThanOrEqual(10);
    for (const cause of [9, 10, 11, 12, 13, 18]) expect(plan.has(cause)).toBe(true);
  }
  expect(new Set(SEEDS.map((seed) => [...planOf(seed)].sort((a, b) => a - b).join(" "))).size).toBeGreaterThan(10);
});

test("what is planted before the run is what the plan says, once each, for seeds 1 to 50", () => {
  for (const seed of SEEDS) {
    const { planted } = plantBefore(demoCompany(seed), seed);
    const expected = [2, 9, 18, 20, 21, 22].filter((cause) => planOf(seed).has(cause));
    expect(planted.map(({ cause }) => cause).sort((a, b) => a - b)).toEqual(expected);
    expect(new Set(planted.map(({ id }) => id)).size).toBe(planted.length);
  }
});

test("the unit error is explained by one document only, and by no other line of its item", () => {
  for (const seed of SEEDS) {
    const { company } = plantBefore(demoCompany(seed), seed);
    const [line] = company.documents.find(({ documentNumber }) => documentNumber === "XS2503-9009")?.lines ?? [];
    const same = company.documents
      .flatMap(({ lines }) => lines)
      .filter(({ item, quantity }) => item === line?.item && quantity === line.quantity);
    expect(same).toEqual([line]);
  }
});

test("the pair and the unit error leave the balances off by exactly their quantities, and nothing else does", () => {
  for (const seed of SEEDS) {
    const before = plantBefore(demoCompany(seed), seed);
    const off = differences(before.company);
    const reserved = new Set(before.reservedItems);
    expect([...off.keys()].every((item) => reserved.has(item))).toBe(true);
    expect(off.size).toBe(3);
    const pair =
      before.planted
        .find(({ cause }) => cause === 18)
        ?.subject.replace("item-pair:", "")
        .split("+") ?? [];
    const [a = 0, b = 0] = pair.map((item) => off.get(item));
    expect(a + b).toBe(0);
    const [unit = 0] = [...off].filter(([item]) => !pair.includes(item)).map(([, by]) => by);
    expect(unit).toBeLessThan(0);
    expect(Math.abs(unit)).not.toBe(Math.abs(a));
  }
});

test.each([3, 8])(
  "seed %i: the acts after the run happen in both systems and are named once each",
  async (seed) => {
    const jiandaoyun = await startJiandaoyun({ seed, switches: { rates: "off" } });
    const kingdee = await startKingdeeCloud({ seed });
    try {
      const before = plantBefore(demoCompany(seed), seed);
      const addresses = {
        jiandaoyun: { baseUrl: jiandaoyun.baseUrl, apiKey: jiandaoyun.credentials.apiKey },
        kingdeeOrigin: kingdee.origin,
      };
      const { office } = await enterCompany(before.company, addresses, seed, before);
      const finance = new KingdeeOffice(kingdee.origin);
      await bookSomehow(before.company, finance);
      const steps: string[] = [];
      const pipeline = {
        syncAndPost: async () => void steps.push("sync and post"),
        sync: async () => void steps.push("sync"),
      };
      const given = {
        company: before.company,
        jiandaoyun: office,
        kingdee: finance,
        seed,
        reservedItems: before.reservedItems,
        exclude: before.planted,
      };
      const after = await plantAfter(given, pipeline);
      const all: readonly Planted[] = [...before.planted, ...after];
      expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
      expect(new Set(all.map(({ cause }) => cause))).toEqual(planOf(seed));
      expect(all.filter(({ cause }) => cause === 10)).toHaveLength(3);
      expect(steps).toEqual(
        planOf(seed).has(4) ? ["sync and post", "sync and post", "sync"] : ["sync and post", "sync"],
      );
      expectBooks(before, after, await finance.vouchers("001"));
    } finally {
      await jiandaoyun.close();
      await kingdee.close();
    }
  },
  60_000,
);

/** One audited voucher per simple document, as any program might have written it. */
async function bookSomehow(company: DemoCompany, finance: KingdeeOffice): Promise<void> {
  for (const document of company.documents.filter(
    ({ form }) => form === "scrap" || form === "production-issue" || form === "purchase-receipt",
  )) {
    const [line] = document.lines;
    if (line === undefined || line.item.startsWith("ZS-") || document.happenedAt < "2025-03") continue;
    const dimensions = { FFLEX8: line.item, FF100002: erpCodeOf("demo", "warehouse", document.warehouse) };
    await finance.write({
      book: "001",
      date: document.happenedAt.slice(0, 10),
      external: `key-${document.documentNumber}`,
      stage: "audited",
      lines: [
        { account: "1405", debit: "10.00", dimensions, explanation: `入库 ${document.documentNumber}` },
        { account: "1002", credit: "10.00", explanation: `入库 ${document.documentNumber}` },
      ],
    });
  }
}

function expectBooks(
  before: PlantedBefore,
  after: readonly Planted[],
  vouchers: Awaited<ReturnType<KingdeeOffice["vouchers"]>>,
): void {
  const keyOf = (cause: number): string[] =>
    after.filter((one) => one.cause === cause).map(({ subject }) => `key-${subject.split("/").at(-1) ?? ""}`);
  const [edited = "", unaudited = "", deleted = ""] = keyOf(10);
  const ofKey = (key: string | undefined) => vouchers.filter(({ external }) => external === key);
  expect(ofKey(edited)[0]?.entries.map(({ debit, credit }) => [debit, credit])).toEqual([
    ["98.00", "0.00"],
    ["0.00", "98.00"],
  ]);
  expect(ofKey(edited)[0]?.documentStatus).toBe("C");
  expect(ofKey(unaudited)[0]?.documentStatus).not.toBe("C");
  expect(ofKey(deleted)).toEqual([]);
  for (const key of keyOf(5)) expect(ofKey(key)).toHaveLength(2);
  for (const key of keyOf(6)) expect(ofKey(key)[0]?.date).toBe("2025-04-02");
  const manual = after.find(({ cause }) => cause === 11)?.subject;
  const byHand = vouchers
    .filter(({ external }) => external === "")
    .map(({ number, date }) => `voucher:001/记-${number}@${date.slice(0, 7)}`);
  expect(byHand).toEqual([manual]);
  expect(before.planted.some(({ subject }) => subject === manual)).toBe(false);
}

/** Balances minus what the documents say, per item, in stock units. */
function differences(company: DemoCompany): Map<string, number> {
  const off = new Map<string, number>();
  const add = (item: string, by: number): void => void off.set(item, (off.get(item) ?? 0) + by);
  const factors = new Map(
    company.items.flatMap(({ code, conversions }) =>
      conversions.map(({ unit, factor }) => [`${code}|${unit}`, Number(factor)] as const),
    ),
  );
  const signs: Readonly<Record<string, number>> = {
    opening: 1,
    "purchase-receipt": 1,
    "sales-return": 1,
    "production-receipt": 1,
    "subcontract-receipt": 1,
    "count-gain": 1,
    "purchase-return": -1,
    "sales-issue": -1,
    "production-issue": -1,
    "subcontract-issue": -1,
    "count-loss": -1,
    scrap: -1,
  };
  for (const { item, quantity } of company.balances) add(item, Number(centsOf(quantity) / 100n));
  for (const { form, lines } of company.documents) {
    for (const line of lines)
      add(line.item, -(signs[form] ?? 0) * Number(line.quantity) * (factors.get(`${line.item}|${line.unit}`) ?? 1));
  }
  return new Map([...off].filter(([, by]) => by !== 0));
}
