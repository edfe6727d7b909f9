import { createCipheriv } from "node:crypto";
import { afterEach, expect, test } from "vitest";
import { apiMessage, clientSecretOf, encodedPaths, loginSign, mintAppId, signText } from "./auth.ts";
import { type KingdeeCloud, type KingdeeCloudOptions, startKingdeeCloud } from "./server.ts";
import { AUTH_SERVICE, FORM_SERVICE, logIn, send } from "./testing.ts";

const APP_ID = "201234_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcY";
const APP_SECRET = "0123456789abcdef0123456789abcdef";
const PATH = "/k3cloud/Kingdee.BOS.WebApi.ServicesStub.DynamicFormService.Save.common.kdsvc";

let simulator: KingdeeCloud | undefined;

async function start(options: KingdeeCloudOptions = {}): Promise<KingdeeCloud> {
  simulator = await startKingdeeCloud(options);
  return simulator;
}

afterEach(async () => {
  await simulator?.close();
  simulator = undefined;
});

test("the worked example of the Python SDK is reproduced byte for byte", () => {
  const secret = clientSecretOf(APP_ID);
  expect(secret).toEqual({ clientId: "201234", clientSecret: "MTI2MGM1Pj9qPDk/OT04KHMiKnd0IXMr" });
  const [path = ""] = encodedPaths(PATH);
  expect(path).toBe("%2Fk3cloud%2FKingdee.BOS.WebApi.ServicesStub.DynamicFormService.Save.common.kdsvc");
  expect(signText(secret?.clientSecret ?? "", apiMessage(path, "1700000000", "1700000000"))).toBe(
    "M2M5NmZiYjQ5NWZmYTIwMTY1ZWE2YjgxZTlhOGUzN2M0NjRjNDExNmJjNzYzZTg4NmEwOWVkMzBjZDM3ZjA1OQ==",
  );
  const appData = "5f00aa11bb22cc,接口用户,2052,100";
  expect(Buffer.from(appData).toString("base64")).toBe("NWYwMGFhMTFiYjIyY2Ms5o6l5Y+j55So5oi3LDIwNTIsMTAw");
  expect(signText(APP_SECRET, APP_ID + appData)).toBe(
    "Y2IyMGM1M2ZmMjk4M2ViZjY4MGZlMjNjMDk5ZjM4NzEzNDgwYzQzNzg5NWU4MDVhYjhiODI4ZDA4NWQwMGU5NA==",
  );
});

test("the Java and .NET rows of the worked example are reproduced", () => {
  const secret = clientSecretOf(APP_ID)?.clientSecret ?? "";
  const [path = ""] = encodedPaths(PATH);
  expect(signText(secret, apiMessage(path, "1700000000000", "1700000000000"))).toBe(
    "Zjc5MTI5MjU5OTAwZDhhZmM0ZDlhZmEzNzAyMTc5OTcyMzQ2OTQ5NGU2MzNmMWI3ODg3ZTViYzM2ZDIxYmFhNg==",
  );
  expect(signText(secret, apiMessage(path, "0f8fad5bd9cb469fa16570867728950e", "1700000000000"))).toBe(
    "NWJjZGQ1MTY0NmI1MmQ2YzNlNWI2YTVkMGI2M2FhNDM5NTk5YzAxOTdhYTNkNjU5NDg2MzFkZTA5OTNmNzMwYQ==",
  );
});

test("LoginBySign's example is reproduced, and a minted AppId hides its client secret", () => {
  expect(loginSign("5f00aa11bb22cc", "接口用户", APP_ID, APP_SECRET, "1700000000")).toBe(
    "1cb805f4526f0db2326a8a11213cf8e1343ce6b48e56fb4c13673537ac8c5d26",
  );
  const plain = Uint8Array.from({ length: 24 }, (_, index) => 255 - index);
  const { appId, clientSecret } = mintAppId("300001", plain);
  expect(clientSecretOf(appId)).toEqual({ clientId: "300001", clientSecret });
});

type Dialect = { timestamp: string; nonce: string; names: string };

