import { describe, expect, test } from "vitest";
import { businessDate, period } from "./dates.ts";
import { decimal } from "./decimal.ts";
import { classify } from "./reconciliation-classifier.ts";
import { type ErpVoucherFact, type Facts, type PostingFact, noFacts } from "./reconciliation.ts";

const line = (side: "debit" | "credit", account: string, amount: string, quantity?: string) => ({
  lineNumber: side === "debit" ? 1 : 2,
  side,
  account,
  amount: decimal(amount),
  quantity: quantity === undefined ? null : decimal(quantity),
  dimensions: {},
});

const voucher = (changes: Partial<ErpVoucherFact> = {}): ErpVoucherFact => ({
  erpId: "100",
  key: "k".repeat(26),
  word: "记",
  number: "1",
  date: businessDate("2025-03-05"),
  period: period("2025-03"),
  stage: "audited",
  voided: false,
  origin: "",
  maker: "",
  lines: [
    { ...line("debit", "1405", "50.00"), summary: "", quantity: decimal("5") },
    { ...line("credit", "2202", "50.00"), summary: "", quantity: undefined },
  ],
  ...changes,
});

const posting = (changes: Partial<PostingFact> = {}): PostingFact => ({
  key: "k".repeat(26),
  form: "purchase-receipt",
  documents: ["CG-1"],
  purpose: "stock",
  state: "verified",
  stage: "audited",
  targetStage: "audited",
  accountedOn: businessDate("2025-03-05"),
  period: period("2025-03"),
  late: false,
  auditedSeen: true,
  verifiedOnce: true,
  errorCode: "",
  errorMessage: "",
  erpId: "100",
  erpNumber: "记-1",
  amount: decimal("50.00"),
  lines: [line("debit", "1405", "50.00", "5"), line("credit", "2202", "50.00")],
  vouchers: [voucher()],
  landed: true,
  ...changes,
});

const idsOf = (facts: Partial<Facts>): readonly string[] =>
  classify({ ...noFacts("demo", "main"), ...facts }).map(({ id }) => id);
const receipt = "movement:purchase-receipt/CG-1";
const about = (changes: Partial<PostingFact>): readonly string[] => idsOf({ postings: [posting(changes)] });
const edited = voucher({
  lines: [
    { ...line("debit", "1405", "60.00"), summary: "", quantity: decimal("5") },
    { ...line("credit", "2202", "60.00"), summary: "", quantity: undefined },
  ],
});

