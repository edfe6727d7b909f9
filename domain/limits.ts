import { normalize, scaleOf } from "./decimal.ts";
import type { ErrorCode } from "./errors.ts";
import type { VoucherDraft } from "./voucher.ts";

/** What a ledger can hold, as its connector declares it. */
export interface VoucherLimits {
  readonly linesMax: number;
  readonly summaryMax: number;
  readonly amountDecimals: number;
  readonly quantityDecimals: number;
}

/** Why a voucher does not fit, checked before anything is sent; undefined when it does. */
export const limitBroken = (draft: Pick<VoucherDraft, "lines">, limits: VoucherLimits): ErrorCode | undefined => {
  if (draft.lines.length > limits.linesMax) return "LIMIT_LINES";
  const tooFine = draft.lines.some(
    (line) =>
      scaleOf(normalize(line.amount)) > limits.amountDecimals ||
      (line.quantity !== undefined && scaleOf(normalize(line.quantity)) > limits.quantityDecimals),
  );
  return tooFine ? "LIMIT_DECIMALS" : undefined;
};

/** Only the summary may be shortened, and visibly. */
export const fitSummaries = (draft: VoucherDraft, summaryMax: number): VoucherDraft => ({
  ...draft,
  lines: draft.lines.map((line) => {
    const characters = Array.from(line.summary);
    return characters.length <= summaryMax
      ? line
      : { ...line, summary: `${characters.slice(0, summaryMax - 1).join("")}…` };
  }),
});
