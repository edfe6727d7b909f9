import type { ErrorCode } from "../../domain/errors.ts";
import { PostingKey } from "../../domain/posting-key.ts";
import type { SendOutcome } from "../contract.ts";
import { decodeGbk } from "../../domain/gbk.ts";
import type { KingdeeKisSettings } from "./settings.ts";
import { erpIdOf } from "./exported-vouchers.ts";
import type { FiledVoucher } from "./voucher-file.ts";

/** One voucher of a log. `number` is the program's. */
export type ReceiptLine =
  | { readonly taken: true; readonly word: string; readonly fileNumber: number; readonly number: string }
  | { readonly taken: false; readonly word: string; readonly fileNumber: number; readonly message: string };

/** What the program told after an import. */
export interface Receipt {
  /** The file that it speaks of; "" where it names none. */
  readonly file: string;
  /** False when its closing line is missing: what it does not name is then not known. */
  readonly complete: boolean;
  readonly lines: readonly ReceiptLine[];
  /** The program's words when it refused the file as a whole. */
  readonly refusedWhole: string | undefined;
}

const LENGTH_MAX = 4 * 1024 * 1024;
const FILE = /^文件[:：]\s*(\S.*?)\s*$/u;
const TAKEN = /^第\d+张\s+(\d{4}-\d{2}-\d{2})\s+(.+)-(\d+)\s+引入成功[，,]\s*凭证号\s*(.+)-(\d+)\s*$/u;
const REFUSED = /^第\d+张\s+(\d{4}-\d{2}-\d{2})\s+(.+)-(\d+)\s+引入失败[，,]\s*(.+?)\s*$/u;
const WHOLE = /^引入失败[:：]\s*(.+?)\s*$/u;
const CLOSING = /^引入完成[:：]\s*成功(\d+)张[，,]\s*失败(\d+)张\s*$/u;

/**
 * Reads a log (引入日志) that the person saved or typed off. No public text of the program exists: the wording is the one of
 * our simulated program, and a log in other words is simply incomplete, which leaves every voucher uncertain.
 */
export const parseReceipt = (bytes: Uint8Array): Receipt => {
  const rows = bytes.length > LENGTH_MAX ? [] : textOf(bytes).split(/\r?\n/u);
  const lines: ReceiptLine[] = [];
  let file = "";
  let refusedWhole: string | undefined;
  let closing: { readonly taken: number; readonly refused: number } | undefined;
  for (const row of rows) {
    file = FILE.exec(row)?.[1] ?? file;
    refusedWhole = WHOLE.exec(row)?.[1] ?? refusedWhole;
    const line = lineOf(row);
    if (line !== undefined) lines.push(line);
    const counts = CLOSING.exec(row);
    if (counts !== null) closing = { taken: Number(counts[1]), refused: Number(counts[2]) };
  }
  const counted = lines.filter(({ taken }) => taken).length;
  const complete = closing !== undefined && closing.taken === counted && closing.refused === lines.length - counted;
  return { file, complete, lines, refusedWhole };
};

/** The program writes GBK; an editor may have saved UTF-8 with its mark. */
const textOf = (bytes: Uint8Array): string =>
  bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
    ? new TextDecoder("utf-8").decode(bytes)
    : decodeGbk(bytes);

const lineOf = (row: string): ReceiptLine | undefined => {
  const taken = TAKEN.exec(row);
  if (taken !== null)
    return { taken: true, word: taken[2] ?? "", fileNumber: Number(taken[3]), number: taken[5] ?? "" };
  const refused = REFUSED.exec(row);
  if (refused === null) return undefined;
  return { taken: false, word: refused[2] ?? "", fileNumber: Number(refused[3]), message: refused[4] ?? "" };
};

/**
 * What a log says of each voucher of a file, in the file's order.
 *
 * - taken: posted, under the number that the program gave;
 * - refused by name: refused, or ALREADY_EXISTS and so uncertain where the program says that it has the voucher;
 * - not named, or the file refused as a whole: uncertain. A program that reports a failed database may have booked
 *   everything, so only a re-export, or a person who looks, settles it.
 */
export const outcomesIn = (
  receipt: Receipt,
  file: string,
  vouchers: readonly Pick<FiledVoucher, "key" | "date" | "word" | "fileNumber">[],
  settings: KingdeeKisSettings,
): readonly SendOutcome[] =>
  vouchers.map((voucher) => {
    const key = PostingKey.parse(voucher.key);
    const uncertain = (code: ErrorCode, message: string): SendOutcome => ({ kind: "uncertain", key, code, message });
    if (receipt.file !== file) return uncertain("ANSWER_UNREADABLE", `the log is of "${receipt.file}", not of ${file}`);
    if (receipt.refusedWhole !== undefined) return uncertain("SERVER_ERROR", receipt.refusedWhole);
    const named = receipt.lines.filter(
      ({ word, fileNumber }) => word === voucher.word && fileNumber === voucher.fileNumber,
    );
    const [line] = named;
    if (line === undefined || named.length > 1)
      return uncertain("ANSWER_INCOMPLETE", "the log does not name this voucher once");
    if (!line.taken) return refusal(key, line.message, settings);
    const { number } = line;
    return { kind: "posted", key, erpId: erpIdOf(voucher.date, voucher.word, number), number, stage: "saved" };
  });

/** The program's words for what we can name; the first that fits counts. Whatever else it says is kept as it is. */
const CAUSES: readonly (readonly [code: ErrorCode, words: RegExp])[] = [
  ["ALREADY_EXISTS", /已经?存在/u],
  ["PERIOD_CLOSED", /已经?结账|启用期间/u],
  ["DIMENSION_REFUSED", /必须录入核算项目|没有核算类别|应填在第|核算类别“[^”]*”(重复|不存在)/u],
  ["ACCOUNT_REFUSED", /科目.*(不存在|不是最明细|禁用)/u],
  ["MASTER_DATA_REFUSED", /(代码|凭证字|币别).*不存在|核算项目.*禁用/u],
  ["LIMIT_VOUCHERS", /凭证号.*(9999|超过)/u],
];
const CONFIGURABLE = ["PERIOD_CLOSED", "ACCOUNT_REFUSED", "DIMENSION_REFUSED", "MASTER_DATA_REFUSED"] as const;

const refusal = (key: PostingKey, message: string, settings: KingdeeKisSettings): SendOutcome => {
  const configured = CONFIGURABLE.find((code) => {
    const pattern = settings.refusals[code];
    return pattern !== undefined && new RegExp(pattern, "u").test(message);
  });
  const code = configured ?? CAUSES.find(([, words]) => words.test(message))?.[0] ?? "REFUSED_BY_ERP";
  return { kind: code === "ALREADY_EXISTS" ? "uncertain" : "refused", key, code, message };
};
