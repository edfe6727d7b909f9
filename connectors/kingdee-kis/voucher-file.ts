import { createHash } from "node:crypto";
import { z } from "zod";
import { periodOf } from "../../domain/dates.ts";
import { normalize } from "../../domain/decimal.ts";
import { ZhangshiError } from "../../domain/errors.ts";
import type { VoucherDraft } from "../../domain/voucher.ts";
import { PROFESSIONAL, STANDARD, writeDbfVouchers } from "./dbf-layouts.ts";
import { entriesOf } from "./entries.ts";
import type { Entry } from "./entry.ts";
import { obstaclesTo } from "./obstacles.ts";
import type { KingdeeKisSettings } from "./settings.ts";
import { writeXlsVouchers } from "./xls.ts";
import { writeXlsxVouchers } from "./workbook-layout.ts";

/** What a file holds, remembered beside it: the log and the export speak of vouchers by these. */
export const FiledVoucher = z.object({
  key: z.string(),
  date: z.string(),
  /** 凭证字 of the 账套. */
  word: z.string(),
  /** FNum in the file; the program gives its own. */
  fileNumber: z.int().min(1),
  /** Digest of everything that the file says of it. */
  content: z.string(),
  /** Digest of its day, accounts and amounts: by it a voucher is suspected where the program kept no key. */
  shape: z.string(),
});
export type FiledVoucher = Readonly<z.infer<typeof FiledVoucher>>;

export interface VoucherFile {
  /** Says what is in it: equal content has an equal name, and another content another one. */
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly vouchers: readonly FiledVoucher[];
}

/** Drafts of one period each, in their order and at most so many as one file takes: a person imports period by period. */
export const filesOf = (
  drafts: readonly VoucherDraft[],
  settings: KingdeeKisSettings,
): readonly (readonly VoucherDraft[])[] => {
  const groups = new Map<string, VoucherDraft[][]>();
  for (const draft of drafts) {
    const period = periodOf(draft.date);
    const ofPeriod = groups.get(period) ?? [];
    groups.set(period, ofPeriod);
    const last = ofPeriod.at(-1);
    if (last === undefined || last.length >= settings.vouchersPerFileMax) ofPeriod.push([draft]);
    else last.push(draft);
  }
  return [...groups.values()].flat();
};

/**
 * Writes drafts of one period into a file.
 * @param firstNumber  of the first voucher in the file, where the 账套 is set to keep a file's numbers
 * @throws ZhangshiError with the code of the first obstacle: ask `obstaclesTo` for all of them beforehand
 */
export const writeVoucherFile = async (
  drafts: readonly VoucherDraft[],
  settings: KingdeeKisSettings,
  firstNumber = 1,
): Promise<VoucherFile> => {
  for (const draft of drafts) {
    const [obstacle] = obstaclesTo(draft, settings);
    if (obstacle !== undefined)
      throw new ZhangshiError(obstacle.code, {
        voucher: draft.key,
        line: String(obstacle.lineNumber),
        reason: obstacle.message,
      });
  }
  if (firstNumber + drafts.length - 1 > NUMBER_MAX)
    throw new ZhangshiError("LIMIT_VOUCHERS", { numbers: `${firstNumber}–${firstNumber + drafts.length - 1}` });
  const entries = drafts.flatMap((draft, index) => entriesOf(draft, firstNumber + index, settings));
  const vouchers = drafts.map((draft, index) => ({
    key: draft.key,
    date: draft.date,
    word: settings.words[draft.word] ?? draft.word,
    fileNumber: firstNumber + index,
    content: contentOf(draft, settings),
    shape: shapeOf(draft),
  }));
  return { name: nameOf(entries, vouchers, settings), bytes: await bytesOf(entries, settings), vouchers };
};

/** Changes exactly when the file would say something else of the voucher, wherever in a file it stands. */
export const contentOf = (draft: VoucherDraft, settings: KingdeeKisSettings): string =>
  shortDigest([draft.key, settings.dialect, entriesOf(draft, 1, settings)]);

export const shapeOf = ({ date, lines }: Pick<VoucherDraft, "date"> & { readonly lines: readonly Shaped[] }): string =>
  shortDigest([date, lines.map(({ side, account, amount }) => [side, account, normalize(amount)])]);
type Shaped = Pick<VoucherDraft["lines"][number], "side" | "account" | "amount">;

const SHORT_DIGEST_LENGTH = 20;
const shortDigest = (value: unknown): string =>
  createHash("sha256").update(JSON.stringify(value), "utf8").digest("hex").slice(0, SHORT_DIGEST_LENGTH);

/** FNum is N4 (reference §11.2); 专业版 is held to the same. */
export const NUMBER_MAX = 9_999;

const bytesOf = async (entries: readonly Entry[], settings: KingdeeKisSettings): Promise<Uint8Array> => {
  switch (settings.dialect) {
    case "standard":
      return writeDbfVouchers(entries, STANDARD);
    case "professional":
      return writeDbfVouchers(entries, PROFESSIONAL);
    case "excel":
      return settings.workbook === "xls" ? writeXlsVouchers(entries, settings) : writeXlsxVouchers(entries, settings);
  }
};

const BASE32 = "abcdefghijklmnopqrstuvwxyz234567";
const DIGEST_CHARACTERS = 7;

/**
 * "z" and seven characters of a digest: drivers for dBase files take names of eight characters. The digest is made over
 * the entries and the full keys, not over the bytes, because a packed workbook carries the time of its making.
 */
const nameOf = (entries: readonly Entry[], vouchers: readonly FiledVoucher[], settings: KingdeeKisSettings): string => {
  const content = JSON.stringify([settings.dialect, settings.book, vouchers, entries]);
  const digest = createHash("sha256").update(content, "utf8").digest();
  const letters = Array.from(digest.subarray(0, DIGEST_CHARACTERS), (byte) => BASE32[byte & 31]).join("");
  return `z${letters}.${settings.dialect === "excel" ? settings.workbook : "dbf"}`;
};

/** Whether a file in the folder is one of ours, by its name alone. */
export const isOurName = (name: string): boolean => /^z[a-z2-7]{7}\.(dbf|xlsx|xls)$/iu.test(name);
