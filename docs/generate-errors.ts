import { writeFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { errorCatalog, type ErrorEntry } from "../domain/errors.ts";

/** `npx tsx docs/generate-errors.ts` writes docs/errors.md; a test compares the two. */
export const errorsFile = fileURLToPath(new URL("errors.md", import.meta.url));

const OWNERS: Readonly<Record<ErrorEntry["owner"], string>> = {
  finance: "财务 finance",
  it: "IT",
  warehouse: "仓库 warehouse",
  vendor: "厂商 vendor",
  nobody: "无需处理 nobody",
};
const OUTCOMES: Readonly<Record<ErrorEntry["outcome"], string>> = {
  refused: "refused 被拒绝",
  "not-done": "not done 未执行",
  uncertain: "uncertain 结果不明",
  held: "held 挂起",
  none: "–",
};

/** The catalogue as a page: one section per error, in the catalogue's order. */
export function errorsPage(catalog: Readonly<Record<string, ErrorEntry>> = errorCatalog): string {
  const intro = [
    "# 错误 · Errors",
    "",
    "由 `docs/generate-errors.ts` 从 `domain/errors.ts` 生成，请勿手改。Generated; do not edit by hand.",
    "",
    "Outcome: what the error means for a voucher that was being sent. Owner: whose turn it is.",
    "",
  ];
  const sections = Object.entries(catalog).map(([code, { outcome, owner, what, nextStep }]) =>
    [
      `## ${code}`,
      "",
      `${what.zh}。→ ${nextStep.zh}。`,
      "",
      `${what.en}. → ${nextStep.en}.`,
      "",
      `Outcome: ${OUTCOMES[outcome]} · Owner: ${OWNERS[owner]}`,
      "",
    ].join("\n"),
  );
  return [...intro, ...sections].join("\n");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(errorsFile, errorsPage());
