import { z } from "zod";

/** What a voucher is for. One movement has at most one live voucher per ledger and purpose. */
export const purposes = [
  "stock", // the movement itself, estimates included
  "revenue", // sales revenue
  "estimate-reversal", // 暂估回冲
  "re-estimate", // the estimate of a further month
  "invoice", // the purchase invoice
  "invoice-difference", // 单到补差
  "cost-correction", // 成本调整 in the open period
  "reversal", // 红冲 of a posted voucher
] as const;
export const Purpose = z.enum(purposes);
export type Purpose = z.infer<typeof Purpose>;

export const postingStates = [
  "drafted",
  "approved",
  "ready",
  "sending",
  "posted",
  "verified",
  "held",
  "refused",
  "uncertain",
  "differs",
  "withdrawn",
  "reversed",
] as const;
export const PostingState = z.enum(postingStates);
export type PostingState = z.infer<typeof PostingState>;

/** How far the voucher is inside the ERP. */
export const stages = ["none", "saved", "submitted", "audited", "booked"] as const;
export const Stage = z.enum(stages);
export type Stage = z.infer<typeof Stage>;

/**
 * Allowed transitions; the database enforces the same table (tested against it).
 * Whatever is not named here is a bug, not a decision.
 */
export const transitions: Readonly<Record<PostingState, readonly PostingState[]>> = {
  drafted: ["approved", "ready", "held", "withdrawn"],
  approved: ["ready", "held", "withdrawn", "drafted"],
  ready: ["sending", "held", "withdrawn", "drafted"],
  sending: ["posted", "refused", "uncertain", "ready", "held"],
  uncertain: ["posted", "ready", "withdrawn"],
  posted: ["verified", "differs"],
  verified: ["differs", "reversed"],
  differs: ["verified", "reversed"],
  held: ["drafted", "ready", "withdrawn"],
  refused: ["drafted", "ready", "withdrawn"],
  withdrawn: [],
  reversed: [],
};

export const mayMove = (from: PostingState, to: PostingState): boolean => transitions[from].includes(to);

/** States in which something may be, or is, in the ERP's books: content is frozen. */
export const sentStates: readonly PostingState[] = [
  "sending",
  "uncertain",
  "posted",
  "verified",
  "differs",
  "reversed",
];
