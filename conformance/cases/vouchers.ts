import { decimal } from "../../domain/decimal.ts";
import type { Stage } from "../../domain/posting.ts";
import { stages } from "../../domain/posting.ts";
import type { VoucherDraft } from "../../domain/voucher.ts";
import { reverseLines, reversalSummary } from "../../mappings/reversal.ts";
import { type ConformanceCase, either, must, mustEqual, say, unless } from "../case.ts";
import {
  arrive,
  arriveOne,
  bookedUnder,
  dimensionDraft,
  mustStand,
  plainDraft,
  send,
  soon,
  stockDraft,
} from "../drafts.ts";
import type { Room } from "../office.ts";

/** Enough to be many; a vendor's own maximum may be thousands. */
const MANY_LINES = 500;
const BATCH = 10;

const stands = async (room: Room, draft: VoucherDraft | undefined): Promise<void> => {
  must(draft !== undefined, "the bench has no facts for this voucher");
  const { erpId } = await arriveOne(room, draft);
  await mustStand(room, draft, erpId);
};

/** Every kind of voucher, in the books as it was drafted. */
export const voucherCases: readonly ConformanceCase[] = [
  {
    id: "ordinary",
    title: say("普通凭证入账并逐行回读一致", "an ordinary voucher is posted and reads back equal, line by line"),
    run: (room) => stands(room, plainDraft(room, "ordinary")),
  },
  {
    id: "red",
    title: say("红字凭证（红冲）入账并回读一致", "a red voucher (reversal) is posted and reads back equal"),
    unless: unless.redLetter,
    run: async (room) => {
      const original = plainDraft(room, "blue");
      const posted = await arriveOne(room, original);
      const summary = reversalSummary({ date: original.date, word: original.word, number: posted.number });
      const red = plainDraft(room, "red");
      const marked = room.mark === undefined ? summary : `${room.mark.summary} ${summary}`;
      await stands(room, { ...red, lines: [...reverseLines(original.lines, marked)] });
    },
  },
  {
    id: "quantity",
    title: say("带数量的凭证回读一致", "a voucher with quantities reads back equal"),
    unless: unless.quantities,
    run: (room) => stands(room, stockDraft(room, "quantity", "10", "128.50")),
  },
  {
    id: "red-quantity",
    title: say("带数量的红字凭证回读一致", "a red voucher with quantities reads back equal"),
    unless: either(unless.quantities, unless.redLetter),
    run: (room) => stands(room, stockDraft(room, "red quantity", "-10", "-128.50")),
  },
  {
    id: "every-dimension",
    title: say("账簿支持的每种核算维度都能保存", "every dimension that the ledger declares is kept"),
    unless: (can) =>
      can.dimensions.length === 0
        ? say("不保存核算维度（dimensions 为空）", "keeps no dimensions (dimensions: none)")
        : undefined,
    run: async (room) => {
      const unknown = room.can.dimensions.filter((kind) => room.facts.dimensions[kind] === undefined);
      mustEqual(unknown, [], "declared dimensions that the bench has no code for");
      await stands(room, dimensionDraft(room, "dimensions", room.can.dimensions));
    },
  },
  {
    id: "many-lines",
    title: say("行数很多的凭证完整入账", "a voucher with many lines arrives whole"),
    run: (room) =>
      stands(room, plainDraft(room, "many", { pairs: Math.floor(Math.min(MANY_LINES, room.can.linesMax) / 2) })),
  },
  {
    id: "batch",
    title: say("批量提交，逐张有结果", "a batch: each voucher has its own outcome"),
    unless: unless.batches,
    run: async (room) => {
      const drafts = Array.from({ length: Math.min(BATCH, room.can.batchMax) }, (_, at) =>
        plainDraft(room, `batch ${at}`, { amount: `${at + 1}.01` }),
      );
      const posted = await arrive(room, drafts);
      mustEqual(new Set(posted.map(({ erpId }) => erpId)).size, drafts.length, "different vouchers");
      for (const [at, draft] of drafts.entries()) await mustStand(room, draft, posted[at]?.erpId ?? "");
    },
  },
  {
    id: "batch-one-bad",
    title: say("一批中有一张有错：只拒绝那一张", "one bad voucher in a batch: only that one is refused"),
    unless: either(unless.batches, unless.checked("account")),
    run: async (room) => {
      const drafts = ["first", "bad", "last"].map((name) => plainDraft(room, `mixed ${name}`));
      const [first, bad, last] = drafts;
      must(first !== undefined && bad !== undefined && last !== undefined, "three drafts");
      const broken = { ...bad, lines: bad.lines.map((line) => ({ ...line, account: "9999.99" })) };
      const outcomes = await send(room, [first, broken, last]);
      mustEqual(outcomes[1]?.kind, "refused", "the bad one");
      for (const [at, draft] of [first, broken, last].entries()) {
        const booked = (await bookedUnder(room, draft.key)).length;
        const { kind } = outcomes[at] ?? { kind: "missing" };
        if (at !== 1) must(kind === "posted" || kind === "not-done", `a good one: ${kind}`);
        mustEqual(booked, kind === "posted" ? 1 : 0, "vouchers in the books");
        // A set that was rolled back is sent again without the bad one.
        if (kind === "not-done") await arriveOne(room, draft);
      }
    },
  },
  {
    id: "stages",
    title: say("逐级推进（提交、审核），重复推进无害", "it goes through every stage, and pushing again is harmless"),
    unless: unless.stages,
    run: async (room) => {
      const { key, erpId, stage: first } = await arriveOne(room, plainDraft(room, "stages"));
      const rank = (stage: Stage): number => stages.indexOf(stage);
      for (const stage of room.can.stages) {
        if (rank(stage) <= rank(first)) continue;
        for (let round = 0; round < 2; round += 1) {
          const [outcome] = await room.target.advance([{ key, erpId }], stage, soon());
          mustEqual(outcome?.kind, "posted", `advance to ${stage}`);
          const [booked] = await bookedUnder(room, key);
          must(booked !== undefined && rank(booked.stage) >= rank(stage), `the books say ${booked?.stage}`);
        }
      }
      mustEqual((await bookedUnder(room, key)).length, 1, "vouchers in the books");
    },
  },
  {
    id: "sent-twice",
    title: say("同一张凭证发送两次，账上只有一张", "the same voucher sent twice stands in the books once"),
    unless: (can) =>
      can.keyGuard === "native" || can.keyGuard === "receipt"
        ? undefined
        : say(
            `ERP 不校验唯一性，靠先查后发（keyGuard=${can.keyGuard}）`,
            `the ERP guards no key: it is asked before a second send (keyGuard: ${can.keyGuard})`,
          ),
    run: async (room) => {
      const draft = plainDraft(room, "twice");
      await arriveOne(room, draft);
      const [again] = await send(room, [draft]);
      must(again?.kind === "posted" || again?.kind === "uncertain", `second outcome ${again?.kind}`);
      mustEqual((await bookedUnder(room, draft.key)).length, 1, "vouchers in the books");
    },
  },
  {
    id: "one-cent",
    title: say("最小金额 0.01", "the smallest amount, 0.01"),
    run: (room) => stands(room, plainDraft(room, "cent", { amount: "0.01" })),
  },
  {
    id: "unbalanced",
    title: say("借贷不平的凭证不入账", "an unbalanced voucher is refused"),
    unless: unless.checked("balance"),
    run: async (room) => {
      const draft = plainDraft(room, "unbalanced");
      const lines = draft.lines.map((line) => (line.side === "debit" ? { ...line, amount: decimal("1.00") } : line));
      const [outcome] = await send(room, [{ ...draft, lines }]);
      mustEqual(outcome?.kind, "refused", "outcome");
      mustEqual((await bookedUnder(room, draft.key)).length, 0, "vouchers in the books");
    },
  },
];
