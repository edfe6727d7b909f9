import type { Receipt } from "./receipt.ts";
import { outcomesIn } from "./receipt.ts";
import { keyInFile } from "./entries.ts";
import type { PeriodExport } from "./exports.ts";
import type { Outstanding } from "./outbox.ts";
import type { Standing, Word } from "./records.ts";
import type { KingdeeKisSettings } from "./settings.ts";
import { type FiledVoucher, shapeOf } from "./voucher-file.ts";

/** Everything that was said of the outstanding file. */
export interface Evidence {
  /** Milliseconds since 1970 at which each log was saved. */
  readonly logs: readonly { readonly receipt: Receipt; readonly madeAt: number }[];
  readonly exports: readonly PeriodExport[];
  /** What a person says of the file as a whole. */
  readonly said?: { readonly said: "imported" | "not-imported"; readonly at: string } | undefined;
  readonly wordOn: (key: string) => Word | undefined;
}

export type Judged =
  | { readonly voucher: FiledVoucher; readonly standing: Standing; readonly saidAt: string }
  | { readonly voucher: FiledVoucher; readonly standing: undefined; readonly message: string };

/**
 * What is known of each voucher of the outstanding file, the best witness first: an export that shows it; a log that took it;
 * a person who saw it; a person who imported the file; a log that refused it; an export that proves that it is not there.
 * Nothing is concluded from silence, and nothing because time passed.
 */
export const judge = (
  outstanding: Pick<Outstanding, "file" | "attempt" | "vouchers">,
  evidence: Evidence,
  settings: KingdeeKisSettings,
): readonly Judged[] => {
  const outcomes = evidence.logs.map(({ receipt, madeAt }) => ({
    madeAt,
    said: outcomesIn(receipt, outstanding.file, outstanding.vouchers, settings),
  }));
  return outstanding.vouchers.map((voucher, index): Judged => {
    const settled = (standing: Standing, at: string | number): Judged => ({
      voucher,
      standing,
      saidAt: typeof at === "string" ? at : new Date(at).toISOString(),
    });
    const key = keyInFile(voucher.key, settings);
    const shown = evidence.exports.flatMap(({ madeAt, vouchers }) =>
      vouchers.filter((one) => one.key === key).map(({ number }) => ({ number, madeAt })),
    );
    const [first] = shown;
    if (first !== undefined) {
      const numbers = shown.map(({ number }) => number);
      return settled({ state: "taken", numbers }, Math.max(...shown.map(({ madeAt }) => madeAt)));
    }
    const logged = outcomes.flatMap(({ madeAt, said }) => {
      const outcome = said[index];
      return outcome === undefined ? [] : [{ madeAt, outcome }];
    });
    const taken = logged.flatMap(({ madeAt, outcome }) =>
      outcome.kind === "posted" ? [{ madeAt, number: outcome.number }] : [],
    );
    const lastTaken = taken.at(-1);
    // Two numbers: the file was imported twice.
    if (lastTaken !== undefined)
      return settled({ state: "taken", numbers: [...new Set(taken.map(({ number }) => number))] }, lastTaken.madeAt);
    const word = evidence.wordOn(voucher.key);
    if (word !== undefined && word.attempt === outstanding.attempt)
      return settled(
        word.number === undefined ? { state: "absent" } : { state: "taken", numbers: [word.number] },
        word.at,
      );
    if (evidence.said?.said === "imported") return settled({ state: "taken", numbers: [""] }, evidence.said.at);
    const refused = logged.findLast(({ outcome }) => outcome.kind === "refused");
    if (refused !== undefined && refused.outcome.kind === "refused") {
      const { code, message } = refused.outcome;
      return settled({ state: "refused", code, message }, refused.madeAt);
    }
    if (evidence.said?.said === "not-imported") return settled({ state: "absent" }, evidence.said.at);
    const proof = evidence.exports.find((one) => provesAbsence(one, voucher, outstanding.vouchers, settings));
    if (proof !== undefined) return settled({ state: "absent" }, proof.madeAt);
    const unclear = logged.at(-1)?.outcome;
    return {
      voucher,
      standing: undefined,
      message:
        unclear !== undefined && unclear.kind === "uncertain" ? unclear.message : `${outstanding.file}: no log yet`,
    };
  });
};

/**
 * A voucher that an export of its period lacks is proven absent only when the export was surely made after the import, which its
 * content alone can tell: it has another voucher of the same file. The time of a file is no proof, since a copy is younger than
 * what it says. Besides, it spans the voucher's day, and no voucher in it without a key could be this one.
 */
const provesAbsence = (
  { period, vouchers }: PeriodExport,
  voucher: FiledVoucher,
  siblings: readonly FiledVoucher[],
  settings: KingdeeKisSettings,
): boolean => {
  if (voucher.date.slice(0, 7) !== period) return false;
  const keys = new Set(vouchers.map(({ key }) => key));
  if (!siblings.some(({ key }) => keys.has(keyInFile(key, settings)))) return false;
  const sameWord = vouchers.filter(({ word }) => (settings.words[word] ?? word) === voucher.word);
  const spans = sameWord.some(({ date }) => date <= voucher.date) && sameWord.some(({ date }) => date >= voucher.date);
  return spans && !vouchers.some((one) => one.key === "" && shapeOf(one) === voucher.shape);
};
