import { nextPeriod } from "../../domain/dates.ts";
import { decimal, normalize } from "../../domain/decimal.ts";
import { stages } from "../../domain/posting.ts";
import { deviationsOf } from "../../domain/read-back.ts";
import { fitted } from "../../domain/limits.ts";
import { reverseLines, reversalSummary } from "../../mappings/reversal.ts";
import { type ConformanceCase, either, must, mustEqual, say, unless } from "../case.ts";
import { arriveOne, dayOf, listAll, mustStand, plainDraft, soon } from "../drafts.ts";
import type { Room } from "../office.ts";

/** A voucher of ours, as far in the ERP as it goes. */
const standing = async (room: Room, name: string) => {
  const draft = plainDraft(room, name);
  const { key, erpId } = await arriveOne(room, draft);
  const last = room.can.stages.at(-1) ?? "saved";
  if (room.can.stages.length > 1) {
    const [outcome] = await room.target.advance([{ key, erpId }], last, soon());
    mustEqual(outcome?.kind, "posted", `advance to ${last}`);
  }
  return { draft, key, erpId };
};

/** What people do in the ERP's own program afterwards is seen. */
export const peopleCases: readonly ConformanceCase[] = [
  {
    id: "edited",
    title: say("事后修改能被发现", "an edit afterwards is seen"),
    unless: either(unless.seen, unless.people("edit")),
    run: async (room) => {
      const { draft, erpId } = await standing(room, "edited");
      await room.office.edit(erpId, decimal("999.99"));
      await room.office.exportAgain();
      const read = (await room.target.readBack(room.facts.book, [erpId])).get(erpId);
      must(read !== undefined, "read-back");
      must(
        deviationsOf(fitted(draft, room.can), read).some(({ field }) => field === "1.amount"),
        "the amount differs",
      );
      const listed = (await listAll(room, room.facts.openPeriod)).find((one) => one.erpId === erpId);
      mustEqual(
        listed?.lines.map(({ amount }) => normalize(amount)),
        ["999.99", "999.99"],
        "the list",
      );
    },
  },
  {
    id: "unaudited",
    title: say("事后反审核能被发现", "an un-audit afterwards is seen"),
    unless: either(unless.asked, unless.stages, unless.people("unaudit")),
    run: async (room) => {
      const { key, erpId } = await standing(room, "unaudited");
      const stageNow = async () => (await room.target.findByKeys(room.facts.book, [key], key)).found.get(key);
      const before = await stageNow();
      await room.office.unaudit(erpId);
      const after = await stageNow();
      must(before?.kind === "one" && after?.kind === "one", "look-up");
      must(stages.indexOf(after.stage) < stages.indexOf(before.stage), `${before.stage}, then ${after.stage}`);
    },
  },
  {
    id: "deleted",
    title: say("事后删除能被发现", "a deletion afterwards is seen"),
    unless: either(unless.seen, unless.people("delete")),
    run: async (room) => {
      const { key, erpId } = await standing(room, "deleted");
      const control = await arriveOne(room, plainDraft(room, "control"));
      await room.office.remove(erpId);
      await room.office.exportAgain();
      // A receipt goes on saying that the file was imported: there only the list shows it.
      if (room.can.keyGuard !== "receipt") {
        const { found, controlSeen } = await room.target.findByKeys(room.facts.book, [key], control.key);
        mustEqual([found.get(key)?.kind, controlSeen], ["absent", true], "look-up");
      }
      mustEqual(
        (await listAll(room, room.facts.openPeriod)).map((one) => one.erpId),
        [control.erpId],
        "the list",
      );
    },
  },
  {
    id: "voided",
    title: say("事后作废能被发现", "a voiding afterwards is seen"),
    unless: either(unless.seen, unless.people("void")),
    run: async (room) => {
      const { draft, erpId } = await standing(room, "voided");
      if (room.can.stages.length > 1 && room.can.people.unaudit) await room.office.unaudit(erpId);
      await room.office.void(erpId);
      await room.office.exportAgain();
      const read = (await room.target.readBack(room.facts.book, [erpId])).get(erpId);
      must(read !== undefined, "read-back");
      must(
        deviationsOf(draft, read).some(({ field }) => field === "voided"),
        "it reads back as void",
      );
    },
  },
  {
    id: "copied",
    title: say("事后复制能被发现", "a copy is seen"),
    unless: either(unless.seen, (can) =>
      can.people.copy === "never"
        ? say("ERP 客户端不能复制（people.copy=never）", "the ERP's own program cannot copy (people.copy: never)")
        : undefined,
    ),
    run: async (room) => {
      const { key, erpId } = await standing(room, "copied");
      await room.office.copy(erpId);
      await room.office.exportAgain();
      const listed = await listAll(room, room.facts.openPeriod);
      const ours = listed.filter((one) => one.key !== "" && key.startsWith(one.key));
      mustEqual(
        [listed.length, ours.length],
        [2, room.can.people.copy === "with-key" ? 2 : 1],
        "vouchers, and with our key",
      );
    },
  },
  {
    id: "reversal-in-open-period",
    title: say("原期间已结账：红冲记入下一开放期间", "the period was closed: the reversal goes into the next open one"),
    unless: either(unless.redLetter, unless.checked("period")),
    run: async (room) => {
      const original = plainDraft(room, "closed later");
      const posted = await arriveOne(room, original);
      await room.office.closePeriod(room.facts.openPeriod);
      const summary = reversalSummary({ date: original.date, word: original.word, number: posted.number });
      const date = dayOf(nextPeriod(room.facts.openPeriod), "01");
      const red = { ...plainDraft(room, "reversal", { date }), lines: [...reverseLines(original.lines, summary)] };
      const { erpId } = await arriveOne(room, red);
      await mustStand(room, red, erpId);
      await mustStand(room, original, posted.erpId);
    },
  },
];
