import type { DraftingDependencies } from "./draft-desk.ts";
import { type DraftSummary, draftPage } from "./drafting.ts";
import { withNamedFailures } from "./failures.ts";
import { type BatchSummary, type PostingDependencies, postBatch } from "./posting.ts";

export interface LedgerStep {
  readonly ledger: string;
  readonly sizeMax: number;
}

/** What `ledgerPosting` does, a page at a time; safe to repeat. */
export interface LedgerActivities {
  /** @throws ZhangshiError CONNECTION_UNKNOWN  when no such ledger is configured */
  draftPage(step: LedgerStep): Promise<DraftSummary>;
  postBatch(step: LedgerStep): Promise<BatchSummary>;
}

export type LedgerDesk = DraftingDependencies & PostingDependencies;

export const createLedgerActivities = (deskOf: (ledger: string) => LedgerDesk): LedgerActivities =>
  withNamedFailures<LedgerActivities>({
    draftPage: ({ ledger, sizeMax }) => draftPage(deskOf(ledger), sizeMax),
    postBatch: ({ ledger, sizeMax }) => postBatch(deskOf(ledger), sizeMax),
  });
