import { ZhangshiError } from "../domain/errors.ts";
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
  /** @throws ZhangshiError CONNECTION_UNKNOWN  when no such ledger is configured; LOGIN_REFUSED */
  draftPage(step: LedgerStep): Promise<DraftSummary>;
  /** @throws ZhangshiError LOGIN_REFUSED, PERMISSION_DENIED  while the ledger is paused for it: every further try would end the same way */
  postBatch(step: LedgerStep): Promise<BatchSummary>;
}

export type LedgerDesk = DraftingDependencies & PostingDependencies;

export const createLedgerActivities = (deskOf: (ledger: string) => LedgerDesk): LedgerActivities =>
  withNamedFailures<LedgerActivities>({
    draftPage: async ({ ledger, sizeMax }) => {
      const desk = deskOf(ledger);
      try {
        const summary = await draftPage(desk, sizeMax);
        await desk.store.noteDrafting(desk.database, desk.company.code, ledger);
        return summary;
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        // The failure itself is what must be told: without a database there is no exception either.
        await desk.store.noteDrafting(desk.database, desk.company.code, ledger, message).catch(() => undefined);
        throw error;
      }
    },
    postBatch: async ({ ledger, sizeMax }) => {
      const desk = deskOf(ledger);
      const summary = await postBatch(desk, sizeMax);
      if (summary.paused) await stopAtMissingAccess(desk, ledger);
      return summary;
    },
  });

const stopAtMissingAccess = async ({ store, database }: LedgerDesk, ledger: string): Promise<void> => {
  const { pauseCode } = await store.ledgerState(database, ledger);
  if (pauseCode === "LOGIN_REFUSED" || pauseCode === "PERMISSION_DENIED")
    throw new ZhangshiError(pauseCode, { ledger });
};