function signed(running: KingdeeCloud, dialect: Dialect, user = running.credentials.userName): Record<string, string> {
  const { acctId, appId, appSecret } = running.credentials;
  const secret = clientSecretOf(appId);
  const path = new URL(`${FORM_SERVICE}ExecuteBillQuery.common.kdsvc`, running.baseUrl).pathname;
  const appData = `${acctId},${user},2052,100`;
  return {
    "X-Api-ClientID": secret?.clientId ?? "",
    "X-Api-Auth-Version": "2.0",
    "x-api-timestamp": dialect.timestamp,
    "x-api-nonce": dialect.nonce,
    "x-api-signheaders": dialect.names,
    "X-Api-Signature": signText(
      secret?.clientSecret ?? "",
      apiMessage(encodeURIComponent(path), dialect.nonce, dialect.timestamp),
    ),
    "X-Kd-Appkey": appId,
    "X-Kd-Appdata": Buffer.from(appData).toString("base64"),
    "X-Kd-Signature": signText(appSecret, appId + appData),
    "Content-Type": "applicatin/json",
  };
}

const QUERY = {
  data: { FormId: "BD_Currency", FieldKeys: "FCODE", FilterString: "FNUMBER='PRE001'", TopRowCount: "0", Limit: "0" },
};

test.each([
  ["Python", { timestamp: "1700000000", nonce: "1700000000", names: "x-api-timestamp,x-api-nonce" }],
  ["Java", { timestamp: "1700000000000", nonce: "1700000000000", names: "X-Api-TimeStamp,X-Api-Nonce" }],
  [
    ".NET",
    { timestamp: "1700000000000", nonce: "0f8fad5bd9cb469fa16570867728950e", names: "X-Api-TimeStamp,X-Api-Nonce" },
  ],
])("a call signed as the %s SDK does is let in, twice with the same signature", async (_name, dialect) => {
  const running = await start();
  for (let time = 0; time < 2; time += 1) {
    const answer = await send(running, `${FORM_SERVICE}ExecuteBillQuery`, QUERY, signed(running, dialect));
    expect(answer.text).toBe('[["CNY"]]');
    expect(answer.headers.get("kdservice-sessionid")).toMatch(/^[0-9a-f-]{36}$/);
    const cookies = answer.headers.getSetCookie();
    expect(cookies[0]).toMatch(/^kdservice-sessionid=[0-9a-f-]{36}; path=\/$/);
    expect(cookies[1]).toMatch(/^ASP\.NET_SessionId=\w{24}; path=\/; HttpOnly; SameSite=Lax$/);
    expect(answer.headers.get("date")).not.toBeNull();
  }
});

test("a signature over something else, an unknown user, and a stale clock are answered as a lost session", async () => {
  const running = await start({ clockSkewMs: 15 * 60_000 });
  const fresh = { timestamp: String(Date.now()), nonce: "1", names: "x" };
  const right = signed(running, fresh);
  const lost = '[[{"Result":{"ResponseStatus":{"ErrorCode":500,"IsSuccess":false,';
  const ask = async (headers: Record<string, string>): Promise<string> => {
    return (await send(running, `${FORM_SERVICE}ExecuteBillQuery`, QUERY, headers)).text;
  };
  expect(await ask(right)).toBe('[["CNY"]]');
  expect(await ask({ ...right, "x-api-nonce": "2" })).toContain(lost);
  expect(await ask({ ...right, "X-Kd-Signature": "AAAA" })).toContain(lost);
  expect(await ask(signed(running, fresh, "别人"))).toContain(lost);
  expect(await ask(signed(running, { ...fresh, timestamp: "1700000000" }))).toContain(lost);
});

test("with a good signature a stale session is silently replaced", async () => {
  const running = await start();
  const headers = signed(running, { timestamp: "1700000000", nonce: "1", names: "x" });
  const answer = await send(running, `${FORM_SERVICE}ExecuteBillQuery`, QUERY, { ...headers, SID: "gone" });
  expect(answer.text).toBe('[["CNY"]]');
  expect(answer.headers.get("kdservice-sessionid")).not.toBe("gone");
});

