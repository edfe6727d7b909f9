import { errorCatalog, type ErrorEntry } from "../domain/errors.ts";
import { type Bilingual, language, say } from "./language.ts";

const known: Readonly<Record<string, ErrorEntry>> = errorCatalog;

/** A failure that crossed Temporal as its English sentence, in the user's language. Others stay as they are. */
export function told(message: string): string {
  const code = /^([A-Z_]+): /.exec(message)?.[1];
  const entry = code !== undefined && Object.hasOwn(known, code) ? known[code] : undefined;
  if (code === undefined || entry === undefined || language === "en") return message;
  const where = message.replace(`${code}: ${entry.what.en}`, "").replace(`. ${entry.nextStep.en}.`, "").trim();
  return `${code}：${entry.what.zh}${where === "" ? "" : ` ${where}`}。${entry.nextStep.zh}。`;
}

/** Names of what procedures count, in the order in which people want to read them. */
const COUNTED: Readonly<Record<string, Bilingual>> = {
  newRecords: { zh: "新单据", en: "new records" },
  changedRecords: { zh: "变更", en: "changed" },
  unchangedRecords: { zh: "未变", en: "unchanged" },
  cancelledRecords: { zh: "作废", en: "cancelled" },
  movements: { zh: "异动", en: "movements" },
  problems: { zh: "问题", en: "problems" },
  items: { zh: "商品", en: "items" },
  balances: { zh: "结存", en: "balances" },
  drafted: { zh: "生成凭证", en: "drafted" },
  posted: { zh: "已过入", en: "posted" },
  verified: { zh: "已核对", en: "verified" },
  refused: { zh: "被拒绝", en: "refused" },
  uncertain: { zh: "结果不明", en: "uncertain" },
  mismatches: { zh: "差异", en: "mismatches" },
  exceptions: { zh: "未关闭异常", en: "open exceptions" },
  opened: { zh: "新开", en: "opened" },
  reopened: { zh: "重开", en: "reopened" },
  closed: { zh: "关闭", en: "closed" },
};
/** Ids of ours that say nothing to people. */
const UNSAID = new Set(["runId"]);

/** `新单据 6, 异动 7`: what a procedure counted, without what is empty. */
export function describeResult(result: unknown): string {
  if (typeof result !== "object" || result === null) return "";
  const said = Object.entries(result).flatMap(([name, value]: [string, unknown]) => {
    if (UNSAID.has(name) || (Array.isArray(value) && value.length === 0)) return [];
    const label = Object.hasOwn(COUNTED, name) ? COUNTED[name] : undefined;
    const shown = typeof value === "string" || typeof value === "number" ? String(value) : JSON.stringify(value);
    return [`${label === undefined ? name : say(label)} ${shown}`];
  });
  return said.join(say({ zh: "，", en: ", " }));
}
