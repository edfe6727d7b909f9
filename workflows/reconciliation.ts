import { proxyActivities } from "@temporalio/workflow";
import type { ComparisonSummary, ReconciliationActivities } from "../activities/reconciliation.ts";

/** Which comparison; `statement` names it for people ("2025-03", "daily"). Id: `reconcile/{company}/{statement}`. */
export interface Reconciliation {
  readonly company: string;
  readonly ledger: string;
  readonly statement: string;
}

export const reconciliationId = (company: string, statement: string): string => `reconcile/${company}/${statement}`;

// A landing reads whole periods: it may take hours, but says every page that it lives.
const { planReconciliation, landLedger, landWarehouse, compare } = proxyActivities<ReconciliationActivities>({
  startToCloseTimeout: "6 hours",
  heartbeatTimeout: "2 minutes",
  retry: { initialInterval: "5 seconds", maximumInterval: "5 minutes", maximumAttempts: 20 },
});

/** Reads both sides, compares, and leaves the result in the register. Running it again changes nothing that still holds. */
export async function reconciliation({ company, ledger, statement }: Reconciliation): Promise<ComparisonSummary> {
  const { periods, sources } = await planReconciliation({ company, ledger });
  for (const source of sources) await landWarehouse({ company, source });
  await landLedger({ company, ledger, periods });
  return compare({ company, ledger, statement });
}
