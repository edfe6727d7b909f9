import { expect, test } from "vitest";
import { FAULT_KINDS, type FaultCall, FaultPlan, parseFaultFile } from "./faults.ts";

const SAVE: FaultCall = { operation: "save", text: '{"key":"abc"}', writes: true, creates: true, elements: 0 };
const BATCH: FaultCall = { ...SAVE, operation: "batchSave", elements: 3 };
const READ: FaultCall = { operation: "query", text: "", writes: false, creates: false, elements: 0 };

test("a fault file that does not fit is refused with the place that is wrong", () => {
  expect(() => parseFaultFile("{")).toThrow("not JSON");
  expect(() => parseFaultFile('{"faults":[{"kind":"explode"}]}')).toThrow(/faults\[0\]\.kind/);
  expect(() => parseFaultFile('{"faults":[{"kind":"slow","delay":5}]}')).toThrow(/delay/);
  expect(parseFaultFile('{"faults":[{"kind":"slow","delayMs":5}]}')).toMatchObject([{ kind: "slow", operation: "*" }]);
});

test("the same seed draws the same faults, another seed others", () => {
  const draw = (seed: number): boolean[] => {
    const plan = new FaultPlan(seed, parseFaultFile('{"faults":[{"kind":"lose-after","probability":0.3}]}'));
    return Array.from({ length: 200 }, () => plan.draw(SAVE).fault !== undefined);
  };
  expect(draw(7)).toEqual(draw(7));
  expect(draw(7)).not.toEqual(draw(8));
  const share = draw(7).filter(Boolean).length / 200;
  expect(share).toBeGreaterThan(0.15);
  expect(share).toBeLessThan(0.45);
});

test("operation, match, nth and times say which calls a fault meets, and hits are counted per kind", () => {
  const plan = new FaultPlan(1, [
    { kind: "lose-before", operation: ["save"], match: "abc", nth: 2 },
    { kind: "throttled", operation: "query", times: 1 },
  ]);
  expect(plan.draw({ ...SAVE, text: "xyz" }).fault).toBeUndefined();
  expect(plan.draw(SAVE).fault).toBeUndefined();
  expect(plan.draw(SAVE).fault?.kind).toBe("lose-before");
  expect(plan.draw(SAVE).fault).toBeUndefined();
  expect(plan.draw(READ).fault?.kind).toBe("throttled");
  expect(plan.draw(READ).fault).toBeUndefined();
  expect(plan.hits()).toMatchObject({ "lose-before": 1, throttled: 1, hang: 0 });
  expect(Object.keys(plan.hits()).toSorted()).toEqual(Object.keys(FAULT_KINDS).toSorted());
});

test("a kind meets only calls that it can act on: reads are not committed late, single saves have no elements", () => {
  const plan = new FaultPlan(1, [
    { kind: "late-commit", operation: "*" },
    { kind: "batch-element-refused", operation: "*", index: 2 },
  ]);
  expect(plan.draw(READ).fault).toBeUndefined();
  plan.replace([{ kind: "batch-element-refused", operation: "*", index: 2 }]);
  expect(plan.draw(SAVE).fault).toBeUndefined();
  expect(plan.draw(BATCH).fault).toMatchObject({ kind: "batch-element-refused", index: 2 });
});

test("slow adds to whatever else happens", () => {
  const plan = new FaultPlan(1, [
    { kind: "slow", operation: "*", delayMs: 30 },
    { kind: "hang", operation: "*" },
    { kind: "slow", operation: "*", delayMs: 12 },
  ]);
  expect(plan.draw(SAVE)).toMatchObject({ latencyMs: 42, fault: { kind: "hang" } });
});
