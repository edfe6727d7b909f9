import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { PushDelivery } from "../contract.ts";
import { signatureOf, verifyPush } from "./push.ts";
import { type Company, ITEMS, RECEIPTS, receipt, startCompany } from "./testing.ts";

const SECRET = "wms-demo-secret";
const ENTRY = "66b1f0a2c3d4e5f600000202";
const BODY =
  '{"op":"data_update","opTime":1788230400123,"data":{"_id":"66c2000000000000000000a1","appId":"66b1f0a2c3d4e5f600000001","entryId":"66b1f0a2c3d4e5f600000202","formName":"盘点明细","counted_qty":118}}';
const SIGNATURE = "4fc81a56ccc486626d9bf67977a03a310ebdf14a";
const SENT_AT = new Date(1_788_230_400_000);
const formOf = (entryId: string) => (entryId === ENTRY ? "count" : undefined);

const verify = (over: {
  body?: string;
  headers?: Record<string, string>;
  query?: Record<string, string>;
  now?: Date;
  secret?: string | undefined;
}): PushDelivery =>
  verifyPush(
    {
      headers: { "X-JDY-DeliverId": "d-1", "X-JDY-Signature": SIGNATURE, ...over.headers },
      query: { timestamp: "1788230400", nonce: "7c1e9a", ...over.query },
      rawBody: Buffer.from(over.body ?? BODY),
    },
    "secret" in over ? over.secret : SECRET,
    over.now ?? SENT_AT,
    formOf,
  );
const signed = (body: string): PushDelivery =>
  verify({ body, headers: { "X-JDY-Signature": signatureOf("7c1e9a", Buffer.from(body), SECRET, "1788230400") } });

test("the reference's three worked signatures come out", () => {
  const sign = (nonce: string, body: string, timestamp: string) =>
    signatureOf(nonce, Buffer.from(body), SECRET, timestamp);
  expect(sign("7c1e9a", BODY, "1788230400")).toBe(SIGNATURE);
  expect(sign("7c1e9a", BODY.replace(":118}}", ":118.0}}"), "1788230400")).toBe(
    "566a66824082f0884fe2576303e98784c50d1b85",
  );
  expect(sign("a1b2c3", '{"op":"data_test"}', "1788230401")).toBe("7c5ffe790759f58202fae9f7a2306788bc431073");
});

test("a signed push says what to look at again", () => {
  expect(verify({})).toEqual({
    deliveryId: "d-1",
    form: "count",
    recordId: "66c2000000000000000000a1",
    event: "changed",
  });
  expect(verify({ headers: { "x-jdy-deliverid": "d-2" } }).form).toBe("count");
});

test.each([
  ["another secret", { secret: "other" }],
  ["no secret here", { secret: undefined }],
  ["a changed body", { body: BODY.replace("118", "119") }],
  ["118.0 for 118", { body: BODY.replace(":118}}", ":118.0}}") }],
  ["another nonce", { query: { nonce: "000000" } }],
  ["another time", { query: { timestamp: "1788230401" } }],
  ["no signature", { headers: { "X-JDY-Signature": "" } }],
  ["a prefix", { headers: { "X-JDY-Signature": `sha1=${SIGNATURE}` } }],
  [
    "the swapped headers of the official sample",
    { headers: { "X-JDY-DeliverId": SIGNATURE, "X-JDY-Signature": "d-1" } },
  ],
])("%s is a wrong signature", (_name, over) => {
  expect(() => verify(over)).toThrow(/PUSH_SIGNATURE_WRONG/);
});

test("a push outside the window is too old, in either direction", () => {
  expect(() => verify({ now: new Date(SENT_AT.getTime() + 16 * 60_000) })).toThrow(/PUSH_TOO_OLD/);
  expect(() => verify({ now: new Date(SENT_AT.getTime() - 16 * 60_000) })).toThrow(/PUSH_TOO_OLD/);
  expect(verify({ now: new Date(SENT_AT.getTime() + 14 * 60_000) }).event).toBe("changed");
});

test.each(['{"op":1}', "{", "[]", '{"data":{}}'])("the signed body %s is unreadable", (body) => {
  expect(() => signed(body)).toThrow(/PUSH_UNREADABLE/);
});

test.each([
  ["data_create", "changed"],
  ["data_recover", "changed"],
  ["data_remove", "removed"],
  ["data_delete", "removed"],
])("%s means %s", (op, event) => {
  expect(signed(JSON.stringify({ op, data: { _id: "r", entryId: ENTRY } }))).toMatchObject({ event, recordId: "r" });
});

test("the connection test, an unknown event and a form of somebody else are accepted and concern nothing", () => {
  const nothing = { deliveryId: "d-1", form: "", recordId: "", event: "form-changed" };
  expect(signed('{"op":"data_test"}')).toEqual(nothing);
  expect(signed('{"op":"flow_message","send_time":"2026-09-01T02:41:05.000Z","data":{"to":[]}}')).toEqual(nothing);
  expect(signed('{"op":"data_update","data":{"_id":"r","entryId":"66b1f0a2c3d4e5f6000002ff"}}')).toEqual(nothing);
  expect(signed(`{"op":"form_update","data":{"entryId":"${ENTRY}"}}`)).toEqual({ ...nothing, form: "count" });
  expect(signed(`{"op":"flow_state_change","data":{"form_id":"${ENTRY}","instance_id":"r"}}`)).toMatchObject({
    form: "count",
    recordId: "r",
  });
});

let company: Company;
beforeEach(async () => {
  company = await startCompany();
});
afterEach(async () => company.close());

test("pushes of a person's create, edit and deletion are verified over HTTP, those of another form concern nothing", async () => {
  const received: (PushDelivery | string)[] = [];
  const source = company.connect({}, { now: () => new Date(company.clock.now()) });
  const receiver = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
      const query = Object.fromEntries(new URL(request.url ?? "", "http://receiver").searchParams);
      try {
        received.push(source.verifyPush(headers, query, Buffer.concat(parts)));
      } catch (error) {
        received.push(String(error));
      }
      response.end("success");
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
  try {
    const address = receiver.address();
    const { port }: Pick<AddressInfo, "port"> = address === null || typeof address === "string" ? { port: 0 } : address;
    for (const entry_id of [RECEIPTS, ITEMS])
      await company.person("pushes", { entry_id, url: `http://127.0.0.1:${port}/hook?tenant=1` });
    const arrived = async (count: number): Promise<void> => {
      for (let turn = 0; received.length < count && turn < 200; turn += 1)
        await new Promise((resolve) => setTimeout(resolve, 10));
    };
    const recordId = await company.enter(receipt("A"));
    await arrived(1);
    await company.person("records/update", { entry_id: RECEIPTS, data_id: recordId, data: { wh_code: "WH-2" } });
    await arrived(2);
    await company.person("records/delete", { entry_id: RECEIPTS, data_id: recordId });
    await arrived(3);
    expect(received).toMatchObject([
      { form: "receipt", recordId, event: "changed" },
      { form: "receipt", recordId, event: "changed" },
      { form: "receipt", recordId, event: "removed" },
    ]);
    await company.faults("200-failure", "push", { variant: "bad-signature" });
    await company.enter(receipt("B"));
    await arrived(4);
    expect(received[3]).toContain("PUSH_SIGNATURE_WRONG");
  } finally {
    receiver.closeAllConnections();
    await new Promise((resolve) => receiver.close(resolve));
  }
});
