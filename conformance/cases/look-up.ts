import { type ConformanceCase, must, mustEqual, say, unless } from "../case.ts";
import { arrive, arriveOne, dayOf, keyOf, plainDraft, send } from "../drafts.ts";

const MANY_KEYS = 250;
const HANGING = 30;

/** Find by key: absent, one, void, several, failed, and the positive control. */
export const lookUpCases: readonly ConformanceCase[] = [
  {
    id: "find-absent",
    title: say("按键查询：不存在，且对照凭证可见", "find by key: absent, with the control seen"),
    unless: unless.asked,
    run: async (room) => {
      const { key } = await arriveOne(room, plainDraft(room, "control"));
      const { found, controlSeen } = await room.target.findByKeys(room.facts.book, [keyOf(room, "nothing")], key);
      mustEqual([found.get(keyOf(room, "nothing"))?.kind, controlSeen], ["absent", true], "look-up");
    },
  },
  {
    id: "find-one",
    title: say("按键查询：一张", "find by key: one"),
    unless: unless.asked,
    run: async (room) => {
      const posted = await arriveOne(room, plainDraft(room, "one"));
      const look = (await room.target.findByKeys(room.facts.book, [posted.key], undefined)).found.get(posted.key);
      must(look?.kind === "one", `look-up ${look?.kind}`);
      mustEqual([look.erpId, look.number, look.stage], [posted.erpId, posted.number, posted.stage], "the voucher");
    },
  },
  {
    id: "find-void",
    title: say("按键查询：已作废", "find by key: void"),
    unless: (can) => unless.asked(can) ?? unless.people("void")(can),
    run: async (room) => {
      const { key, erpId } = await arriveOne(room, plainDraft(room, "void"));
      await room.office.void(erpId);
      mustEqual(
        (await room.target.findByKeys(room.facts.book, [key], undefined)).found.get(key),
        { kind: "void", erpId },
        "look-up",
      );
    },
  },
  {
    id: "find-several",
    title: say("按键查询：多张（复制会带走我们的键）", "find by key: several, since a copy carries our key"),
    unless: (can) =>
      unless.asked(can) ??
      (can.people.copy === "with-key"
        ? undefined
        : say(
            `复制不带我们的键（people.copy=${can.people.copy}）`,
            `a copy does not carry our key (people.copy: ${can.people.copy})`,
          )),
    run: async (room) => {
      const { key, erpId } = await arriveOne(room, plainDraft(room, "several"));
      await room.office.copy(erpId);
      const look = (await room.target.findByKeys(room.facts.book, [key], undefined)).found.get(key);
      must(look?.kind === "several", `look-up ${look?.kind}`);
      mustEqual([look.erpIds.length, look.erpIds.includes(erpId)], [2, true], "the vouchers");
    },
  },
  {
    id: "find-failed",
    title: say("按键查询失败：说失败，不说不存在", "a look-up that fails says so, and never absent"),
    unless: unless.asked,
    run: async (room) => {
      const { key } = await arriveOne(room, plainDraft(room, "failing"));
      await room.office.setFaults([{ kind: "500-before", operation: room.operations.read, times: HANGING }]);
      const { found, controlSeen } = await room.target.findByKeys(room.facts.book, [key, keyOf(room, "other")], key);
      mustEqual([found.get(key)?.kind, found.get(keyOf(room, "other"))?.kind], ["failed", "failed"], "look-up");
      must(!controlSeen, "the control was not seen");
    },
  },
  {
    id: "control-unseen",
    title: say("对照凭证不可见时如实说明", "a control that is not there is not called seen"),
    unless: unless.asked,
    run: async (room) => {
      const { key } = await arriveOne(room, plainDraft(room, "there"));
      const { found, controlSeen } = await room.target.findByKeys(room.facts.book, [key], keyOf(room, "never sent"));
      mustEqual([found.get(key)?.kind, controlSeen], ["one", false], "look-up");
    },
  },
  {
    id: "control-alone",
    title: say("只查对照凭证", "the control alone can be asked for"),
    unless: unless.asked,
    run: async (room) => {
      const { key } = await arriveOne(room, plainDraft(room, "alone"));
      mustEqual((await room.target.findByKeys(room.facts.book, [], key)).controlSeen, true, "control that is there");
      mustEqual(
        (await room.target.findByKeys(room.facts.book, [], keyOf(room, "x"))).controlSeen,
        false,
        "control that is not",
      );
    },
  },
  {
    id: "key-field-gone",
    title: say(
      "键字段改名或删除：不误判为不存在，也不误判为已入账",
      "a key field that is gone is read neither as absence nor as posted",
    ),
    unless: unless.asked,
    run: async (room) => {
      const { key } = await arriveOne(room, plainDraft(room, "before"));
      await room.office.hideKeyField();
      const { found, controlSeen } = await room.target.findByKeys(room.facts.book, [key], key);
      must(found.get(key)?.kind === "failed" || !controlSeen, `${found.get(key)?.kind}, control seen`);
      const [outcome] = await send(room, [plainDraft(room, "after")]);
      // Where the ERP refuses the unknown field nothing was done, and nothing will be until it is there again.
      must(
        outcome?.kind === "uncertain" || outcome?.kind === "refused" || outcome?.kind === "not-done",
        `a save without the key: ${outcome?.kind}`,
      );
    },
  },
  {
    id: "find-many",
    title: say("一次查询很多键", "many keys in one look-up"),
    unless: unless.asked,
    run: async (room) => {
      const posted = await arrive(
        room,
        ["m1", "m2", "m3"].map((name) => plainDraft(room, name)),
      );
      const strangers = Array.from({ length: MANY_KEYS }, (_, at) => keyOf(room, `stranger ${at}`));
      const keys = [...strangers.slice(0, 120), ...posted.map(({ key }) => key), ...strangers.slice(120)];
      const { found, controlSeen } = await room.target.findByKeys(room.facts.book, keys, posted[0]?.key);
      mustEqual([found.size, controlSeen], [keys.length, true], "keys answered");
      mustEqual(
        posted.map(({ key }) => found.get(key)?.kind),
        ["one", "one", "one"],
        "ours",
      );
      must(
        strangers.every((key) => found.get(key)?.kind === "absent"),
        "strangers are absent",
      );
    },
  },
  {
    id: "find-moved",
    title: say("凭证被改到别的日期后仍能查到", "a voucher that was moved to another date is still found"),
    unless: (can) => unless.asked(can) ?? unless.people("edit")(can),
    run: async (room) => {
      const { key, erpId } = await arriveOne(room, plainDraft(room, "moved"));
      await room.office.move(erpId, dayOf(room.facts.openPeriod, "02"));
      mustEqual((await room.target.findByKeys(room.facts.book, [key], key)).found.get(key)?.kind, "one", "look-up");
      const read = (await room.target.readBack(room.facts.book, [erpId])).get(erpId);
      mustEqual(read?.date, dayOf(room.facts.openPeriod, "02"), "its date");
    },
  },
];
