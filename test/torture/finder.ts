import { createReconciliationActivities } from "../../activities/reconciliation.ts";
import type { VoucherTarget } from "../../connectors/contract.ts";
import type { Database } from "../../db/database.ts";
import { exceptionStore } from "../../db/exception-store.ts";
import { ledgerState } from "../../db/posting-store.ts";
import { reconciliationStore } from "../../db/reconciliation-store.ts";
import type { Period } from "../../domain/dates.ts";
import type { LedgerConfig } from "../../domain/installation.ts";
import { standardRules } from "../../mappings/load.ts";

export interface Finding {
  /** Keys with more than one live voucher, as the register of exceptions names them. */
  readonly keys: ReadonlySet<string>;
  readonly paused: boolean;
}

/** The cause that the product gives to a key with several vouchers. */
const POSTED_TWICE = 5;

/**
 * Lets the product look for doubles the way it does every night: land the ledger, compare, and read the register.
 * Nothing of what was sent, and of how it ended, is handed to it.
 */
export async function findDoubles(
  database: Database,
  target: VoucherTarget,
  { company, code, book }: Pick<LedgerConfig, "company" | "code" | "book">,
  period: Period,
): Promise<Finding> {
  const product = createReconciliationActivities({
    store: reconciliationStore(database),
    exceptions: exceptionStore(database),
    targets: () => target,
    sources: () => {
      throw new Error("the torture has no warehouse");
    },
    sourcesOf: () => [],
    bookOf: () => book,
    stockAccountsOf: () => ["1405"],
    rulesOf: () => standardRules("cas"),
  });
  await product.landLedger({ company, ledger: code, periods: [period] });
  await product.compare({ company, ledger: code });
  const { rows } = await database.pool.query<{ key: string }>(
    `SELECT jsonb_array_elements_text(evidence -> 'postingKeys') AS key FROM exceptions
     WHERE company = $1 AND state = 'open' AND cause = $3 AND evidence ->> 'ledger' = $2`,
    [company, code, POSTED_TWICE],
  );
  return { keys: new Set(rows.map(({ key }) => key)), paused: (await ledgerState(database, code)).paused };
}
