/** Everything the worker can run; the bundle starts here. */
export { ledgerPosting } from "./ledger-posting.ts";
export { reconciliation } from "./reconciliation.ts";
export { sourceSync } from "./source-sync.ts";
export { tick } from "./tick.ts";
