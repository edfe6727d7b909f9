import { afterEach, expect, test } from "vitest";
import type { CheckStage, SendOutcome, VoucherTarget } from "../contract.ts";
import { type Erp, keyOf, receiptDraft, soon, startErp } from "./testing.ts";

let erp: Erp | undefined;
afterEach(async () => {
  await erp?.close();
  erp = undefined;
});

const start = async (...args: Parameters<typeof startErp>): Promise<Erp> => {
  erp = await startErp(...args);
  return erp;
};
const briefly = (outcomes: readonly SendOutcome[]): readonly string[] =>
  outcomes.map((outcome) => (outcome.kind === "posted" ? outcome.stage : `${outcome.kind} ${outcome.code}`));
const stagesOf = async (target: VoucherTarget): Promise<readonly CheckStage[]> => {
  const stages: CheckStage[] = [];
  for await (const stage of target.check()) stages.push(stage);
  return stages;
};
const secretsOf = ({ simulator }: Erp): Record<string, string> => {
  const { lcid: _lcid, orgNum: _orgNum, ...secrets } = simulator.credentials;
  return secrets;
};

const wrong = [
  ["signed", "appSecret", "0123456789abcdef"],
  ["signed", "userName", "nobody"],
  ["signed", "acctId", "5f00000000ffff"],
  ["signed", "appId", "201234_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcY"],
  ["session", "password", "wrong-password"],
  ["session", "userName", "nobody"],
  ["session", "acctId", "5f00000000ffff"],
] as const;

test.each(wrong)(
  "with %s authentication a wrong %s is a refused log-in, and nothing is sent",
  async (mode, name, value) => {
    const running = await start({}, { authentication: mode });
    const stranger = running.another({}, { secrets: { ...secretsOf(running), [name]: value } });
    expect(briefly(await stranger.post([receiptDraft("a")], soon()))).toEqual(["not-done LOGIN_REFUSED"]);
    expect(await running.calls("batchSave")).toBe(0);
    await expect(stranger.periods("001")).rejects.toMatchObject({ code: "LOGIN_REFUSED" });
    const { found, controlSeen } = await stranger.findByKeys("001", [keyOf("a")], keyOf("b"));
    expect(found.get(keyOf("a"))).toMatchObject({ kind: "failed", code: "LOGIN_REFUSED" });
    expect(controlSeen).toBe(false);
    expect(briefly(await stranger.advance([{ key: keyOf("a"), erpId: "1" }], "audited", soon()))).toEqual([
      "not-done LOGIN_REFUSED",
    ]);
  },
);

test.each(wrong)(
  "with %s authentication check names a wrong %s at the log-in and stops there",
  async (mode, name, value) => {
    const running = await start({}, { authentication: mode });
    const stages = await stagesOf(running.another({}, { secrets: { ...secretsOf(running), [name]: value } }));
    expect(stages.at(-1)).toMatchObject({ stage: "login", state: "failed", subject: "userName" });
    expect(stages.at(-1)?.message.zh).toContain("拒绝登录");
    expect(stages.at(-1)?.nextStep?.en).toContain("zhangshi ledger resume");
    expect(JSON.stringify(stages)).not.toContain(value);
  },
);

test.each(["signed", "session"])(
  "with %s authentication a disabled user is refused, and works again once a person has enabled it",
  async (authentication) => {
    const running = await start({}, { authentication });
    const user = running.simulator.credentials.userName;
    const { target } = running;
    expect((await target.periods("001")).length).toBeGreaterThan(0);
    await running.person("user", { user, enabled: false });
    await expect(target.periods("001")).rejects.toMatchObject({ code: "LOGIN_REFUSED" });
    expect(briefly(await target.post([receiptDraft("a")], soon()))).toEqual(["not-done LOGIN_REFUSED"]);
    await running.person("user", { user, enabled: true });
    const fresh = running.another();
    expect(briefly(await fresh.post([receiptDraft("a")], soon()))).toEqual(["saved"]);
  },
);

test.each(["signed", "session"])(
  "with %s authentication an auditor who is not let in is a refused log-in, not an audit without end",
  async (authentication) => {
    const running = await start({}, { authentication });
    const secrets = { ...secretsOf(running) };
    if (authentication === "signed") delete secrets["auditorPassword"];
    const target = running.another({}, { secrets });
    const [posted] = await target.post([receiptDraft("a")], soon());
    if (posted?.kind !== "posted") throw new Error("not posted");
    await running.person("user", { user: secrets["auditorUserName"], enabled: false });
    expect(briefly(await target.advance([posted], "audited", soon()))).toEqual(["not-done LOGIN_REFUSED"]);
    expect((await target.readBack("001", [posted.erpId])).get(posted.erpId)?.stage).toBe("submitted");
  },
);

test.each(["signed", "session"])(
  "with %s authentication a session that is lost twice running is no refused log-in",
  async (authentication) => {
    const { target } = await start(
      { faults: [{ kind: "session-lost", operation: "query", times: authentication === "signed" ? 2 : 1 }] },
      { authentication },
    );
    expect((await target.periods("001")).length).toBeGreaterThan(0);
  },
);

test("where the log-in works and each session is gone at once, the credentials are right: it stays the kind that is tried again", async () => {
  const { target } = await start({ faults: [{ kind: "session-lost", operation: "query" }] });
  await expect(target.periods("001")).rejects.toMatchObject({ code: "NOT_LOGGED_IN" });
});

test("a refused signature is not sent again and again", async () => {
  const running = await start({}, { authentication: "signed" });
  const stranger = running.another({}, { secrets: { ...secretsOf(running), appSecret: "0123456789abcdef" } });
  await expect(stranger.periods("001")).rejects.toMatchObject({ code: "LOGIN_REFUSED" });
  const asked = await running.calls("query");
  expect(asked).toBeLessThanOrEqual(3);
  for (const name of ["a", "b", "c"]) await stranger.post([receiptDraft(name)], soon());
  await expect(stranger.periods("001")).rejects.toMatchObject({ code: "LOGIN_REFUSED" });
  expect(await running.calls("query")).toBe(asked);
});

test("an appId of another shape is a mistake in the configuration, told by its field and without its value", async () => {
  const running = await start();
  const secrets = { ...secretsOf(running), appId: "tooshortforanappid" };
  expect(() => running.another({ authentication: "signed" }, { secrets })).toThrow(
    expect.objectContaining({
      code: "CONFIG_INVALID",
      details: expect.objectContaining({ connection: "erp", field: "appId" }),
    }),
  );
  expect(() => running.another({ authentication: "signed" }, { secrets })).not.toThrow(/tooshortforanappid/);
});
