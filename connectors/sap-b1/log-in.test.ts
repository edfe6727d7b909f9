import nock from "nock";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ORIGIN, batchReply, committed, connect, errorV1, errorV2, logInReply } from "./recorded.testing.ts";
import { briefly, keyOf, receiptDraft, soon } from "./samples.testing.ts";

beforeEach(() => nock.disableNetConnect());
afterEach(() => {
  nock.cleanAll();
  nock.enableNetConnect();
});

/** Counts log-ins; each gets a session of its own. */
const logIns = (...replies: readonly nock.ReplyFnResult[]): { count: number; bodies: unknown[] } => {
  const seen = { count: 0, bodies: [] as unknown[] };
  nock(ORIGIN)
    .persist()
    .post("/b1s/v2/Login")
    .reply((_path, body) => {
      seen.count += 1;
      seen.bodies.push(body);
      return replies[seen.count - 1] ?? logInReply(`session-${seen.count}`);
    });
  return seen;
};
const entries = (rows: readonly unknown[] = []): Record<string, unknown> => ({
  "@odata.count": rows.length,
  value: rows,
});
/** Answers each question about journal entries, and keeps the cookies that came along. */
const questions = (...replies: readonly nock.ReplyFnResult[]): string[] => {
  const cookies: string[] = [];
  nock(ORIGIN)
    .persist()
    .get(/^\/b1s\/v2\/JournalEntries/)
    .reply(function () {
      cookies.push(String(this.req.headers["cookie"]));
      return replies[cookies.length - 1] ?? [200, entries()];
    });
  return cookies;
};
const refused: nock.ReplyFnResult = [401, errorV2("-304", "Fail to get DB Credentials from SLD"), {}];
const over: nock.ReplyFnResult = [401, errorV2("301", "Invalid session or session already timeout."), {}];

test("many callers share one log-in", async () => {
  const seen = logIns();
  questions();
  const target = connect({ language: 15 });
  await Promise.all(["1", "2", "3", "4"].map((id) => target.readBack("SBO_DEMO", [id])));
  expect(seen).toEqual({
    count: 1,
    bodies: [{ CompanyDB: "SBO_DEMO", UserName: "intg01", Password: "s3cret-word", Language: 15 }],
  });
});

test("a session that is over is renewed once and the question asked again", async () => {
  const seen = logIns();
  const cookies = questions([200, entries()], over);
  const target = connect();
  await target.readBack("SBO_DEMO", ["1"]);
  await target.readBack("SBO_DEMO", ["1"]);
  expect(seen.count).toBe(2);
  expect(cookies).toEqual([
    "B1SESSION=session-1; ROUTEID=.node2",
    "B1SESSION=session-1; ROUTEID=.node2",
    "B1SESSION=session-2; ROUTEID=.node2",
  ]);
});

test("a session that is gone each time is no loop", async () => {
  const seen = logIns();
  const cookies = questions(over, over, over, over);
  await expect(connect().readBack("SBO_DEMO", ["1"])).rejects.toThrow(/NOT_LOGGED_IN/);
  expect([seen.count, cookies.length]).toEqual([2, 2]);
});

test("a session is renewed before it ends, counted from its last use", async () => {
  const seen = logIns();
  questions();
  let minutes = 0;
  const target = connect({}, { now: () => new Date(Date.UTC(2026, 0, 31, 8, minutes)) });
  for (const later of [0, 27, 27, 27]) {
    minutes += later;
    await target.readBack("SBO_DEMO", ["1"]);
  }
  expect(seen.count).toBe(1);
  minutes += 29;
  await target.readBack("SBO_DEMO", ["1"]);
  expect(seen.count).toBe(2);
});

test("a write that meets a dead session is uncertain, and the next one logs in afresh", async () => {
  const seen = logIns();
  const replies = [over, batchReply(committed(1, 7, { U_ZSKey: keyOf("a") }))];
  let sent = 0;
  nock(ORIGIN)
    .persist()
    .post("/b1s/v2/$batch")
    .reply(() => replies[(sent += 1) - 1] ?? over);
  const target = connect();
  expect(briefly(await target.post([receiptDraft("a")], soon()))).toEqual(["uncertain SESSION_LOST"]);
  expect(sent).toBe(1);
  expect(briefly(await target.post([receiptDraft("a")], soon()))).toEqual(["booked"]);
  expect(seen.count).toBe(2);
});

