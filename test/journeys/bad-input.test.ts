import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { getJson } from "../../demo/http.ts";
import { type EmbeddedTemporal, startTemporal } from "../../embedded/temporal.ts";
import { testDatabase } from "../support/database.ts";
import { eventually } from "../support/held-server.ts";
import { Rehearsal, type Staying } from "../support/rehearsal.ts";

/*
 * Bad and odd input beside healthy documents, typed into the forms of the simulated warehouse and sent through the real
 * command. Whatever cannot be posted is one named exception; whatever is only odd arrives unharmed; nothing else stops.
 */

const LIMIT_MS = 180_000;
const RECEIPT = "采购入库";
const LONG_NUMBER = "12345678901234567890";
const LINES = 200;

const Exceptions = z.object({
  exceptions: z.array(
    z.object({
      code: z.string(),
      subject: z.string(),
      cause: z.number().nullable(),
      nextStep: z.string(),
      evidence: z.record(z.string(), z.unknown()),
    }),
  ),
});
const Vouchers = z.object({
  vouchers: z.array(
    z.object({ key: z.string(), state: z.string(), accountedOn: z.string(), documents: z.array(z.string()) }),
  ),
});
const InBooks = z.object({
  vouchers: z.array(
    z.object({
      date: z.string(),
      documentStatus: z.string(),
      entries: z.array(
        z.looseObject({
          explanation: z.string(),
          debit: z.string(),
          quantity: z.string(),
          dimensions: z.record(z.string(), z.string()),
        }),
      ),
    }),
  ),
});

let temporal: EmbeddedTemporal;
let user: Rehearsal;
let worker: Staying;
let books: string;
const ids: Record<string, string> = {};

const goods = { item: "M-001", unit: "Pcs", quantity: 1, amount: 10, tax_amount: 1.3 };
const receipt = (documentNumber: string, change: Readonly<Record<string, unknown>> = {}) => ({
  document_number: documentNumber,
  happened_at: "2025-01-15 10:00",
  warehouse: "CK01",
  supplier: "VEN001",
  invoiced: "是",
  lines: [goods],
  ...change,
});

/** What the forms are given, by the name under which it is looked for afterwards. */
const documents: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  healthy: receipt("CG-1"),
  torn: receipt("CG-2"),
  nameless: receipt(""),
  empty: receipt("CG-3", { lines: [] }),
  unknown: receipt("CG-4", { lines: [{ ...goods, item: "M-999" }] }),
  zero: receipt("CG-5", { lines: [goods, { ...goods, quantity: 0 }] }),
  leading: receipt("CG-6", { lines: [{ ...goods, item: "007", unit: "Xiang", quantity: 2 }] }),
  long: receipt(LONG_NUMBER),
  lastSecond: receipt("CG-7", { happened_at: "2025-01-31 23:59:59" }),
  firstSecond: receipt("CG-8", { happened_at: "2025-02-01 00:00:00" }),
  exponent: receipt("CG-9"),
  many: receipt("CG-10", {
    lines: Array.from({ length: LINES }, (_, at) => ({ ...goods, quantity: at + 1, amount: `${at + 1}.01` })),
  }),
  alsoHealthy: receipt("CG-11"),
};

beforeAll(async () => {
  // The task queues of the product itself are worked on here: that takes a server of our own.
  temporal = await startTemporal({ throwAway: true });
  const { url } = await testDatabase("empty");
  user = new Rehearsal({ ZHANGSHI_DATABASE_URL: url, TEMPORAL_ADDRESS: temporal.address });
  const [, ledger] = await Promise.all([user.simulate("jiandaoyun"), user.simulate("kingdee-cloud")]);
  books = new URL(ledger.baseUrl).origin;
  await user.object(["init", "--simulators", "jiandaoyun.json", "kingdee-cloud.json"]);
  user.sourceVariables();
  await user.object(["apply"]);
  for (const [code, unit] of [
    ["M-001", "Pcs"],
    ["007", "Xiang"],
  ])
    await user.fillIn("商品", { item_code: code, item_name: code, unit });
  worker = await user.start(["worker", "--webhooks", "0", "--json"]);

  for (const [name, data] of Object.entries(documents)) ids[name] = await user.fillIn(RECEIPT, data);
  const plant = (name: string, place: Readonly<Record<string, unknown>>) =>
    user.warehouse("_sim/plant", { entry_id: user.entryId(RECEIPT), data_id: ids[name], ...place }, z.unknown());
  await plant("exponent", { field: "lines", row: 0, inner: "quantity", json: "1e3" });
  await plant("torn", { field: "lines", json: '"not a list"' });

  await user.object(["sync"]);
  await user.object(["post"]);
  await user.object(["reconcile"]);
}, LIMIT_MS);
afterAll(async () => {
  await user?.close();
  await temporal?.stop();
}, LIMIT_MS);

