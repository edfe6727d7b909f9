import type { Bilingual, ErpVoucher, SendOutcome, VoucherTarget } from "../connectors/contract.ts";
import { fitted } from "../domain/limits.ts";
import type { VoucherDraft } from "../domain/voucher.ts";
import { reversalSummary, reverseLines } from "../mappings/reversal.ts";
import { say } from "./case.ts";
import { type CertifiedDocument, type CertifiedDocuments, SUMMARY_MARK, standingUnder } from "./certified-documents.ts";

/** What stands of a certification in the books in the end. */
export interface FinalDocument {
  readonly key: string;
  readonly sentBy: string;
  readonly date: string;
  readonly word: string;
  readonly number: string;
  readonly erpId: string;
  /** Number of the red voucher. */
  readonly reversedBy: string | undefined;
  /** What a person has to do; undefined where nothing is left to do. */
  readonly left: Bilingual | undefined;
}

const REVERSAL = "reversal";
const DEADLINE_MS = 60_000;
/** Keys in one look-up at the end. */
const LOOK_UP_MAX = 50;

/** Writes a red voucher against each document of the run that stands, in the period it stands in, and lists all of them. */
export const cleanUp = async (
  target: VoucherTarget,
  book: string,
  documents: CertifiedDocuments,
): Promise<readonly FinalDocument[]> => {
  const sent = documents.all();
  const guarded = documents.guarded(target, REVERSAL, () => false);
  const { keyOf } = documents.markFor(REVERSAL);
  const final: FinalDocument[] = [];
  for (let from = 0; from < sent.length; from += LOOK_UP_MAX) {
    const some = sent.slice(from, from + LOOK_UP_MAX);
    const standing = await attempt(() =>
      standingUnder(
        target,
        book,
        some.map(({ draft }) => draft.key),
      ),
    );
    for (const document of some) {
      const { draft } = document;
      if (standing === undefined) {
        if (document.outcome?.kind !== "refused" && document.outcome?.kind !== "not-done")
          final.push(line(document, undefined, undefined, unseen));
        continue;
      }
      const vouchers = standing.filter(({ key }) => key !== "" && draft.key.startsWith(key));
      if (vouchers.length === 0 && document.outcome?.kind !== "refused" && document.outcome?.kind !== "not-done")
        final.push(line(document, undefined, undefined, unseen));
      for (const voucher of vouchers) {
        if (voucher.voided) {
          final.push(line(document, voucher, undefined, undefined));
          continue;
        }
        if (target.capabilities.red === "void") {
          final.push(line(document, voucher, undefined, cannotBeRed));
          continue;
        }
        const red = redOf(draft, voucher, keyOf(`${draft.key} ${voucher.erpId}`));
        const outcome = await attempt(() => reverse(guarded, book, fitted(red, target.capabilities)));
        final.push(
          outcome?.kind === "posted"
            ? line(document, voucher, outcome.number, undefined)
            : line(document, voucher, undefined, notReversed(outcome ?? NO_ANSWER)),
        );
      }
    }
  }
  return final;
};

const NO_ANSWER = { code: "NO_ANSWER", message: "" } as const;
type Unposted = Exclude<SendOutcome, { kind: "posted" }>;

const redOf = (draft: VoucherDraft, voucher: ErpVoucher, key: string): VoucherDraft => ({
  ...draft,
  key,
  lines: [
    ...reverseLines(
      draft.lines,
      `${SUMMARY_MARK} ${reversalSummary({ date: voucher.date, word: draft.word, number: voucher.number })}`,
    ),
  ],
});

/** Sent once. Where the answer does not say, the ERP is asked whether it stands. */
const reverse = async (
  guarded: VoucherTarget,
  book: string,
  red: VoucherDraft,
): Promise<Pick<Extract<SendOutcome, { kind: "posted" }>, "kind" | "number"> | Unposted> => {
  const [outcome] = await guarded.post([red], new Date(Date.now() + DEADLINE_MS));
  if (outcome === undefined) throw new Error("no outcome of a reversal");
  if (outcome.kind !== "uncertain") return outcome;
  const [found, ...others] = (await attempt(() => standingUnder(guarded, book, [red.key]))) ?? [];
  return found !== undefined && others.length === 0 ? { kind: "posted", number: found.number } : outcome;
};

/** The run goes on to the next document: what failed is listed. */
const attempt = async <Value>(work: () => Promise<Value>): Promise<Value | undefined> => {
  try {
    return await work();
  } catch {
    return undefined;
  }
};

const line = (
  { draft, sentBy, outcome }: CertifiedDocument,
  voucher: ErpVoucher | undefined,
  reversedBy: string | undefined,
  left: Bilingual | undefined,
): FinalDocument => ({
  key: draft.key,
  sentBy,
  date: voucher?.date ?? draft.date,
  word: draft.word,
  number: voucher?.number ?? (outcome?.kind === "posted" ? outcome.number : ""),
  erpId: voucher?.erpId ?? (outcome?.kind === "posted" ? outcome.erpId : ""),
  reversedBy,
  left,
});

const unseen = say(
  "发送后查询不到，请在 ERP 中按凭证键查找；若存在，请冲销或删除",
  "was sent and cannot be found now: look for its key in the ERP; if it is there, reverse or delete it",
);
const cannotBeRed = say("该账簿不能写红字凭证，请手工作废", "this ledger takes no red vouchers: void it by hand");
const notReversed = ({ code, message }: Pick<Unposted, "code" | "message">): Bilingual =>
  say(
    `红字凭证未入账（${code} ${message}），请手工冲销`,
    `no red voucher was posted (${code} ${message}): reverse it by hand`,
  );
