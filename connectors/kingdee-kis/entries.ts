import { ZhangshiError } from "../../domain/errors.ts";
import { shortened } from "../../domain/limits.ts";
import { PostingKey, shortKeyOf } from "../../domain/posting-key.ts";
import { type DimensionKind, type VoucherDraft, dimensionKinds } from "../../domain/voucher.ts";
import type { Entry } from "./entry.ts";
import type { KingdeeKisSettings, ObjectClass } from "./settings.ts";

/** Where the key stands in a 摘要: " #abcdefghij" at its end. */
const KEY_MARK = " #";
const MARKED_KEY = / ?#([a-z2-7]{10})$/u;
/** FTransID is C10 in 标准版 (reference §11.2); the key at the end of a 摘要 is as short. */
const SHORT_KEY = 10;
const FULL_KEY = 26;

/** Bytes of a 摘要: FExp C40 in 标准版, C80 in 专业版 (reference §11.2, §11.3). */
export const summaryBytes = (settings: KingdeeKisSettings): number => (settings.dialect === "standard" ? 40 : 80);

/** Bytes of it that are left to the text, beside a key that stands in the first one. */
export const summaryRoom = (settings: KingdeeKisSettings): number =>
  summaryBytes(settings) - (settings.keyPlace === "summary" ? KEY_MARK.length + SHORT_KEY : 0);

/** How many characters of the key a file carries. */
export const keyLength = (settings: KingdeeKisSettings): number =>
  settings.dialect === "professional" && settings.keyPlace !== "summary" ? FULL_KEY : SHORT_KEY;

/** What stands for the voucher in a file and in an export of it. */
export const keyInFile = (key: string, settings: KingdeeKisSettings): string =>
  shortKeyOf(PostingKey.parse(key), keyLength(settings));

/**
 * The entries of one voucher as they go into a file.
 * @param fileNumber  tells it from the other vouchers of the file
 * @throws ZhangshiError CODE_MISSING, DIMENSION_REFUSED for what `obstaclesTo` names beforehand
 */
export const entriesOf = (draft: VoucherDraft, fileNumber: number, settings: KingdeeKisSettings): readonly Entry[] => {
  const key = keyInFile(draft.key, settings);
  return draft.lines.map((line, index) => {
    const first = index === 0;
    return {
      date: draft.date,
      word: coded(settings.words, draft.word, "word"),
      fileNumber,
      entryNumber: index,
      summary: summaryOf(line.summary, first && settings.keyPlace === "summary" ? key : "", settings),
      account: line.account,
      objects: objectsOf(line.dimensions, settings),
      // On the first entry alone: further entries may need 业务编号 for 往来核算.
      tradeNumber: first && settings.keyPlace === "trade-number" ? key : "",
      reference: settings.keyPlace === "reference" ? key : "",
      currency: coded(settings.currencies, draft.currency, "currency"),
      side: line.side,
      amount: line.amount,
      quantity: line.quantity,
      unit: line.unit,
      unitPrice: line.unitPrice,
      attachments: draft.attachments,
      preparer: settings.preparer,
    };
  });
};

const coded = (codes: Readonly<Record<string, string>>, ours: string, kind: string): string => {
  const theirs = codes[ours];
  if (theirs === undefined) throw new ZhangshiError("CODE_MISSING", { [kind]: ours });
  return theirs;
};

/** Line breaks would break the table in the program's list; the 摘要 is the one text that may be shortened, visibly. */
const summaryOf = (summary: string, key: string, settings: KingdeeKisSettings): string => {
  const tail = key === "" ? "" : `${KEY_MARK}${key}`;
  const plain = summary.replace(/\p{Cc}+/gu, " ").trim();
  return shortened(plain, summaryBytes(settings) - tail.length, { measure: "gbk-bytes" }) + tail;
};

/** The key at the end of a 摘要, and the text before it. */
export const splitSummary = (summary: string): { readonly text: string; readonly key: string } => {
  const found = MARKED_KEY.exec(summary);
  return { text: found === null ? summary : summary.slice(0, found.index), key: found?.[1] ?? "" };
};

export const classOf = (kind: DimensionKind, settings: KingdeeKisSettings): ObjectClass | undefined =>
  settings.dimensions[kind] ?? undefined;

/** 核算项目 of one line: in their fixed slots where the edition has such, else one after the other without a gap. */
const objectsOf = (
  dimensions: VoucherDraft["lines"][number]["dimensions"],
  settings: KingdeeKisSettings,
): Entry["objects"] => {
  const given = dimensionKinds.flatMap((kind) => {
    const code = dimensions[kind];
    if (code === undefined) return [];
    const found = classOf(kind, settings);
    if (found === undefined) throw new ZhangshiError("DIMENSION_REFUSED", { dimension: kind });
    return [{ class: found.class, code, slot: found.slot }];
  });
  const fixed = new Set(given.map(({ slot }) => slot));
  let next = 1;
  return given.map((one) => {
    if (one.slot > 0) return one;
    while (fixed.has(next)) next += 1;
    next += 1;
    return { ...one, slot: next - 1 };
  });
};
