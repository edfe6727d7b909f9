import type { TargetCapabilities } from "../../connectors/contract.ts";
import type { ErrorCode } from "../../domain/errors.ts";
import type { VoucherDraft } from "../../domain/voucher.ts";
import { type ConformanceCase, must, mustEqual, say, unless } from "../case.ts";
import { arriveOne, bookedUnder, creations, dayOf, plainDraft, send } from "../drafts.ts";
import { NotApplicable, type Room } from "../office.ts";

type Check = keyof TargetCapabilities["checks"];

/** Refused under one of these names, and not in the books. Where we check instead of the ERP, nothing was even sent. */
const mustRefuse = async (
  room: Room,
  draft: VoucherDraft,
  check: Check,
  codes: readonly ErrorCode[],
): Promise<void> => {
  const before = await creations(room);
  const [outcome] = await send(room, [draft]);
  must(outcome?.kind === "refused", `outcome ${outcome?.kind}`);
  must(codes.includes(outcome.code), `code ${outcome.code}: ${"message" in outcome ? outcome.message : ""}`);
  must("message" in outcome && outcome.message !== "", "the ERP's own words");
  mustEqual((await bookedUnder(room, draft.key)).length, 0, "vouchers in the books");
  if (room.can.checks[check] === "us") mustEqual(await creations(room), before, "requests that create");
  // A refusal is no dead end: the same key goes out again once its content is right.
  await arriveOne(room, { ...plainDraft(room, "right"), key: draft.key });
};

const onFirstLine = (draft: VoucherDraft, change: Partial<VoucherDraft["lines"][number]>): VoucherDraft => ({
  ...draft,
  lines: draft.lines.map((line, at) => (at === 0 ? { ...line, ...change } : line)),
});

/** What the books refuse is a refusal by name, before or after it was sent, and nothing of it stays. */
export const refusalCases: readonly ConformanceCase[] = [
  {
    id: "period-closed",
    title: say("已结账期间：按名拒绝", "a closed period is refused by name"),
    unless: unless.checked("period"),
    run: (room) =>
      mustRefuse(room, plainDraft(room, "closed", { date: dayOf(room.facts.closedPeriod) }), "period", [
        "PERIOD_CLOSED",
      ]),
  },
  {
    id: "account-unknown",
    title: say("科目不存在：按名拒绝", "an unknown account is refused by name"),
    unless: unless.checked("account"),
    run: (room) =>
      mustRefuse(room, onFirstLine(plainDraft(room, "unknown"), { account: "9999.99" }), "account", [
        "ACCOUNT_REFUSED",
        "MASTER_DATA_REFUSED",
      ]),
  },
  {
    id: "account-parent",
    title: say("非明细科目：按名拒绝", "a parent account is refused by name"),
    unless: unless.checked("account"),
    run: async (room) => {
      const { parentAccount } = room.facts;
      if (parentAccount === undefined)
        throw new NotApplicable(say("科目没有上下级", "the chart has no parent accounts"));
      await mustRefuse(room, onFirstLine(plainDraft(room, "parent"), { account: parentAccount }), "account", [
        "ACCOUNT_REFUSED",
      ]);
    },
  },
  {
    id: "account-forbidden",
    title: say("科目已停用：按名拒绝", "a forbidden account is refused by name"),
    unless: unless.checked("account"),
    run: async (room) => {
      const { stock, demanding } = room.facts;
      const account = stock?.account ?? demanding?.account;
      if (account === undefined)
        throw new NotApplicable(say("没有第三个科目可停用", "there is no third account to forbid"));
      await room.office.forbid("account", account);
      await mustRefuse(room, onFirstLine(plainDraft(room, "forbidden"), { account }), "account", [
        "ACCOUNT_REFUSED",
        "MASTER_DATA_REFUSED",
      ]);
    },
  },
  {
    id: "dimension-missing",
    title: say("缺少必录核算维度：按名拒绝", "a missing dimension is refused by name"),
    unless: unless.checked("dimension"),
    run: async (room) => {
      const { demanding } = room.facts;
      if (demanding === undefined)
        throw new NotApplicable(say("没有科目要求核算维度", "no account demands a dimension"));
      await mustRefuse(room, onFirstLine(plainDraft(room, "bare"), { account: demanding.account }), "dimension", [
        "DIMENSION_REFUSED",
        "ACCOUNT_REFUSED",
      ]);
    },
  },
  {
    id: "code-unknown",
    title: say("核算维度编码不存在：按名拒绝", "an unknown code is refused by name"),
    unless: unless.checked("code"),
    run: async (room) => {
      for (const kind of room.can.dimensions) {
        const fact = room.facts.dimensions[kind];
        if (fact === undefined) continue;
        const item = fact.account === room.facts.stock?.account ? { item: room.facts.stock.item } : {};
        const draft = onFirstLine(plainDraft(room, `unknown ${kind}`), {
          account: fact.account,
          dimensions: { ...item, [kind]: "NO-SUCH-CODE" },
        });
        const [outcome] = await send(room, [draft]);
        must(outcome?.kind === "refused", `${kind}: ${outcome?.kind}`);
        must(["DIMENSION_REFUSED", "MASTER_DATA_REFUSED"].includes(outcome.code), `${kind}: ${outcome.code}`);
        mustEqual((await bookedUnder(room, draft.key)).length, 0, `${kind}: vouchers in the books`);
      }
    },
  },
  {
    id: "dimension-unsupported",
    title: say(
      "账簿没有的核算维度：发送前按名拒绝，不会悄悄丢掉",
      "a dimension that the ledger lacks is refused before it is sent, never dropped",
    ),
    unless: unless.online,
    run: async (room) => {
      const kind = (["batch", "order", "warehouse", "department", "customer", "supplier", "item"] as const).find(
        (one) => !room.can.dimensions.includes(one),
      );
      if (kind === undefined) throw new NotApplicable(say("账簿支持全部核算维度", "the ledger keeps every dimension"));
      const before = await creations(room);
      const draft = onFirstLine(plainDraft(room, "unsupported"), { dimensions: { [kind]: "X1" } });
      const [outcome] = await send(room, [draft]);
      mustEqual(
        [outcome?.kind, outcome !== undefined && "code" in outcome ? outcome.code : ""],
        ["refused", "DIMENSION_REFUSED"],
        "outcome",
      );
      mustEqual(await creations(room), before, "requests that create");
    },
  },
  {
    id: "word-unknown",
    title: say("凭证字未配置：发送前按名拒绝", "a voucher word that is not configured is refused before it is sent"),
    unless: unless.online,
    run: async (room) => {
      const { unknownWord } = room.facts;
      if (unknownWord === undefined) throw new NotApplicable(say("凭证没有凭证字", "vouchers have no 凭证字"));
      const [outcome] = await send(room, [{ ...plainDraft(room, "word"), word: unknownWord }]);
      mustEqual(outcome?.kind, "refused", "outcome");
      mustEqual(await creations(room), 0, "requests that create");
    },
  },
];
