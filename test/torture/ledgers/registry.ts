import { jiandaoyun } from "./jiandaoyun.ts";
import { kingdeeCloud } from "./kingdee-cloud.ts";
import type { TortureLedger } from "./ledger.ts";
import { sapB1 } from "./sap-b1.ts";

/** One line per vendor, under its name in the registry of connectors. */
const ledgers: Readonly<Record<string, TortureLedger>> = {
  "kingdee-cloud": kingdeeCloud,
  "sap-b1": sapB1,
  jiandaoyun,
};

export const tortureVendors: readonly string[] = Object.keys(ledgers);

/** @throws Error naming the vendors that are known */
export const tortureLedger = (vendor: string): TortureLedger => {
  const ledger = Object.hasOwn(ledgers, vendor) ? ledgers[vendor] : undefined;
  if (ledger === undefined) throw new Error(`no torture for ${vendor}; there is one for ${tortureVendors.join(", ")}`);
  return ledger;
};
