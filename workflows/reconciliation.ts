import { proxyActivities, upsertSearchAttributes, workflowInfo } from "@temporalio/workflow";
import type { ComparisonSummary, ReconciliationActivities } from "../activities/reconciliation.ts";
import { periodAttributes, periodShown } from "./search-attributes.ts";

/** Which comparison; `statement` names it for people ("2025-03", "daily"). Id: `reconcile/{company}/{statement}`. */
export interface Reconciliation {
  readonly company: string;
  readonly ledger: string;
  readonly statement: string;
  /** The task queue of the ledger's connection: one slow ERP starves nobody else. */
  readonly queue: string;
  /** True: closed periods are read again as well, although nothing says that they changed. */
  readonly full?: boolean;
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
  full,
}: Reconciliation): Promise<ComparisonSummary> {
  const what = full === true ? { company, ledger, full } : { company, ledger };
  const { periods, sources, period } = await on(queue).planReconciliation(what);
  if (period !== undefined && periodShown(workflowInfo().typedSearchAttributes) !== undefined)
    upsertSearchAttributes(periodAttributes(period));
  for (const source of sources) await on(source.queue).landWarehouse({ company, source: source.code });
  await on(queue).landLedger({ company, ledger, periods });
  return compare({ company, ledger, statement });
}
