import { expect, test } from "vitest";
import { type Evidence, excusedBy, judge } from "./count.ts";
import type { BookedVoucher } from "./ledgers/ledger.ts";

const booked = (key: string, document: string, debit = "10.00", request = "r1"): BookedVoucher => ({
  key,
  voided: false,
  request,
  lines: [
    { summary: document, debit },
    { summary: document, debit: "0.00" },
  ],
});
const verified = (key: string, document: string) => ({ key, state: "verified", total: "10", documents: [document] });
const evidence: Evidence = {
  vouchers: [booked("a", "d1"), booked("b", "d2")],
  documents: ["d1", "d2"],
  postings: [verified("a", "d1"), verified("b", "d2")],
  found: new Set(),
  excused: new Set(),
};
const counts = (change: Partial<Evidence>): Record<string, readonly string[]> =>
  Object.fromEntries(Object.entries(judge({ ...evidence, ...change })).filter(([, list]) => list.length > 0));

test("books and postings that agree leave nothing to count", () => {
  expect(counts({})).toEqual({});
});

test("a document in no voucher is lost, and claiming its voucher is false", () => {
  expect(counts({ vouchers: [booked("a", "d1")] })).toEqual({ lost: ["d2"], falselyPosted: ["b"] });
  const voided = { ...booked("b", "d2"), voided: true };
  expect(counts({ vouchers: [booked("a", "d1"), voided] })).toEqual({ lost: ["d2"], falselyPosted: ["b"] });
});

test("a double counts as detected only when the finder named it and no sender could have prevented it", () => {
  const vouchers = [...evidence.vouchers, booked("a", "d1")];
  expect(counts({ vouchers })).toEqual({ doubled: ["a"] });
  expect(counts({ vouchers, found: new Set(["a"]) })).toEqual({ doubled: ["a"] });
  expect(counts({ vouchers, excused: new Set(["a"]) })).toEqual({ doubled: ["a"] });
  expect(counts({ vouchers, found: new Set(["a"]), excused: new Set(["a"]) })).toEqual({ doubledDetected: ["a"] });
});

test("one document in the vouchers of two keys is a double, whatever the finder says", () => {
  const vouchers = [booked("a", "d1"), booked("b", "d2"), booked("c", "d1")];
  const postings = [...evidence.postings, verified("c", "d1")];
  expect(counts({ vouchers, postings, found: new Set(["c"]), excused: new Set(["c"]) })).toEqual({ doubled: ["d1"] });
});

test("another amount than ours, an unknown key, and a refusal of what is booked are false", () => {
  expect(counts({ vouchers: [booked("a", "d1", "10.01"), booked("b", "d2")] })).toEqual({ falselyPosted: ["a"] });
  expect(counts({ vouchers: [...evidence.vouchers, booked("x", "d1")] })).toEqual({
    doubled: ["d1"],
    falselyPosted: ["x"],
  });
  const refused = [{ ...verified("a", "d1"), state: "refused" }, verified("b", "d2")];
  expect(counts({ postings: refused })).toEqual({ falselyPosted: ["a"] });
});

test("what is still open at the end is uncertain", () => {
  const open = [{ ...verified("a", "d1"), state: "uncertain" }, verified("b", "d2")];
  expect(counts({ postings: open })).toEqual({ uncertainLeft: ["a"] });
});

test("a key is excused when it shared a request with a victim, and only then", () => {
  const vouchers = [
    booked("a", "d1", "10.00", "r1"),
    booked("b", "d2", "10.00", "r1"),
    booked("c", "d3", "10.00", "r2"),
  ];
  expect(excusedBy(["a"], vouchers)).toEqual(new Set(["a", "b"]));
});
