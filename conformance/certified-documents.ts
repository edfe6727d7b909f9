import type { ErpVoucher, SendOutcome, VoucherTarget } from "../connectors/contract.ts";
import { ZERO } from "../domain/decimal.ts";
import { PostingKey, postingKeyOf } from "../domain/posting-key.ts";
import type { VoucherDraft } from "../domain/voucher.ts";
import type { BookedVoucher, Mark } from "./office.ts";

/** One voucher that was handed to the connector, whatever became of it. */
export interface CertifiedDocument {
  readonly draft: VoucherDraft;
  /** The case that sent it. */
  readonly sentBy: string;
  readonly outcome: SendOutcome | undefined;
}

/** No company, source, form or ledger of an installation can have a code with a space: no real posting has such a key. */
const NOBODY = "zhangshi certify";
export const SUMMARY_MARK = "连接认证 certification";

/**
 * What one certification did to a customer's books. It hands out the keys, and nothing goes to the ERP under another one: what
 * the run did not mark as its own it cannot create, advance or reverse.
 */
export class CertifiedDocuments {
  readonly #run: string;
  readonly #issued = new Set<string>();
  readonly #documents = new Map<string, CertifiedDocument>();

  /** @param run  different for each certification */
  constructor(run: string) {
    this.#run = run;
  }

  all(): readonly CertifiedDocument[] {
    return [...this.#documents.values()];
  }

  markFor(caseId: string): Mark {
    return {
      summary: SUMMARY_MARK,
      keyOf: (name) => {
        const key = postingKeyOf({
          company: NOBODY,
          source: NOBODY,
          form: caseId,
          recordId: `${this.#run} ${name}`,
          ledger: NOBODY,
          purpose: "stock",
          part: 1,
          generation: 1,
        });
        this.#issued.add(key);
        return key;
      },
    };
  }

  /** The target as cases see it. @param over  true once the case was given up: it sends nothing any more */
  guarded(target: VoucherTarget, caseId: string, over: () => boolean): VoucherTarget {
    const mayTouch = (keys: readonly string[]): void => {
      if (over()) throw new Error(`the case ${caseId} is over`);
      const foreign = keys.filter((key) => !this.#issued.has(key));
      if (foreign.length > 0) throw new Error(`not a document of this certification: ${foreign.join(", ")}`);
    };
    return {
      capabilities: target.capabilities,
      post: async (drafts, deadlineAt) => {
        mayTouch(drafts.map(({ key }) => key));
        for (const draft of drafts) this.#note(draft, caseId, undefined);
        const outcomes = await target.post(drafts, deadlineAt);
        drafts.forEach((draft, at) => this.#note(draft, caseId, outcomes[at]));
        return outcomes;
      },
      advance: (vouchers, stage, deadlineAt) => {
        mayTouch(vouchers.map(({ key }) => key));
        return target.advance(vouchers, stage, deadlineAt);
      },
      findByKeys: (book, keys, control) => target.findByKeys(book, keys, control),
      readBack: (book, erpIds) => target.readBack(book, erpIds),
      listPeriod: (book, period) => target.listPeriod(book, period),
      balances: (book, period) => target.balances(book, period),
      periods: (book) => target.periods(book),
      masterData: (kind, codes) => target.masterData(kind, codes),
      check: () => target.check(),
      // Cases share one log-in.
      close: async () => undefined,
    };
  }

  /** A later refusal does not undo an earlier success under the same key, nor an uncertain one. */
  #note(draft: VoucherDraft, sentBy: string, outcome: SendOutcome | undefined): void {
    const known = this.#documents.get(draft.key);
    const settled = known?.outcome?.kind === "posted" || known?.outcome?.kind === "uncertain";
    if (settled && outcome?.kind !== "posted") return;
    this.#documents.set(draft.key, { draft, sentBy, outcome });
  }
}

/** What stands in the books under these keys, by the ERP's own answer. @throws Error when a look-up failed */
export const standingUnder = async (
  target: VoucherTarget,
  book: string,
  keys: readonly string[],
): Promise<readonly ErpVoucher[]> => {
  const wanted = keys.map((key) => PostingKey.parse(key));
  const { found } = await target.findByKeys(book, wanted, undefined);
  const ids = wanted.flatMap((key) => {
    const look = found.get(key) ?? { kind: "failed", message: "no answer" };
    if (look.kind === "failed") throw new Error(`look-up failed: ${look.message}`);
    return look.kind === "absent" ? [] : look.kind === "several" ? look.erpIds : [look.erpId];
  });
  return ids.length === 0 ? [] : [...(await target.readBack(book, ids)).values()];
};

export const bookedOf = (voucher: ErpVoucher): BookedVoucher => ({
  erpId: voucher.erpId,
  key: voucher.key,
  date: voucher.date,
  voided: voucher.voided,
  stage: voucher.stage,
  lines: voucher.lines.map((line) => ({ ...line, quantity: line.quantity ?? ZERO })),
});