describe("one voucher against the ERP", () => {
  test("a voucher that stands as we posted it is no difference, whatever spelling its numbers have", () => {
    expect(about({})).toEqual([]);
    expect(about({ lines: [line("debit", "1405", "50", "5.000"), line("credit", "2202", "50.0")] })).toEqual([]);
  });

  test("a voucher that was verified and is now edited, deleted, void or un-audited is cause 10", () => {
    const ten = [`demo/10/${receipt}`];
    expect(about({ vouchers: [edited] })).toEqual(ten);
    expect(about({ vouchers: [] })).toEqual(ten);
    expect(about({ vouchers: [voucher({ voided: true })] })).toEqual(ten);
    expect(about({ vouchers: [voucher({ stage: "submitted" })] })).toEqual(ten);
  });

  test("never seen audited is 4, seen audited and no longer is 10", () => {
    const waiting: Partial<PostingFact> = { vouchers: [voucher({ stage: "saved" })], stage: "saved", state: "posted" };
    expect(about({ ...waiting, auditedSeen: false })).toEqual([`demo/4/${receipt}`]);
    expect(about({ ...waiting, auditedSeen: true })).toEqual([`demo/10/${receipt}`]);
  });

  test("a changed date alone that leads into another period is 6; with changed lines it is 10", () => {
    const moved = { date: businessDate("2025-04-01"), period: period("2025-04") };
    expect(about({ vouchers: [voucher(moved)] })).toEqual([`demo/6/${receipt}`]);
    expect(about({ vouchers: [{ ...edited, ...moved }] })).toEqual([`demo/10/${receipt}`]);
    expect(about({ vouchers: [voucher({ date: businessDate("2025-03-06") })] })).toEqual([`demo/10/${receipt}`]);
  });

  test("a voucher that never was as we sent it differs in amount (8) or quantity (9)", () => {
    const never: Partial<PostingFact> = { state: "differs", verifiedOnce: false, auditedSeen: false };
    expect(about({ ...never, vouchers: [edited] })).toEqual([`demo/8/${receipt}`]);
    const [debit, credit] = voucher().lines;
    const six = voucher({
      lines: [debit, credit].flatMap((one) => (one === undefined ? [] : [{ ...one, quantity: decimal("6") }])),
    });
    expect(about({ ...never, vouchers: [six] })).toEqual([`demo/9/${receipt}`]);
  });

  test("silence of a period that was not listed means nothing", () => {
    expect(about({ vouchers: [], landed: false })).toEqual([]);
  });

  test("what has stopped on its way has its cause: 3, 21, 22, 23", () => {
    expect(about({ state: "drafted" })).toEqual([`demo/3/${receipt}`]);
    expect(about({ state: "refused", errorCode: "MASTER_DATA_REFUSED" })).toEqual([`demo/21/${receipt}`]);
    expect(about({ state: "held", errorCode: "PERIOD_CLOSED" })).toEqual([`demo/22/${receipt}`]);
    expect(about({ state: "held", errorCode: "MASTER_DATA_REFUSED" })).toEqual([`demo/21/${receipt}`]);
    expect(about({ state: "uncertain", errorCode: "NO_ANSWER" })).toEqual([`demo/23/${receipt}`]);
    expect(about({ state: "ready" })).toEqual([]);
  });
});

describe("stock that movements do not explain", () => {
  const stock = (item: string, warehouse: string, onHand: string, moved: string) => ({
    item,
    warehouse,
    onHand: decimal(onHand),
    moved: decimal(moved),
  });
  const issue = (documentNumber: string, quantity: string) => ({
    form: "sales-issue",
    documentNumber,
    item: "A",
    warehouse: "W1",
    quantity: decimal(quantity),
    factor: decimal("1"),
    otherFactors: [decimal("12")],
  });

  test("plus and minus the same in one warehouse is one offsetting pair, whichever comes first", () => {
    const pair = [stock("B", "W1", "3", "5"), stock("A", "W1", "9", "7.0")];
    expect(idsOf({ stock: pair })).toEqual(["demo/18/item-pair:A+B"]);
    expect(idsOf({ stock: pair.toReversed() })).toEqual(["demo/18/item-pair:A+B"]);
  });

  test("one item too many in one warehouse and too few in another is a pair of warehouses", () => {
    expect(idsOf({ stock: [stock("A", "W2", "9", "7"), stock("A", "W1", "3", "5")] })).toEqual([
      "demo/18/warehouse-pair:A@W1+W2",
    ]);
  });

  test("three that could be paired in two ways are not guessed", () => {
    const three = [stock("A", "W1", "9", "7"), stock("B", "W1", "3", "5"), stock("C", "W1", "3", "5")];
    expect(idsOf({ stock: three })).toEqual(["demo/9/item:A", "demo/9/item:B", "demo/9/item:C"]);
  });

  test("an issue of 4 boxes of 12 written as 4 pieces leaves 44 too few, and the document is named", () => {
    const off = { stock: [stock("A", "W1", "56", "100")] };
    const found = classify({
      ...noFacts("demo", "main"),
      ...off,
      unitCandidates: [issue("XS-1", "-4"), issue("XS-2", "-5")],
    });
    expect(found.map(({ id, certainty }) => [id, certainty])).toEqual([
      ["demo/9/movement:sales-issue/XS-1", "certain"],
    ]);
    expect(idsOf({ ...off, unitCandidates: [issue("XS-1", "-4"), issue("XS-2", "-4")] })).toEqual(["demo/9/item:A"]);
    expect(idsOf({ ...off, unitCandidates: [] })).toEqual(["demo/9/item:A"]);
  });

  test("where a receipt of 4 boxes would explain as much as an issue of 4 pieces, the issue is suspected", () => {
    const boxes = { ...issue("CG-9", "4"), factor: decimal("12"), otherFactors: [decimal("1")] };
    const facts = { ...noFacts("demo", "main"), stock: [stock("A", "W1", "56", "100")] };
    const found = classify({ ...facts, unitCandidates: [boxes, issue("XS-1", "-4")] });
    expect(found.map(({ id, certainty }) => [id, certainty])).toEqual([
      ["demo/9/movement:sales-issue/XS-1", "suspected"],
    ]);
  });
});

