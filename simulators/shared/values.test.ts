import { appendFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { formatDecimal, parseDecimal, roundDecimal, trimDecimal } from "./decimal.ts";
import { openJournal } from "./journal.ts";
import { JsonNumber, parseJson, writeJson } from "./json.ts";
import { Random } from "./prng.ts";

test("decimals keep ten places exactly, and what is finer or no number is refused", () => {
  expect(formatDecimal(parseDecimal("0.1") ?? 0n)).toBe("0.1000000000");
  expect(formatDecimal((parseDecimal("0.1") ?? 0n) + (parseDecimal("0.2") ?? 0n), 2)).toBe("0.30");
  expect(trimDecimal(parseDecimal("-12345678901234567.1234567891") ?? 0n)).toBe("-12345678901234567.1234567891");
  expect(trimDecimal(parseDecimal("1e3") ?? 0n)).toBe("1000");
  expect(trimDecimal(parseDecimal("0") ?? 1n)).toBe("0");
  expect(parseDecimal("1.12345678901")).toBeUndefined();
  expect(parseDecimal("12a")).toBeUndefined();
  expect(parseDecimal("")).toBeUndefined();
});

test("amounts round half away from zero", () => {
  expect(formatDecimal(roundDecimal(parseDecimal("2.345") ?? 0n, 2), 2)).toBe("2.35");
  expect(formatDecimal(roundDecimal(parseDecimal("-2.345") ?? 0n, 2), 2)).toBe("-2.35");
});

test("JSON numbers pass through as text, in and out", () => {
  expect(parseJson('{"a":0.10,"b":12345678901234567890}')).toEqual({ a: "0.10", b: "12345678901234567890" });
  expect(parseJson("{")).toBeUndefined();
  expect(writeJson({ b: new JsonNumber("12.5000000000"), a: ["文", null, true, 3], c: undefined })).toBe(
    '{"b":12.5000000000,"a":["文",null,true,3]}',
  );
});

test("shuffling really changes the order and loses nothing", () => {
  for (let seed = 0; seed < 50; seed += 1) {
    const shuffled = new Random(seed).shuffled([1, 2]);
    expect(shuffled).toEqual([2, 1]);
  }
});

test("a journal gives back the last value of every key, also after a torn last line", () => {
  const folder = mkdtempSync(join(tmpdir(), "journal-"));
  try {
    const first = openJournal(folder, "books");
    first.journal.put("a", 1);
    first.journal.put("b", { text: "二" });
    first.journal.put("a", 2);
    first.journal.put("c", 3);
    first.journal.put("c", null);
    first.journal.close();
    appendFileSync(join(folder, "books.jsonl"), '{"k":"a","v":99');
    const second = openJournal(folder, "books");
    expect([...second.entries]).toEqual([
      ["a", 2],
      ["b", { text: "二" }],
    ]);
    second.journal.put("d", 4);
    second.journal.close();
    expect(readFileSync(join(folder, "books.jsonl"), "utf8").trim().split("\n")).toHaveLength(3);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
