import type { LedgerDesk } from "../activities/ledger.ts";
import { type Database, inTransaction } from "../db/database.ts";
import { draftingStores } from "../db/drafting-stores.ts";
import type { InstallationVersion } from "../db/installation-store.ts";
import * as postingStore from "../db/posting-store.ts";
import { dayInZone, instant } from "../domain/dates.ts";
import { booksOf } from "../mappings/applied.ts";
import { regrouped } from "../mappings/grouping.ts";
import type { Metrics } from "../observability/metrics.ts";
import type { Connectors } from "./connectors.ts";

/** Everything the posting of one ledger needs, built once per ledger from what was applied: no file is read. */
export const openLedgers = (
  { installation, mappings }: Pick<InstallationVersion, "installation" | "mappings">,
  database: Database,
  connectors: Connectors,
  worker: string,
  heartbeat: (progress: unknown) => void,
  metrics: Metrics,
): ((ledger: string) => LedgerDesk | undefined) => {
  const desks = new Map<string, LedgerDesk>();
  return (code) => {
    const known = desks.get(code);
    if (known !== undefined) return known;
    const ledger = installation.ledgers.find((each) => each.code === code);
    const company = installation.companies.find((each) => each.code === ledger?.company);
    if (ledger === undefined || company === undefined) return undefined;
    const target = connectors.target(code);
    const { rules, chart } = booksOf(ledger, company, mappings);
    const desk: LedgerDesk = {
      database,
      inTransaction,
      stores: draftingStores,
      store: postingStore,
      company,
      ledger,
      sources: installation.sources.filter((source) => source.company === company.code).map((source) => source.code),
      rules: regrouped(rules, ledger.grouping),
      chart,
      target,
      periods: () => target.periods(ledger.book),
      today: () => dayInZone(instant(new Date().toISOString()), company.zone),
      worker,
      timing: { leaseMs: ledger.leaseMs, deadlineMs: ledger.deadlineMs, settlingMs: ledger.settlingMs },
      // One writer per account book is what every vendor bears.
      lanes: 1,
      onStep: async () => undefined,
      heartbeat,
      count: (what, result) => {
        if (what === "send") metrics.sends.inc({ ledger: code, outcome: result });
        else if (what === "look-up") metrics.lookUps.inc({ ledger: code, result });
        else metrics.readBacks.inc({ ledger: code, result });
      },
    };
    desks.set(code, desk);
    return desk;
  };
};
