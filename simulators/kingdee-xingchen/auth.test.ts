import { createServer } from "node:http";
import { afterEach, expect, test } from "vitest";
import { z } from "zod";
import { type KingdeeXingchen, type KingdeeXingchenOptions, startKingdeeXingchen } from "./server.ts";
import {
  type Client,
  hmacText,
  logIn,
  person,
  receipt,
  type Reply,
  requestToken,
  send,
  signedHeaders,
} from "./testing.ts";

let simulator: KingdeeXingchen | undefined;

async function start(options: KingdeeXingchenOptions = {}): Promise<KingdeeXingchen> {
  simulator = await startKingdeeXingchen(options);
  return simulator;
}

afterEach(async () => {
  await simulator?.close();
  simulator = undefined;
});

const VOUCHERS = "/jdy/v2/fi/voucher";
const AUTHORIZE = "/jdyconnector/app_management/push_app_authorize";

function listWith(
  running: KingdeeXingchen,
  change: (headers: Record<string, string>) => object,
  token = "x",
): Promise<Reply> {
  const headers = { ...signedHeaders(running.credentials, "GET", VOUCHERS, {}, Date.now()), "app-token": token };
  return send(running, { ...headers, ...change(headers) }, "GET", VOUCHERS);
}

test("the gateway refuses with HTTP 519 before the product hears of a call", async () => {
  const running = await start();
  const cases: [change: object, errcode: number][] = [
    [{ "X-Api-ClientID": "" }, 4002],
    [{ "X-Api-ClientID": "1" }, 4002],
    [{ "X-Api-TimeStamp": String(Date.now() - 301_000) }, 4006],
    [{ "X-Api-TimeStamp": String(Date.now() + 301_000) }, 4006],
    [{ "X-Api-TimeStamp": "" }, 4006],
    [{ "X-Api-Signature": hmacText("wrong", "message") }, 4003],
    [{ "X-Api-Nonce": "4712" }, 4003],
    [{ "X-Api-Auth-Version": "1.0" }, 4003],
  ];
  for (const [change, errcode] of cases) {
    expect(await listWith(running, () => change)).toMatchObject({ status: 519, errcode, data: null });
  }
  const path = "/jdy/v2/fi/nothing";
  const headers = signedHeaders(running.credentials, "GET", path, {}, Date.now());
  expect(await send(running, headers, "GET", path)).toMatchObject({ status: 519, errcode: 5001 });
});

test("a clock that is off by less than five minutes is accepted, by more it is not", async () => {
  const running = await start();
  const client = await logIn(running);
  const at = (offsetMs: number): Promise<Reply> => {
    const headers = signedHeaders(running.credentials, "GET", VOUCHERS, {}, Date.now() + offsetMs);
    return send(running, { ...headers, "app-token": client.token }, "GET", VOUCHERS);
  };
  expect(await at(-290_000)).toMatchObject({ status: 200, errcode: 0 });
  expect(await at(290_000)).toMatchObject({ status: 200, errcode: 0 });
  expect(await at(-310_000)).toMatchObject({ status: 519, errcode: 4006 });
});

test("without a token, or with a forged one, nothing is answered", async () => {
  const running = await start();
  const { token } = await logIn(running);
  const [head = "", , signature = ""] = token.split(".");
  const claims = Buffer.from(JSON.stringify({ accountId: running.credentials.accountId, gen: 0, exp: 9e15 }));
  for (const forged of ["", "x", `${head}.${claims.toString("base64url")}.${signature}`]) {
    expect(await listWith(running, () => ({}), forged)).toMatchObject({ status: 401, errcode: 1_020_002_008 });
  }
  expect(await listWith(running, () => ({}), token)).toMatchObject({ status: 200, errcode: 0 });
});

test("a token lasts 24 hours, then the vendor's words come and a new one works", async () => {
  const running = await start({ secretMs: 365 * 24 * 3_600_000 });
  const old = await logIn(running);
  await fetch(`${running.origin}/_sim/clock`, {
    method: "POST",
    body: JSON.stringify({ offsetMs: 24 * 3_600_000 - 60_000 }),
  });
  expect((await old.call("GET", VOUCHERS)).errcode).toBe(0);
  await fetch(`${running.origin}/_sim/clock`, {
    method: "POST",
    body: JSON.stringify({ offsetMs: 24 * 3_600_000 + 1 }),
  });
  const expired = await old.call("GET", VOUCHERS);
  expect(expired).toMatchObject({ status: 401, errcode: 1_000_202_001 });
  expect(expired.text).toBe(`{"description":"JWT token has expired","errcode":1000202001}`);
  expect((await (await logIn(running)).call("GET", VOUCHERS)).errcode).toBe(0);
});