describe("balances", () => {
  const sums = (all: string, audited: string) => ({
    all: decimal(all),
    audited: decimal(audited),
    booked: decimal("0"),
  });
  const total = (account: string, theirs: string, all: string, audited: string) => ({
    account,
    period: "2025-03",
    side: "debit" as const,
    theirs: decimal(theirs),
    vouchers: sums(all, audited),
    ours: decimal(all),
  });

  test("an ERP that counts only audited vouchers in its balances is understood", () => {
    expect(idsOf({ totals: [total("1405", "90", "100", "90"), total("2202", "5", "5", "5")] })).toEqual([]);
  });

  test("what no voucher explains opens a suspected difference of amount or quantity", () => {
    expect(idsOf({ totals: [total("1405", "91", "100", "90"), total("2202", "5", "6", "5")] })).toEqual([
      "demo/8/account:1405@2025-03",
    ]);
    const quantity = {
      item: "A",
      theirs: decimal("8"),
      opening: decimal("2"),
      vouchers: sums("5", "5"),
      ours: decimal("5"),
    };
    expect(idsOf({ ledgerQuantities: [quantity] })).toEqual(["demo/9/item:A"]);
    expect(idsOf({ ledgerQuantities: [{ ...quantity, theirs: decimal("7.0") }] })).toEqual([]);
  });
});

describe("one difference per business object", () => {
  test("one missing code is one difference with all documents behind it", () => {
    const blocked = (documentNumber: string, code: string, subject: string) => ({
      form: "purchase-receipt",
      documentNumber,
      code,
      subject,
      amount: decimal("10"),
    });
    const [found, ...others] = classify({
      ...noFacts("demo", "main"),
      blocked: [
        blocked("CG-1", "CODE_MISSING", "item/ZS-9001"),
        blocked("CG-2", "CODE_MISSING", "item/ZS-9001"),
        blocked("CG-2", "ITEM_UNKNOWN", "item-master/ZS-9001"),
      ],
    });
    expect(others).toEqual([]);
    expect(found).toMatchObject({ id: "demo/20/code:item/ZS-9001", affected: 2, amount: "30", kind: "blocked" });
  });

  test("a document with several faults is one difference by precedence, and the others stand beside it", () => {
    const [found, ...others] = classify({
      ...noFacts("demo", "main"),
      postings: [posting({ vouchers: [edited] })],
      unpulled: [{ form: "purchase-receipt", documentNumber: "CG-1", recordId: "1", change: "edited", posted: true }],
    });
    expect(others).toEqual([]);
    expect(found).toMatchObject({ id: `demo/10/${receipt}`, evidence: { also: [1] } });
  });

  test("a missing rule is 2, and a code whose name is unknown to us still gets its table", () => {
    const blocked = { form: "f", documentNumber: "D", amount: null };
    expect(idsOf({ blocked: [{ ...blocked, code: "RULE_MISSING", subject: "rule/other-issue" }] })).toEqual([
      "demo/2/movement:f/D",
    ]);
    expect(idsOf({ blocked: [{ ...blocked, code: "UNIT_UNKNOWN", subject: "盒" }] })).toEqual(["demo/20/code:unit/盒"]);
    expect(idsOf({ blocked: [{ ...blocked, code: "ITEM_UNKNOWN", subject: "ZS:1/2" }] })).toEqual([
      "demo/20/code:item/ZS:1/2",
    ]);
  });
});