test("each bad document is one open exception that names form, record, field and value, and what to do", async () => {
  const { exceptions } = Exceptions.parse(await user.object(["exceptions"]));
  const found = exceptions.map(({ code, subject, evidence: { form, recordId, field, value } }) =>
    [code, subject, form, recordId, field, value].map((each) => each ?? null),
  );
  const form = "purchase-receipt";
  const { torn, nameless, empty, zero, exponent } = ids;
  expect(new Set(found)).toEqual(
    new Set([
      ["RECORD_UNREADABLE", "CG-2", form, torn, "lines", "not a list"],
      ["FIELD_MISSING", nameless, form, nameless, "document_number", ""],
      ["SUBFORM_EMPTY", "CG-3", form, empty, "lines", ""],
      ["QUANTITY_ZERO", "CG-5", form, zero, "quantity", "0"],
      ["NUMBER_UNREADABLE", "CG-9", form, exponent, "quantity", "1e3"],
      // One per missing code, not one per document: the documents are named in it.
      ["ITEM_UNKNOWN", "code:item/M-999", null, null, null, null],
    ]),
  );
  expect(found).toHaveLength(6);
  const unknown = exceptions.find(({ code }) => code === "ITEM_UNKNOWN");
  expect(unknown).toMatchObject({ cause: 20, evidence: { documents: [`${form}/CG-4`] } });
  for (const { nextStep } of exceptions) expect(nextStep).not.toBe("");
});

test("every other document is posted once and verified", async () => {
  const { vouchers } = Vouchers.parse(await user.object(["voucher", "list"]));
  const expected = ["CG-1", "CG-6", LONG_NUMBER, "CG-7", "CG-8", "CG-10", "CG-11"];
  expect(vouchers.flatMap((voucher) => voucher.documents).toSorted()).toEqual(expected.toSorted());
  expect(new Set(vouchers.map(({ state }) => state))).toEqual(new Set(["verified"]));
});

test("007, twenty digits, the edge of the month in Shanghai and 200 lines arrive in the books unharmed", async () => {
  const inBooks = async (document: string) => {
    const listed = Vouchers.parse(await user.object(["voucher", "list", "--document", document]));
    const key = listed.vouchers[0]?.key ?? "";
    const { vouchers } = await getJson(`${books}/_person/vouchers?external=${key}`, InBooks);
    expect(vouchers).toHaveLength(1);
    return vouchers[0] ?? { date: "", entries: [] };
  };
  const itemsOf = ({ entries }: { entries: readonly { dimensions: Readonly<Record<string, string>> }[] }) =>
    entries.flatMap(({ dimensions }) => Object.values(dimensions));

  expect(itemsOf(await inBooks("CG-6"))).toContain("007");
  const long = await inBooks(LONG_NUMBER);
  expect(long.entries.every(({ explanation }) => explanation.includes(LONG_NUMBER))).toBe(true);
  expect((await inBooks("CG-7")).date).toContain("2025-01-31");
  expect((await inBooks("CG-8")).date).toContain("2025-02-01");
  const stock = (await inBooks("CG-10")).entries.filter(({ quantity }) => Number(quantity) > 0);
  expect(stock.map(({ quantity }) => Number(quantity)).toSorted((a, b) => a - b)).toEqual(
    Array.from({ length: LINES }, (_, at) => at + 1),
  );
});

test("a push with a wrong signature is turned away by name, a genuine one beside it is taken", async () => {
  const { webhooksPort } = z.object({ webhooksPort: z.number() }).parse(JSON.parse(worker.line));
  const url = `http://127.0.0.1:${webhooksPort}/webhooks/main/warehouse`;
  const Push = z.object({ push_id: z.string() });
  const Log = z.object({
    deliveries: z.array(z.object({ pushId: z.string(), attempts: z.array(z.object({ outcome: z.string() })) })),
  });
  const outcomes = async (secret: string, number: string): Promise<readonly string[]> => {
    const entry_id = user.entryId(RECEIPT);
    const { push_id } = await user.warehouse("_person/pushes", { entry_id, url, secret }, Push);
    await user.fillIn(RECEIPT, receipt(number));
    let tried: readonly string[] = [];
    await eventually("the push was answered", async () => {
      const log = await user.warehouse("_person/pushes/log", {}, Log);
      tried = log.deliveries
        .filter(({ pushId }) => pushId === push_id)
        .flatMap(({ attempts }) => attempts.map(({ outcome }) => outcome));
      return tried.length > 0;
    });
    await user.warehouse("_person/pushes/delete", { push_id }, z.unknown());
    return tried;
  };
  expect(await outcomes("not-the-secret", "CG-20")).toEqual(["401"]);
  expect(worker.said()).toContain("PUSH_SIGNATURE_WRONG");
  expect(await outcomes(user.variables["JIANDAOYUN_WEBHOOK_SECRET"] ?? "", "CG-21")).toEqual(["200"]);

  // Turned away is not lost: what the forged push was about, the sync finds by itself.
  await user.object(["sync"]);
  await user.object(["post"]);
  const { vouchers } = Vouchers.parse(await user.object(["voucher", "list", "--state", "verified"]));
  expect(vouchers.flatMap((voucher) => voucher.documents)).toEqual(expect.arrayContaining(["CG-20", "CG-21"]));
});
