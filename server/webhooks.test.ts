import { Client, Connection } from "@temporalio/client";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { signatureOf } from "../connectors/jiandaoyun/push.ts";
import { type Company, RECEIPTS, receipt, startCompany } from "../connectors/jiandaoyun/testing.ts";
import { type Database, openDatabase } from "../db/database.ts";
import { ZhangshiError } from "../domain/errors.ts";
import { Installation } from "../domain/installation.ts";
import { createLog } from "../observability/log.ts";
import { testDatabase } from "../test/support/database.ts";
import { eventually } from "../test/support/held-server.ts";
import { testTemporal } from "../test/support/temporal.ts";
import { type WebhookServer, startWebhooks, syncNudger } from "./webhooks.ts";

const SOURCE = "/webhooks/demo/warehouse";
let company: Company;
let database: Database;
let server: WebhookServer;
let nudges: string[] = [];
let nudging: () => Promise<void> = async () => undefined;
const logged: string[] = [];

beforeAll(async () => {
  company = await startCompany();
  database = openDatabase((await testDatabase()).url);
  const source = company.connect({}, { now: () => new Date(company.clock.now()) });
  server = await startWebhooks({
    port: 0,
    host: "127.0.0.1",
    database,
    sources: (companyCode, code) => {
      if (companyCode !== "demo" || code !== "warehouse")
        throw new ZhangshiError("CONNECTION_UNKNOWN", { source: code });
      return source;
    },
    nudge: async (...names) => {
      nudges.push(names.join("/"));
      await nudging();
    },
    log: createLog({ level: "info", destination: { write: (line: string) => void logged.push(line) } }),
  });
});
beforeEach(async () => {
  nudges = [];
  nudging = async () => undefined;
  await database.pool.query("DELETE FROM push_inbox");
});
afterAll(async () => {
  await server.close();
  await database.close();
  await company.close();
});

const inbox = async () =>
  (await database.pool.query("SELECT company, source, form, record_id, event FROM push_inbox ORDER BY received_at"))
    .rows;

let deliveries = 0;
/** A push as the vendor would send it, unless told otherwise. */
const push = async (
  body: string,
  given: { deliveryId?: string; secret?: string; path?: string; method?: string } = {},
): Promise<{ status: number; word: string }> => {
  deliveries += 1;
  const timestamp = String(Math.floor(company.clock.now() / 1_000));
  const secret = given.secret ?? company.credentials.webhookSecret;
  const method = given.method ?? "POST";
  const answer = await fetch(
    `http://127.0.0.1:${server.port}${given.path ?? SOURCE}?timestamp=${timestamp}&nonce=n${deliveries}`,
    {
      method,
      headers: {
        "x-jdy-signature": signatureOf(`n${deliveries}`, Buffer.from(body), secret, timestamp),
        "x-jdy-deliverid": given.deliveryId ?? `delivery-${deliveries}`,
      },
      ...(method === "GET" ? {} : { body }),
    },
  );
  return { status: answer.status, word: await answer.text() };
};
const changed = (id: string, entryId: string = RECEIPTS): string =>
  JSON.stringify({ op: "data_update", data: { _id: id, entryId } });

test("what a person enters and deletes is pushed into the inbox, and each push nudges the sync", async () => {
  await company.person("pushes", { entry_id: RECEIPTS, url: `http://127.0.0.1:${server.port}${SOURCE}` });
  const recordId = await company.enter(receipt("RK-1"));
  await eventually("the first push has arrived", async () => nudges.length === 1);
  await company.person("records/delete", { entry_id: RECEIPTS, data_id: recordId });
  await eventually("the second push has arrived", async () => nudges.length === 2);
  const about = { company: "demo", source: "warehouse", form: "receipt", record_id: recordId };
  expect(await inbox()).toEqual([
    { ...about, event: "changed" },
    { ...about, event: "removed" },
  ]);
  expect(nudges).toEqual(["demo/warehouse", "demo/warehouse"]);
});

test("a push with a wrong signature is turned away and leaves nothing but a line in the log", async () => {
  expect(await push(changed("a"), { secret: "guessed" })).toEqual({ status: 401, word: "PUSH_SIGNATURE_WRONG" });
  expect(await inbox()).toEqual([]);
  expect(nudges).toEqual([]);
  expect(logged.at(-1)).toContain("PUSH_SIGNATURE_WRONG");
  expect(logged.join("")).not.toContain(company.credentials.webhookSecret);
});

test("a delivery that comes again is thanked for, kept once, and nudges nobody again", async () => {
  expect(await push(changed("b"), { deliveryId: "twice" })).toEqual({ status: 200, word: "success" });
  expect(await push(changed("b"), { deliveryId: "twice" })).toEqual({ status: 200, word: "repeat" });
  expect(await inbox()).toHaveLength(1);
  expect(nudges).toHaveLength(1);
});

test("a genuine push about a form that is not ours is thanked for and forgotten", async () => {
  expect(await push(changed("c", "66b1f0a2c3d4e5f6000002ff"))).toEqual({ status: 200, word: "ignored" });
  expect(await inbox()).toEqual([]);
});

test.each([
  ["an unknown source", "/webhooks/demo/elsewhere", "POST", 404],
  ["an unknown company", "/webhooks/other/warehouse", "POST", 404],
  ["another address", "/", "POST", 404],
  ["another method", SOURCE, "GET", 405],
])("%s is refused", async (_what, path, method, status) => {
  expect((await push(changed("d"), { path, method })).status).toBe(status);
  expect(await inbox()).toEqual([]);
});

test("a body above the limit is refused, whatever its signature", async () => {
  const body = JSON.stringify({
    op: "data_update",
    data: { _id: "e", entryId: RECEIPTS, text: "x".repeat(3_000_000) },
  });
  expect(await push(body)).toEqual({ status: 413, word: "too long" });
  expect(await inbox()).toEqual([]);
});

test("a push is kept although the sync cannot be nudged", async () => {
  nudging = () => Promise.reject(new Error("Temporal is away"));
  expect(await push(changed("f"))).toEqual({ status: 200, word: "success" });
  expect(await inbox()).toHaveLength(1);
});

test("the nudge starts the sync of that source, and signals it where it runs already", async () => {
  const { address, namespace } = await testTemporal();
  const connection = await Connection.connect({ address });
  try {
    const client = new Client({ connection, namespace });
    const source = { company: "pushed", connection: "jdy" };
    const installation = Installation.parse({
      connections: [{ name: "jdy", vendor: "jiandaoyun", baseUrl: "http://localhost" }],
      companies: [{ code: "pushed", name: "pushed", standard: "CAS" }],
      sources: [
        { ...source, code: "one" },
        { ...source, code: "other" },
      ],
      ledgers: [],
    });
    // Nobody works on this queue: what was started stays where it is.
    const nudge = syncNudger(client, installation, "webhooks-test");
    await nudge("pushed", "one");
    await nudge("pushed", "one");
    const handle = client.workflow.getHandle("sync/pushed/one");
    const { events } = await handle.fetchHistory();
    const signals = events?.filter((event) => event.workflowExecutionSignaledEventAttributes?.signalName === "nudge");
    expect(signals).toHaveLength(2);
    await expect(client.workflow.getHandle("sync/pushed/other").describe()).rejects.toThrow(/not found/);
    await handle.terminate();
  } finally {
    await connection.close();
  }
});