test("every log-in method lets the right caller in, and the session works by cookie and by header", async () => {
  const running = await start();
  const { acctId, userName, password, appId, appSecret } = running.credentials;
  const cipher = (text: string): string => {
    const des = createCipheriv("des-ede3-cbc", "KingdeeK".repeat(3), "KingdeeK");
    return Buffer.concat([des.update(text, "utf8"), des.final()]).toString("base64");
  };
  const sign = loginSign(acctId, userName, appId, appSecret, "1700000000");
  const net = { format: 1, useragent: "ApiClient", rid: "1", v: "1.0" };
  const logins: [method: string, body: unknown][] = [
    ["ValidateUser", { parameters: [acctId, userName, password, 2052] }],
    ["ValidateUser", { ...net, parameters: JSON.stringify([acctId, userName, password, 2052]) }],
    ["ValidateUser", { acctid: acctId, username: userName, password, lcid: 2052 }],
    ["ValidateUserByOrgNumber", { parameters: [acctId, userName, password, 2052, "100"] }],
    ["ValidateUserEnDeCode", { parameters: [acctId, cipher(userName), cipher(password), 2052] }],
    ["LoginByAppSecret", { parameters: [acctId, userName, appId, appSecret, 2052] }],
    ["LoginBySign", { parameters: [acctId, userName, appId, 1_700_000_000, sign, 2052] }],
  ];
  for (const [method, body] of logins) {
    const answer = await send(running, AUTH_SERVICE + method, body);
    const login: unknown = JSON.parse(answer.text);
    expect(login, method).toMatchObject({ LoginResultType: 1, IsSuccessByAPI: true, Context: { DBid: acctId } });
    const session = answer.headers.get("kdservice-sessionid") ?? "";
    expect(login).toMatchObject({ KDSVCSessionId: session });
    for (const headers of [
      { "kdservice-sessionid": session },
      { Cookie: `Theme=standard;kdservice-sessionid=${session}` },
    ]) {
      expect((await send(running, `${FORM_SERVICE}ExecuteBillQuery`, QUERY, headers)).text).toBe('[["CNY"]]');
    }
  }
});

test("wrong passwords are refused, five of them lock the user, and time unlocks", async () => {
  let nowMs = Date.parse("2025-01-31T02:00:00Z");
  const running = await start({ clock: () => nowMs });
  const { acctId, userName, password } = running.credentials;
  const attempt = async (secret: string): Promise<unknown> => {
    const answer = await send(running, `${AUTH_SERVICE}ValidateUser`, { parameters: [acctId, userName, secret, 2052] });
    return JSON.parse(answer.text);
  };
  const wrong = { LoginResultType: 0, Context: null, MessageCode: "CheckPasswordFailed", Message: "用户名或密码错误" };
  for (let time = 0; time < 4; time += 1) expect(await attempt("x")).toMatchObject(wrong);
  expect(await attempt("x")).toMatchObject({ Message: expect.stringContaining("次数超限") });
  expect(await attempt(password)).toMatchObject({ Message: expect.stringContaining("次数超限") });
  nowMs += 31 * 60_000;
  expect(await attempt(password)).toMatchObject({ LoginResultType: 1 });
});

test("a log-in loop locks the user where a limit is set", async () => {
  const running = await start({ loginsPerMinuteMax: 2 });
  await logIn(running);
  await logIn(running);
  const { acctId, userName, password } = running.credentials;
  const third = await send(running, `${AUTH_SERVICE}ValidateUser`, { parameters: [acctId, userName, password, 2052] });
  expect(third.text).toContain("次数超限");
});

test("a session lives twenty minutes from its last use, and ends at log-out", async () => {
  let nowMs = Date.parse("2025-01-31T02:00:00Z");
  const running = await start({ clock: () => nowMs });
  const client = await logIn(running);
  const ask = async (): Promise<string> => (await client.post(`${FORM_SERVICE}ExecuteBillQuery`, QUERY)).text;
  nowMs += 19 * 60_000;
  expect(await ask()).toBe('[["CNY"]]');
  nowMs += 19 * 60_000;
  expect(await ask()).toBe('[["CNY"]]');
  nowMs += 21 * 60_000;
  expect(await ask()).toContain('"MsgCode":1}');
  const again = await logIn(running);
  expect((await again.post(`${AUTH_SERVICE}Logout`, {})).text).toBe("true");
  expect((await again.post(`${FORM_SERVICE}Save`, { formid: "GL_VOUCHER", data: {} })).text).toBe(
    '{"Result":{"ResponseStatus":{"ErrorCode":500,"IsSuccess":false,"Errors":[{"FieldName":null,"Message":"会话信息已丢失，请重新登录","DIndex":0}],"SuccessEntitys":[],"SuccessMessages":[],"MsgCode":1}}}',
  );
});

test("the list of data centres needs no log-in", async () => {
  const running = await start();
  const service = "Kingdee.BOS.ServiceFacade.ServicesStub.Account.AccountService.GetDataCenterList";
  const answer: unknown = JSON.parse((await send(running, service, {})).text);
  expect(answer).toMatchObject([{ Id: running.credentials.acctId, Number: "001" }]);
});
