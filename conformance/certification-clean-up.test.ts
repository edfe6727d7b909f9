import { expect, test } from "vitest";
import type { ErpVoucher, LookUp, SendOutcome, TargetCapabilities, VoucherTarget } from "../connectors/contract.ts";
import { businessDate, periodOf } from "../domain/dates.ts";
import { decimal, isNegative } from "../domain/decimal.ts";
import type { PostingKey } from "../domain/posting-key.ts";
import { VoucherDraft } from "../domain/voucher.ts";
import { cleanUp } from "./certification-clean-up.ts";
import { CertifiedDocuments } from "./certified-documents.ts";

const DATE = businessDate("2025-01-15");
const can: TargetCapabilities = {
  batchMax: 10,
  keyGuard: "lookup",
  keyLength: 26,
  stages: ["saved"],
  asynchronous: false,
  dimensions: [],
  checks: { period: "erp", account: "erp", dimension: "erp", code: "erp", balance: "erp" },
  people: { edit: true, unaudit: true, delete: true, void: true, copy: "never" },
  readsBalances: false,
  readsQuantities: false,
  linesMax: 100,
  vouchersPerPeriodMax: undefined,
  summaryMax: 100,
  amountDigits: 12,
  amountDecimals: 2,
  quantityDigits: 13,
  quantityDecimals: 6,
  quantities: true,
  text: { measure: "characters", repertoire: "unicode" },
  red: "negative",
};

/** A ledger that keeps vouchers in memory. @param answer  what it says of a draft that it has just taken */
const ledger = (
  answer: (draft: VoucherDraft, posted: SendOutcome) => SendOutcome = (_, posted) => posted,
  capabilities: TargetCapabilities = can,
) => {
  const vouchers: (ErpVoucher & { readonly draft: VoucherDraft })[] = [];
  const nothing = async () => [];
  const target: VoucherTarget = {
    capabilities,
    post: async (drafts) =>
      drafts.map((draft) => {
        const key = draft.key as PostingKey;
        const number = String(vouchers.length + 1);
        const said = answer(draft, { kind: "posted", key, erpId: number, number, stage: "saved" });
        if (said.kind === "posted" || said.kind === "uncertain")
          vouchers.push({
            draft,
            erpId: number,
            number,
            key,
            word: draft.word,
            date: draft.date,
            period: periodOf(draft.date),
            stage: "saved",
            voided: false,
            attachments: 1,
            origin: "",
            maker: "",
            lines: draft.lines.map((line) => ({ ...line, quantity: line.quantity, unit: line.unit })),
          });
        return said;
      }),
    findByKeys: async (_book, keys) => ({
      found: new Map(
        keys.map((key): [PostingKey, LookUp] => {
          const one = vouchers.find((voucher) => voucher.key === key);
          return [key, one === undefined ? { kind: "absent" } : { ...one, kind: "one" }];
        }),
      ),
      controlSeen: true,
    }),
    readBack: async (_book, ids) =>
      new Map(vouchers.filter(({ erpId }) => ids.includes(erpId)).map((one) => [one.erpId, one])),
    advance: nothing,
    listPeriod: async function* () {},
    balances: nothing,
    periods: nothing,
    masterData: nothing,
    check: async function* () {},
    close: async () => undefined,
  };
  return { target, vouchers };
};

const draftWith = (key: string): VoucherDraft =>
  VoucherDraft.parse({
    key,
    ledger: "main",
    book: "001",
    word: "记",
    date: DATE,
    attachments: 1,
    currency: "CNY",
    documents: [],
    lines: (["debit", "credit"] as const).map((side, at) => ({
      lineNumber: at + 1,
      side,
      summary: "连接认证",
      role: "r",
      account: "1001",
      amount: decimal("12.50"),
      dimensions: {},
      why: "",
    })),
  });
const soon = (): Date => new Date(Date.now() + 10_000);
const run = async (target: VoucherTarget) => {
  const documents = new CertifiedDocuments("run 1");
  const { keyOf } = documents.markFor("case");
  const guarded = documents.guarded(target, "case", () => false);
  await guarded.post([draftWith(keyOf("a"))], soon());
  return cleanUp(target, "001", documents);
};
const isRed = (draft: VoucherDraft): boolean => draft.lines.some(({ amount }) => isNegative(amount));

test("every voucher gets a red one in its own period, which says what it is", async () => {
  const { target, vouchers } = ledger();
  expect(await run(target)).toMatchObject([{ number: "1", date: DATE, reversedBy: "2", left: undefined }]);
  expect(vouchers.map(({ draft, date }) => [isRed(draft), date])).toEqual([
    [false, DATE],
    [true, DATE],
  ]);
  expect(vouchers[1]?.lines[0]?.summary).toBe("连接认证 certification 注销1月15日记字1号凭证");
});

test("a voucher whose answer got lost is found and reversed", async () => {
  const { target } = ledger((draft, posted) =>
    isRed(draft) ? posted : { kind: "uncertain", key: posted.key, code: "NO_ANSWER", message: "" },
  );
  expect(await run(target)).toMatchObject([{ number: "1", reversedBy: "2" }]);
});

test("a reversal whose answer got lost counts once it is seen, and is not sent again", async () => {
  const { target, vouchers } = ledger((draft, posted) =>
    isRed(draft) ? { kind: "uncertain", key: posted.key, code: "NO_ANSWER", message: "" } : posted,
  );
  expect(await run(target)).toMatchObject([{ reversedBy: "2", left: undefined }]);
  expect(vouchers).toHaveLength(2);
});

test("what could not be reversed is listed with number, date and the ERP's words", async () => {
  const { target } = ledger((draft, posted) =>
    isRed(draft) ? { kind: "refused", key: posted.key, code: "PERIOD_CLOSED", message: "已结账" } : posted,
  );
  const [left] = await run(target);
  expect(left).toMatchObject({ number: "1", date: DATE, reversedBy: undefined });
  expect(left?.left?.zh).toContain("已结账");
});

test("a ledger without red vouchers leaves every one of them to a person", async () => {
  const { target, vouchers } = ledger(undefined, { ...can, red: "void" });
  expect((await run(target)).map(({ left }) => left !== undefined)).toEqual([true]);
  expect(vouchers).toHaveLength(1);
});

test("under a key that is not its own nothing is sent, and nothing after a case is over", async () => {
  const { target, vouchers } = ledger();
  const documents = new CertifiedDocuments("run 1");
  const { keyOf } = documents.markFor("case");
  let over = false;
  const guarded = documents.guarded(target, "case", () => over);
  await expect(guarded.post([draftWith("a".repeat(26))], soon())).rejects.toThrow("not a document");
  over = true;
  await expect(guarded.post([draftWith(keyOf("late"))], soon())).rejects.toThrow("is over");
  expect(vouchers).toEqual([]);
});

test("two runs, and two cases of one run, never share a key", () => {
  const keys = ["1", "2"].flatMap((name) => {
    const documents = new CertifiedDocuments(name);
    return ["a", "b"].map((one) => documents.markFor(one).keyOf("same"));
  });
  expect(new Set(keys).size).toBe(4);
});
