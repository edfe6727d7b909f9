import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { errorCatalog, errorCodes } from "../domain/errors.ts";
import { errorsFile, errorsPage } from "./generate-errors.ts";

const page = readFileSync(errorsFile, "utf8");

test("docs/errors.md is what the catalogue says now (npx tsx docs/generate-errors.ts)", () => {
  expect(page).toBe(errorsPage());
});

test("every error of the catalogue is on the page, and the page names no error that is not in the catalogue", () => {
  const named = [...page.matchAll(/^## (\S+)$/gm)].map(([, code]) => code);
  expect(named).toEqual([...errorCodes]);
});

test("every error says in both languages what happened and what to do", () => {
  const silent = Object.entries(errorCatalog).filter(([, { what, nextStep }]) =>
    [what.zh, what.en, nextStep.zh, nextStep.en].some((sentence) => sentence.trim() === ""),
  );
  expect(silent).toEqual([]);
});
