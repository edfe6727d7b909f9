import { describe, expect, test } from "vitest";
import { play } from "../../conformance/play.ts";
import { suite } from "../../conformance/suite.ts";
import { benchesOf, ledgerVendors } from "./run.ts";

test("every case has a name of its own and a title in both languages", () => {
  expect(new Set(suite.map(({ id }) => id)).size).toBe(suite.length);
  expect(suite.filter(({ title }) => title.zh === "" || title.en === "")).toEqual([]);
});

for (const vendor of ledgerVendors)
  for (const [bench, start] of Object.entries(await benchesOf(vendor)))
    describe.concurrent(`${vendor} (${bench})`, () => {
      for (const one of suite)
        test(`${one.id}: ${one.title.en}`, async ({ skip }) => {
          const verdict = await play(one, start);
          if (verdict.state === "not-applicable") return skip(verdict.reason.en);
          expect(verdict.state === "failed" ? verdict.message : "").toBe("");
        });
    });
