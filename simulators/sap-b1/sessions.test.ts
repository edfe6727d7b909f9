import { afterEach, expect, test } from "vitest";
import { type SapB1, type SapB1Options, startSapB1 } from "./server.ts";
import { logIn, receipt, send } from "./testing.ts";

let simulator: SapB1 | undefined;

async function start(options: SapB1Options = {}): Promise<SapB1> {
  simulator = await startSapB1({ http: true, ...options });
  return simulator;
}

afterEach(async () => {
  await simulator?.close();
  simulator = undefined;
});

const login = (running: SapB1, change: object = {}, headers: Record<string, string> = {}) => {
  const { companyDb, userName, password } = running.credentials;
  const body = { CompanyDB: companyDb, UserName: userName, Password: password, Language: 3, ...change };
  return send(running, "/b1s/v2/Login", { method: "POST", body: JSON.stringify(body), headers });
};

test("a log-in answers 200 with two separate cookies, exactly as the vendor writes them", async () => {
  const running = await start();
  const answer = await login(running, {}, { Cookie: "B1SESSION=stale" });
  expect(answer.status).toBe(200);
  const [session = "", route] = answer.headers["set-cookie"] ?? [];
  const id = /^B1SESSION=([^;]+);HttpOnly;$/.exec(session)?.[1];
  expect(route).toMatch(/^ROUTEID=\.node\d; path=\/b1s$/);
  expect(answer.json).toEqual({
    "@odata.context": `${running.origin}/b1s/v2/$metadata#B1Sessions/$entity`,
    SessionId: id,
    Version: "1000310",
    SessionTimeout: 30,
  });
  expect(answer.headers).toMatchObject({ server: "Apache/2.4.43 (Unix)", "odata-version": "4.0" });
});

test("log-ins fail as the vendor's do: wrong password, wrong company, a locked user, too many sessions", async () => {
  const running = await start({ settings: { maxSessions: 1 } });
  expect(await login(running, { Password: "x" })).toMatchObject({
    status: 401,
    json: { error: { code: "-304", message: "Fail to get DB Credentials from SLD" } },
  });
  expect(await login(running, { CompanyDB: "x" })).toMatchObject({ status: 500, json: { error: { code: "305" } } });
  expect((await login(running)).status).toBe(200);
  expect(await login(running)).toMatchObject({
    status: 500,
    json: { error: { code: "305", message: "Switch company error: -1102" } },
  });
  await send(running, "/_person/user", { method: "POST", body: JSON.stringify({ user: "intg01", enabled: false }) });
  expect(await login(running)).toMatchObject({ status: 401, json: { error: { code: "100000027" } } });
});

test("cookies are understood in every shape that clients send, and an unknown route is no error", async () => {
  const running = await start();
  const answer = await login(running);
  const id = /B1SESSION=([^;]+)/.exec(String(answer.headers["set-cookie"]))?.[1] ?? "";
  for (const cookie of [
    `B1SESSION=${id}; ROUTEID=.node1`,
    `B1SESSION=${id}; ROUTEID=None`,
    `B1SESSION=${id};CompanyDB=D`,
    `B1SESSION=${id};HttpOnly;;ROUTEID=.node9; path=/b1s`,
  ]) {
    expect((await send(running, "/b1s/v1/Items", { method: "GET", headers: { Cookie: cookie } })).status).toBe(200);
  }
  const without = await send(running, "/b1s/v1/Items", { method: "GET" });
  expect(without).toMatchObject({
    status: 401,
    json: { error: { code: 301, message: { lang: "en-us", value: "Invalid session or session already timeout." } } },
  });
});

test("a session slides with its use, dies of idleness, and ends by logout", async () => {
  let nowMs = Date.UTC(2025, 0, 31, 12);
  const running = await start({ clock: () => nowMs });
  const client = await logIn(running);
  const minutes = (count: number): number => (nowMs += count * 60_000);
  minutes(29);
  expect((await client.get("Items")).status).toBe(200);
  minutes(29);
  expect((await client.get("Items")).status).toBe(200);
  minutes(31);
  expect((await client.get("Items")).json).toMatchObject({ error: { code: "301" } });
  const again = await logIn(running);
  expect(await again.post("Logout", "")).toMatchObject({ status: 204, text: "" });
  expect((await again.get("Items")).status).toBe(401);
  expect((await again.post("Logout", "")).status).toBe(401);
});

test("HTTPS with a certificate of its own making holds for whoever trusts its authority, and for nobody else", async () => {
  const running = await start({ http: false });
  expect(running.baseUrl).toMatch(/^https:\/\/127\.0\.0\.1:\d+\/b1s\/v2\/$/);
  const client = await logIn(running);
  expect((await client.get("Items('M-001')?$select=ItemCode")).status).toBe(200);
  await expect(send({ ...running, ca: "" }, "/ping/", { method: "GET" })).rejects.toThrow(
    /self-signed certificate|unable to/,
  );
});

test("Expect: 100-continue meets an empty 500, ping answers without a session, single sign-on is not there", async () => {
  const running = await start();
  const refused = await send(running, "/b1s/v2/Login", { method: "POST", headers: { Expect: "100-continue" } });
  expect(refused).toMatchObject({ status: 500, text: "" });
  const pong = await send(running, "/ping/load-balancer", { method: "GET" });
  expect(pong.json).toMatchObject({ message: "pong", sender: "load balancer", timestamp: expect.any(String) });
  expect((await send(running, "/ping/node/7", { method: "GET" })).status).toBe(503);
  expect((await send(running, "/b1s/v1/ssob1s/", { method: "POST" })).status).toBe(501);
});

test("without its route a write can be made to fail, as an integrator met it", async () => {
  const running = await start({ settings: { requireRouteForWrites: true } });
  const client = await logIn(running);
  expect((await client.post("JournalEntries", receipt("a"))).status).toBe(201);
  const session = client.cookie.split(";")[0] ?? "";
  const bare = await client.post("JournalEntries", receipt("b"), { Cookie: session });
  expect(bare.json).toMatchObject({ error: { code: "-1116" } });
  expect((await client.get("Items", { Cookie: session })).status).toBe(200);
});

test("a body over 50 MiB is answered by Apache, in HTML", async () => {
  const running = await start();
  const body = "x".repeat(50 * 1024 * 1024 + 1);
  const refused = await send(running, "/b1s/v2/Items", { method: "POST", body });
  expect(refused.status).toBe(413);
  expect(refused.headers["content-type"]).toContain("text/html");
});
