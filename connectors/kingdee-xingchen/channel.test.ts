import nock from "nock";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { SendOutcome } from "../contract.ts";
import {
  TOKEN_NAME,
  connect,
  error,
  keyOf,
  listOf,
  listRow,
  nameOf,
  okay,
  receiptDraft,
  scriptGateway,
  secrets,
  soon,
} from "./gateway.testing.ts";
import { appSignature, signedHeaders } from "./signature.ts";

beforeEach(() => {
  if (!nock.isActive()) nock.activate();
  nock.disableNetConnect();
});
afterEach(() => {
  nock.cleanAll();
  nock.enableNetConnect();
  nock.restore();
});

const briefly = (outcomes: readonly SendOutcome[]): readonly string[] =>
  outcomes.map((outcome) => (outcome.kind === "posted" ? outcome.stage : `${outcome.kind} ${outcome.code}`));
const parameters = { gl: { start_year: "2025", start_period: "1", current_year: "2025", current_period: "2" } };
const AUTHORISE = "push_app_authorize";
const record = {
  appKey: "bVZgAZOv",
  appSecret: "second-application-secret",
  domain: "https://tf.jdy.com",
  accountId: "7",
  status: 1,
};
const withInstance = { ...secrets, outerInstanceId: "inst-1" };

test("one token serves all callers, and every call is signed and routed", async () => {
  const gateway = scriptGateway((heard) => (nameOf(heard) === "system_param" ? okay(parameters) : undefined));
  const target = connect({ routerAddress: "https://tf.jdy.com" });
  await Promise.all([target.periods("001"), target.periods("001"), target.periods("001")]);
  expect(gateway.calls(TOKEN_NAME)).toBe(1);
  const asked = gateway.heard.find((heard) => nameOf(heard) === "system_param");
  if (asked === undefined) throw new Error("not asked");
  expect(asked.headers["app-token"]).toBe("token-of-the-day");
  expect(asked.headers["x-gw-router-addr"]).toBe("https://tf.jdy.com");
  const again = signedHeaders(
    secrets,
    "GET",
    "/jdy/v2/sys/system_param",
    { type: "gl" },
    asked.headers["x-api-timestamp"] ?? "",
    asked.headers["x-api-nonce"] ?? "",
  );
  expect(asked.headers["x-api-signature"]).toBe(again["X-Api-Signature"]);
});

test("with an instance the secret is fetched first, and again once it is rotated", async () => {
  let now = Date.parse("2025-02-01T00:00:00Z");
  let present = { ...record, appSecret: "first-fetched-secret" };
  const gateway = scriptGateway((heard) => {
    if (nameOf(heard) === AUTHORISE) return okay([present]);
    if (nameOf(heard) === "system_param") return okay(parameters);
    return nameOf(heard) === TOKEN_NAME &&
      heard.query.get("app_signature") !== appSignature(present.appKey, present.appSecret)
      ? error(1030002006, "授权密钥校验失败，请获取最新密钥加密")
      : undefined;
  });
  const target = connect({}, { secrets: withInstance, now: () => new Date(now) });
  expect((await target.periods("001"))[0]).toEqual({ period: "2025-01", open: false });
  expect(gateway.heard.map(nameOf)).toEqual([AUTHORISE, TOKEN_NAME, "system_param"]);
  expect(gateway.heard[0]?.query.get("outerInstanceId")).toBe("inst-1");
  expect(gateway.heard[2]?.headers["x-gw-router-addr"]).toBe("https://tf.jdy.com");
  present = record;
  now += 24 * 3_600_000;
  await target.periods("001");
  expect(gateway.heard.slice(3).map(nameOf)).toEqual([TOKEN_NAME, AUTHORISE, TOKEN_NAME, "system_param"]);
});

test("a secret that a person entered is routed by the domain that the token's answer names", async () => {
  const gateway = scriptGateway((heard) => {
    if (nameOf(heard) === TOKEN_NAME) return okay({ "app-token": "t", domain: "https://tf.jdy.com" });
    return okay(parameters);
  });
  await connect().periods("001");
  expect(gateway.heard[1]?.headers["x-gw-router-addr"]).toBe("https://tf.jdy.com");
});

test("without an instance a rotated secret is a refused log-in, and nobody tries again for a while", async () => {
  const gateway = scriptGateway((heard) =>
    nameOf(heard) === TOKEN_NAME ? error(1030002006, "授权密钥校验失败，请获取最新密钥加密") : undefined,
  );
  const target = connect();
  for (let round = 0; round < 3; round += 1)
    await expect(target.periods("001")).rejects.toMatchObject({ code: "LOGIN_REFUSED" });
  expect(briefly(await target.post([receiptDraft("a")], soon()))).toEqual(["not-done LOGIN_REFUSED"]);
  expect(gateway.heard.map(nameOf)).toEqual([TOKEN_NAME]);
});

test("several authorisations need the account set's id; a dead one does not count", async () => {
  scriptGateway((heard) => {
    if (nameOf(heard) === AUTHORISE)
      return okay([record, { ...record, accountId: "8" }, { ...record, accountId: "9", status: 0 }]);
    return nameOf(heard) === "system_param" ? okay(parameters) : undefined;
  });
  await expect(connect({}, { secrets: withInstance }).periods("001")).rejects.toMatchObject({ code: "LOGIN_REFUSED" });
  expect(await connect({ accountId: "8" }, { secrets: withInstance }).periods("001")).not.toHaveLength(0);
  await expect(connect({ accountId: "9" }, { secrets: withInstance }).periods("001")).rejects.toMatchObject({
    code: "LOGIN_REFUSED",
  });
});