test("after a refused log-in nobody tries again for five minutes", async () => {
  const seen = logIns(refused);
  questions();
  let minutes = 0;
  const target = connect({}, { now: () => new Date(Date.UTC(2026, 0, 31, 8, minutes)) });
  const deadlineAt = new Date(Date.UTC(2026, 0, 31, 9));
  expect(briefly(await target.post([receiptDraft("a")], deadlineAt))).toEqual(["not-done LOGIN_REFUSED"]);
  minutes = 4;
  await expect(target.readBack("SBO_DEMO", ["1"])).rejects.toThrow(/LOGIN_REFUSED/);
  expect(seen.count).toBe(1);
  minutes = 6;
  await target.readBack("SBO_DEMO", ["1"]);
  expect(seen.count).toBe(2);
});

test.each<[string, nock.ReplyFnResult, string]>([
  ["an absent company", [500, errorV2("305", "Switch company error: -1102"), {}], "NOT_REACHABLE"],
  [
    "a company that is away in the first edition",
    [500, errorV1(305, "Switch company error: -1102"), {}],
    "NOT_REACHABLE",
  ],
  ["no worker", [503, "<html></html>", {}], "NOT_REACHABLE"],
  ["another success than 200", [201, { SessionId: "x" }, {}], "NOT_LOGGED_IN"],
  ["an empty 500", [500, "", {}], "NOT_LOGGED_IN"],
])("%s is no refused log-in: it may be tried again", async (_what, reply, code) => {
  const seen = logIns(reply);
  questions();
  const target = connect();
  await expect(target.readBack("SBO_DEMO", ["1"])).rejects.toThrow(code);
  await target.readBack("SBO_DEMO", ["1"]);
  expect(seen.count).toBe(2);
});

test("after a failover the new route is used", async () => {
  logIns();
  const cookies = questions([200, entries(), { "Set-Cookie": "ROUTEID=.node1; path=/b1s" }]);
  const target = connect();
  await target.readBack("SBO_DEMO", ["1"]);
  await target.readBack("SBO_DEMO", ["1"]);
  expect(cookies[1]).toBe("B1SESSION=session-1; ROUTEID=.node1");
});

test("closing logs out once, and only where somebody was logged in", async () => {
  logIns();
  questions();
  let loggedOut = 0;
  nock(ORIGIN)
    .persist()
    .post("/b1s/v2/Logout")
    .reply(() => {
      loggedOut += 1;
      return [204, ""];
    });
  await connect().close();
  expect(loggedOut).toBe(0);
  const target = connect();
  await target.readBack("SBO_DEMO", ["1"]);
  await target.close();
  expect(loggedOut).toBe(1);
});

test("an address that names an edition is taken without it", async () => {
  const seen = logIns();
  questions();
  await connect({}, { baseUrl: `${ORIGIN}/b1s/v1/` }).readBack("SBO_DEMO", ["1"]);
  expect(seen.count).toBe(1);
});

test("no more requests at a time than configured", async () => {
  logIns();
  let open = 0;
  let most = 0;
  nock(ORIGIN)
    .persist()
    .get(/^\/b1s\/v2\/JournalEntries/)
    .delay(20)
    .reply(() => {
      most = Math.max(most, open);
      return [200, entries()];
    });
  const target = connect(
    { parallelRequests: 2 },
    {
      pacer: {
        permit: async () => {
          open += 1;
          most = Math.max(most, open);
        },
      },
      onRequest: () => (open -= 1),
    },
  );
  await Promise.all(["1", "2", "3", "4", "5"].map((id) => target.readBack("SBO_DEMO", [id])));
  expect(most).toBe(2);
});

test.each([
  [{ books: {} }, "at least one account book"],
  [{ books: { B: null }, serviceLayer: "v3" }, "either v2 or v1"],
  [{ books: { B: null }, keyField: "ZSKey" }, "U_"],
])("settings %j are refused with a reason", (settings, reason) => {
  expect(() => connect(settings)).toThrow(reason);
});
