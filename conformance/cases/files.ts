import { instant } from "../../domain/dates.ts";
import { type ConformanceCase, must, mustEqual, say } from "../case.ts";
import { bookedUnder, keyOf, mustStand, plainDraft, send } from "../drafts.ts";
import type { Room } from "../office.ts";
import type { FileHandover, TargetCapabilities } from "../../connectors/contract.ts";

const unlessFiles = (can: TargetCapabilities) =>
  can.keyGuard === "receipt"
    ? undefined
    : say(
        `该账簿在线入账，不交接文件（keyGuard=${can.keyGuard}）`,
        `takes requests, not files (keyGuard: ${can.keyGuard})`,
      );

const filesOf = (room: Room): FileHandover => {
  const { files } = room.target;
  must(files !== undefined, "keyGuard is receipt, and there is no part for files");
  return files;
};
const kindOf = async (room: Room, name: string): Promise<string | undefined> =>
  (await room.target.findByKeys(room.facts.book, [keyOf(room, name)], undefined)).found.get(keyOf(room, name))?.kind;
const by = { by: "finance", at: instant("2025-01-31T08:00:00.000Z") };

/** A person stands between us and the ledger: one file at a time, and nothing is posted before it is confirmed. */
export const fileCases: readonly ConformanceCase[] = [
  {
    id: "file-awaits-receipt",
    title: say(
      "文件未确认前：不确定，不算不存在",
      "before its receipt a file is uncertain, and nothing in it is absent",
    ),
    unless: unlessFiles,
    run: async (room) => {
      const [outcome] = await send(room, [plainDraft(room, "waiting")], { imported: false });
      must(outcome?.kind === "uncertain" && outcome.code === "AWAITING_RECEIPT", `outcome ${outcome?.kind}`);
      mustEqual(await kindOf(room, "waiting"), "failed", "look-up");
      mustEqual((await filesOf(room).outstanding())?.keys, [keyOf(room, "waiting")], "the outstanding file");
      await room.office.importFile();
      mustEqual(await kindOf(room, "waiting"), "one", "look-up after the receipt");
      mustEqual(await filesOf(room).outstanding(), undefined, "the outstanding file");
    },
  },
  {
    id: "file-one-at-a-time",
    title: say(
      "同一时间只有一个未确认文件；同样内容同样文件名",
      "one file at a time, and the same content has the same name",
    ),
    unless: unlessFiles,
    run: async (room) => {
      const first = plainDraft(room, "first");
      await send(room, [first], { imported: false });
      const before = await filesOf(room).outstanding();
      await send(room, [first], { imported: false });
      mustEqual((await filesOf(room).outstanding())?.name, before?.name, "the same file");
      const [second] = await send(room, [plainDraft(room, "second")], { imported: false });
      must(second?.kind === "not-done" && second.code === "FILE_OUTSTANDING", `second outcome ${second?.kind}`);
      mustEqual((await filesOf(room).outstanding())?.name, before?.name, "still the first");
      await room.office.importFile();
      const [booked, ...others] = await bookedUnder(room, first.key);
      mustEqual(others.length, 0, "further vouchers in the books");
      await mustStand(room, first, booked?.erpId ?? "");
    },
  },
  {
    id: "file-not-imported",
    title: say("确认未导入：视为不存在，可重新生成", "confirmed as not imported: absent, and it may be written again"),
    unless: unlessFiles,
    run: async (room) => {
      const draft = plainDraft(room, "dropped");
      await send(room, [draft], { imported: false });
      const file = await filesOf(room).outstanding();
      must(file !== undefined, "no outstanding file");
      await filesOf(room).confirm({ file: file.name, said: "not-imported", ...by });
      mustEqual(await kindOf(room, "dropped"), "absent", "look-up");
      const [again] = await send(room, [draft]);
      mustEqual([again?.kind, (await bookedUnder(room, draft.key)).length], ["posted", 1], "written again");
    },
  },
];