test("an expired token is renewed for a read; a write that met it did nothing and is not repeated", async () => {
  let given = 0;
  const gateway = scriptGateway((heard) => {
    if (nameOf(heard) === TOKEN_NAME) return okay({ "app-token": `token-${(given += 1)}` });
    if (heard.headers["app-token"] === "token-1")
      return [401, { description: "JWT token has expired", errcode: 1000202001 }];
    return nameOf(heard) === "system_param" ? okay(parameters) : listOf([]);
  });
  const reader = connect();
  expect(await reader.periods("001")).not.toHaveLength(0);
  expect(given).toBe(2);
  given = 0;
  const writer = connect();
  expect(briefly(await writer.post([receiptDraft("a")], soon()))).toEqual(["not-done NOT_LOGGED_IN"]);
  expect(gateway.heard.filter((heard) => heard.method === "POST")).toHaveLength(1);
});

test("a token is renewed after four fifths of its day", async () => {
  let now = Date.parse("2025-02-01T00:00:00Z");
  const gateway = scriptGateway((heard) => (nameOf(heard) === "system_param" ? okay(parameters) : undefined));
  const target = connect({}, { now: () => new Date(now) });
  await target.periods("001");
  now += 19 * 3_600_000;
  await target.periods("001");
  expect(gateway.calls(TOKEN_NAME)).toBe(1);
  now += 13 * 60_000;
  await target.periods("001");
  expect(gateway.calls(TOKEN_NAME)).toBe(2);
});

test("an authorisation that fails with every token is a refused log-in", async () => {
  const gateway = scriptGateway((heard) =>
    nameOf(heard) === TOKEN_NAME ? undefined : error(1020002008, "authorisation failed"),
  );
  const target = connect();
  await expect(target.periods("001")).rejects.toMatchObject({ code: "LOGIN_REFUSED" });
  await expect(target.periods("001")).rejects.toMatchObject({ code: "LOGIN_REFUSED" });
  expect(gateway.heard.map(nameOf)).toEqual([TOKEN_NAME, "system_param", TOKEN_NAME, "system_param"]);
});

test("a third token within a minute is not even asked for", async () => {
  const gateway = scriptGateway((heard) =>
    nameOf(heard) === TOKEN_NAME ? undefined : error(1000202001, "JWT token has expired"),
  );
  const target = connect();
  await expect(target.periods("001")).rejects.toMatchObject({ code: "NOT_LOGGED_IN" });
  await expect(target.periods("001")).rejects.toMatchObject({ code: "THROTTLED" });
  expect(gateway.calls(TOKEN_NAME)).toBe(2);
});

test("where our clock is off, the gateway's is taken for time stamps, from the authorisation on", async () => {
  const theirs = Date.now();
  const stamps: number[] = [];
  const gateway = nock("http://xingchen.test").persist();
  for (const method of ["GET", "POST"])
    gateway.intercept(/.*/, method).reply(function reply(uri) {
      const stamp = Number(String(this.req.headers["x-api-timestamp"]));
      stamps.push(stamp);
      const late = Math.abs(stamp - theirs) > 300_000;
      const data = uri.includes(TOKEN_NAME) ? { "app-token": "t" } : uri.includes(AUTHORISE) ? [record] : parameters;
      const body = late
        ? { errcode: 4006, description: "X-Api-TimeStamp expired[GW]", data: null }
        : { errcode: 0, description: "success", data };
      return [late ? 519 : 200, JSON.stringify(body), { Date: new Date(theirs).toUTCString() }];
    });
  const target = connect({}, { now: () => new Date(theirs - 13 * 60_000), secrets: withInstance });
  expect(await target.periods("001")).not.toHaveLength(0);
  expect(stamps).toHaveLength(4);
});

test("a refused time stamp with the right clock is a refused log-in, not a loop", async () => {
  const gateway = scriptGateway(() => error(4006, "X-Api-TimeStamp expired[GW]", 519));
  await expect(connect().periods("001")).rejects.toMatchObject({ code: "LOGIN_REFUSED" });
  expect(gateway.heard).toHaveLength(1);
});

test("secrets are in no message, the fetched ones included", async () => {
  const echo = `secret ${record.appSecret}, client ${secrets.clientSecret}, token token-of-the-day`;
  scriptGateway((heard) => {
    if (nameOf(heard) === AUTHORISE) return okay([record]);
    return nameOf(heard) === TOKEN_NAME ? undefined : error(99, echo);
  });
  const target = connect({}, { secrets: withInstance });
  const outcomes = await target.post([receiptDraft("a")], soon());
  const { found } = await target.findByKeys("001", [keyOf("a")], keyOf("b"));
  const failure = await target.periods("001").catch((thrown: unknown) => String(thrown));
  const text = JSON.stringify([outcomes, [...found], failure]);
  expect(text).toContain("***");
  for (const secret of [record.appSecret, secrets.clientSecret, "token-of-the-day"]) expect(text).not.toContain(secret);
});

test("a list that is throttled inside HTTP 200 is asked for again", async () => {
  let asked = 0;
  scriptGateway((heard) => {
    if (nameOf(heard) !== "voucher") return undefined;
    return (asked += 1) === 1 ? error(429, "请求过于频繁") : listOf([listRow("1", keyOf("a"))]);
  });
  const { found } = await connect().findByKeys("001", [keyOf("a")], undefined);
  expect(found.get(keyOf("a"))).toMatchObject({ kind: "one", erpId: "1" });
});
