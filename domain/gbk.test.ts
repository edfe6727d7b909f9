import { expect, test } from "vitest";
import { decodeGbk, encodeGbk, gbkLength, isGbk, unheldIn } from "./gbk.ts";

test("every character of two bytes that the decoder knows is encoded to bytes that read as itself", () => {
  let checked = 0;
  for (let lead = 0x81; lead <= 0xfe; lead += 1)
    for (let trail = 0x40; trail <= 0xfe; trail += 1) {
      const character = decodeGbk(Uint8Array.of(lead, trail));
      if (trail === 0x7f || Array.from(character).length !== 1 || /\ufffd|\p{Co}/u.test(character)) continue;
      const { bytes } = encodeGbk(character);
      if (bytes === undefined || decodeGbk(bytes) !== character || bytes.length !== 2) throw new Error(character);
      checked += 1;
    }
  expect(checked).toBeGreaterThan(21_000);
});

test("known code points have their known bytes", () => {
  expect(encodeGbk("中国A1").bytes).toEqual(Uint8Array.of(0xd6, 0xd0, 0xb9, 0xfa, 0x41, 0x31));
  expect(encodeGbk("，…").bytes).toEqual(Uint8Array.of(0xa3, 0xac, 0xa1, 0xad));
});

test.each(["😀", "𠮷", "\u00a9", "\ue000", "한"])("%s is named and never replaced", (character) => {
  expect(encodeGbk(`入库${character}`)).toEqual({ unheld: character });
  expect(unheldIn(`入库${character}`)).toBe(character);
});

test("a text takes one byte for each character of ASCII and two for every other", () => {
  expect(gbkLength("A暂估入库，1")).toBe(12);
  expect(isGbk("A暂估入库，1")).toBe(true);
});
