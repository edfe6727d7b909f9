import { proxyActivities } from "@temporalio/workflow";
import type { ComparisonSummary, ReconciliationActivities } from "../activities/reconciliation.ts";

/** Which comparison; `statement` names it for people ("2025-03", "daily"). Id: `reconcile/{company}/{statement}`. */
export interface Reconciliation {
  readonly company: string;
  readonly ledger: string;
  readonly statement: string;
  /** The task queue of the ledger's connection: one slow ERP starves nobody else. */
  readonly queue: string;
}

export const reconciliationId = (company: string, statement: string): string => `reconcile/${company}/${statement}`;

// A landing reads whole periods: it may take hours, but says every page that it lives.
const PATIENCE = {
  startToCloseTimeout: "6 hours",
  heartbeatTimeout: "2 minutes",
  retry: { initialInterval: "5 seconds", maximumInterval: "5 minutes", maximumAttempts: 20 },
} as const;
const on = (taskQueue: string) => proxyActivities<ReconciliationActivities>({ ...PATIENCE, taskQueue });
/** The comparison asks nobody but our own database. */
const { compare } = proxyActivities<ReconciliationActivities>(PATIENCE);

/** Reads both sides, compares, and leaves the result in the register. Running it again changes nothing that still holds. */
export async function reconciliation({
  company,
  ledger,
  statement,
  queue,
}: Reconciliation): Promise<ComparisonSummary> {
  const { periods, sources } = await on(queue).planReconciliation({ company, ledger });
  for (const source of sources) await on(source.queue).landWarehouse({ company, source: source.code });
  await on(queue).landLedger({ company, ledger, periods });
  return compare({ company, ledger, statement });
}