test("the appSecret rotates after a day; the old one is stale until the new one was asked for", async () => {
  const running = await start();
  const old = running.credentials;
  await fetch(`${running.origin}/_sim/clock`, { method: "POST", body: JSON.stringify({ offsetMs: 25 * 3_600_000 }) });
  expect(await requestToken(running, old)).toMatchObject({
    errcode: 1_030_002_006,
    description: "授权密钥校验失败，请获取最新密钥加密",
  });
  const query = { outerInstanceId: old.outerInstanceId };
  const headers = signedHeaders(old, "POST", AUTHORIZE, query, running.world.now());
  const { data } = await send(running, headers, "POST", AUTHORIZE, query);
  const [record] = z
    .array(z.object({ appKey: z.string(), appSecret: z.string(), domain: z.string(), status: z.number() }))
    .parse(data);
  expect(record?.appSecret).not.toBe(old.appSecret);
  expect(record).toMatchObject({ appKey: old.appKey, domain: "https://tf.jdy.com", status: 1 });
  expect(await requestToken(running, { ...old, ...record })).toMatchObject({ errcode: 0 });
});

test("an unknown instance and an unknown key are not authorised", async () => {
  const running = await start();
  const query = { outerInstanceId: "1" };
  const headers = signedHeaders(running.credentials, "POST", AUTHORIZE, query, Date.now());
  expect(await send(running, headers, "POST", AUTHORIZE, query)).toMatchObject({ errcode: 1_020_002_008 });
  expect(await requestToken(running, { ...running.credentials, appKey: "nobody" })).toMatchObject({
    errcode: 1_020_002_008,
  });
});

test("a new secret is pushed to the callback address", async () => {
  const pushed: unknown[] = [];
  const receiver = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk: Buffer) => (text += chunk.toString()));
    request.on("end", () => {
      pushed.push(JSON.parse(text));
      response.end();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", () => resolve()));
  try {
    const address = z.object({ port: z.number() }).parse(receiver.address());
    const running = await start({ callbackUrl: `http://127.0.0.1:${address.port}/kingdee` });
    const old = running.credentials;
    await person(running, "rotate-secret", {});
    await expect
      .poll(() => pushed)
      .toEqual([expect.objectContaining({ appKey: old.appKey, appSecret: running.credentials.appSecret })]);
    expect(running.credentials.appSecret).not.toBe(old.appSecret);
  } finally {
    receiver.close();
  }
});

test("each account set has an authorisation of its own, and its token opens no other", async () => {
  const running = await start({ books: [{ number: "A" }, { number: "B", standard: "SME" }] });
  const [first, second]: Client[] = [await logIn(running, "A"), await logIn(running, "B")];
  const plain = (account: string): object => ({
    account_number: account,
    explanation: "开户",
    debit_amount: account === "1002" ? "5" : "0",
    credit_amount: account === "1002" ? "0" : "5",
  });
  await first?.save(receipt("a", { entry_list: [plain("1002"), plain("4001")] }));
  await second?.save(receipt("b", { entry_list: [plain("1002"), plain("3001")] }));
  expect((await first?.list("fi/voucher"))?.map((row) => row["source_bill_no"])).toEqual(["a"]);
  expect((await second?.list("fi/voucher"))?.map((row) => row["source_bill_no"])).toEqual(["b"]);
});

test("rates and log-ins above their limits are told so with 429", async () => {
  const running = await start({ requestsPerSecondMax: 2, tokensPerMinuteMax: 1 });
  const client = await logIn(running);
  expect(await requestToken(running, running.credentials)).toMatchObject({ errcode: 429 });
  const codes = [];
  for (let count = 0; count < 6; count += 1) codes.push((await client.call("GET", VOUCHERS)).errcode);
  expect(codes.slice(0, 4)).toEqual([0, 0, 0, 0]);
  expect(codes).toContain(429);
  await person(running, "settings", { throttleStatus: 429 });
  const more = await Promise.all(Array.from({ length: 6 }, () => client.call("GET", VOUCHERS)));
  expect(more.map(({ status }) => status)).toContain(429);
});

test("the router address is asked for only when the switch says so", async () => {
  const running = await start({ settings: { routerRequired: true } });
  const { token } = await logIn(running);
  expect(await listWith(running, () => ({}), token)).toMatchObject({ status: 519, errcode: 5001 });
  const router = { "X-GW-Router-Addr": running.credentials.domain };
  expect(await listWith(running, () => router, token)).toMatchObject({ errcode: 0 });
});
