import { type ConformanceCase, either, must, mustEqual, say, unless } from "../case.ts";
import { arriveOne, bookedUnder, creations, keyOf, mustStand, plainDraft, send, soon } from "../drafts.ts";

/** Refused log-ins in a row lock users at most vendors. */
const LOGIN_REQUESTS_MAX = 4;
const SKEW_MS = 10 * 60_000;

/** Log-in, renewal, rights, clocks. */
export const accessCases: readonly ConformanceCase[] = [
  {
    id: "check",
    title: say("连接检查各阶段全部通过", "every stage of the connection check passes"),
    run: async ({ target }) => {
      let stages = 0;
      for await (const { stage, subject, state, message } of target.check()) {
        stages += 1;
        must(state !== "failed", `${stage} ${subject}: ${message.en}`);
      }
      must(stages > 0, "the check has no stages");
    },
  },
  {
    id: "login-refused",
    title: say("密钥错误：凭证未发送，且不反复登录", "with a wrong secret nothing is sent, and log-ins do not loop"),
    unless: unless.online,
    run: async (room) => {
      const target = room.connect({ secrets: room.facts.wrongSecrets });
      const draft = plainDraft(room, "wrong-secret");
      for (let round = 0; round < 3; round += 1) {
        const [outcome] = await target.post([draft], soon());
        must(outcome?.kind === "not-done", `outcome ${outcome?.kind}`);
        must(["LOGIN_REFUSED", "NOT_LOGGED_IN"].includes(outcome.code), `code ${outcome.code}`);
        const look = (await target.findByKeys(room.facts.book, [keyOf(room, "wrong-secret")], undefined)).found;
        mustEqual(look.get(keyOf(room, "wrong-secret"))?.kind, "failed", "look-up");
      }
      mustEqual((await room.office.books()).length, 0, "vouchers in the books");
      mustEqual(await creations(room), 0, "requests that create");
      const { totals } = await room.office.requests();
      must((totals["login"] ?? 0) <= LOGIN_REQUESTS_MAX, `${totals["login"]} log-ins`);
    },
  },
  {
    id: "session-renewed",
    title: say("会话失效后自动重新登录，凭证不重复", "a session that ended is renewed, and nothing is doubled"),
    unless: unless.asked,
    run: async (room) => {
      const first = await arriveOne(room, plainDraft(room, "before"));
      await room.office.endSessions();
      const { found, controlSeen } = await room.target.findByKeys(room.facts.book, [first.key], first.key);
      mustEqual([found.get(first.key)?.kind, controlSeen], ["one", true], "look-up after the session ended");
      await room.office.endSessions();
      const draft = plainDraft(room, "after");
      const [outcome] = await send(room, [draft]);
      const look = await room.target.findByKeys(room.facts.book, [keyOf(room, "after")], first.key);
      const standing = look.found.get(keyOf(room, "after"));
      if (outcome?.kind !== "posted") {
        must(outcome?.kind === "uncertain" || outcome?.kind === "not-done", `outcome ${outcome?.kind}`);
        mustEqual(look.controlSeen, true, "control");
        if (standing?.kind === "absent") await arriveOne(room, draft);
      }
      mustEqual((await bookedUnder(room, draft.key)).length, 1, "vouchers in the books");
    },
  },
  {
    id: "right-to-write",
    title: say("没有写权限：按名拒绝，不入账", "without the right to write it is refused by name"),
    unless: unless.online,
    run: async (room) => {
      await room.office.revoke("write");
      const draft = plainDraft(room, "no-right");
      const [outcome] = await send(room, [draft]);
      must(outcome?.kind === "refused" || outcome?.kind === "not-done", `outcome ${outcome?.kind}`);
      mustEqual(outcome.code, "PERMISSION_DENIED", "code");
      mustEqual((await bookedUnder(room, draft.key)).length, 0, "vouchers in the books");
    },
  },
  {
    id: "right-to-read",
    title: say("没有读权限：不会被当作不存在", "without the right to read nothing is taken for absent"),
    unless: unless.asked,
    run: async (room) => {
      const { key } = await arriveOne(room, plainDraft(room, "posted"));
      await room.office.revoke("read");
      const { found, controlSeen } = await room.target.findByKeys(room.facts.book, [key], key);
      must(found.get(key)?.kind === "failed" || !controlSeen, `${found.get(key)?.kind}, control seen`);
    },
  },
  {
    id: "clock-skew",
    title: say(
      "双方时钟相差十分钟：结果可信，检查会指出",
      "clocks ten minutes apart: outcomes stay true, the check says so",
    ),
    unless: unless.online,
    run: async (room) => {
      for (const ms of [SKEW_MS, -SKEW_MS]) {
        await room.office.shiftClock(ms);
        const draft = plainDraft(room, `skew ${ms}`);
        const [outcome] = await send(room, [draft]);
        const booked = (await bookedUnder(room, draft.key)).length;
        must(outcome?.kind === "posted" || outcome?.kind === "not-done", `outcome ${outcome?.kind}`);
        mustEqual(booked, outcome.kind === "posted" ? 1 : 0, "vouchers in the books");
        const clocks: string[] = [];
        for await (const { stage, state } of room.target.check()) if (stage === "clock") clocks.push(state);
        must(clocks.length > 0 && !clocks.includes("ok"), `the check's clock: ${clocks.join() || "not looked at"}`);
      }
    },
  },
  {
    id: "two-connectors",
    title: say("两个连接同时使用互不干扰", "two connectors to the same books do not disturb each other"),
    unless: either(unless.asked),
    run: async (room) => {
      const other = room.connect({});
      const drafts = ["a", "b", "c", "d"].map((name) => plainDraft(room, `two ${name}`));
      const outcomes = await Promise.all(
        drafts.map((draft, index) => send(room, [draft], { target: index % 2 === 0 ? room.target : other })),
      );
      mustEqual(
        outcomes.flat().map(({ kind }) => kind),
        drafts.map(() => "posted"),
        "outcomes",
      );
      for (const draft of drafts) {
        const [booked] = await bookedUnder(room, draft.key);
        await mustStand(room, draft, booked?.erpId ?? "");
      }
    },
  },
];
