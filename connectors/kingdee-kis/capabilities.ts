import type { TargetCapabilities } from "../contract.ts";
import { PROFESSIONAL, STANDARD } from "./dbf-layouts.ts";
import { keyLength, summaryBytes } from "./entries.ts";
import type { KingdeeKisSettings } from "./settings.ts";
import { NUMBER_MAX } from "./voucher-file.ts";

/**
 * What a 账套 holds that is reached by files. It cannot be asked: a person's log or a re-export is its only word, so a
 * second file goes out when the first is settled, and nothing is sent twice on a guess.
 */
export const capabilitiesOf = (settings: KingdeeKisSettings): TargetCapabilities => {
  const layout = settings.dialect === "standard" ? STANDARD : PROFESSIONAL;
  const quantity = layout.columns.find(({ name }) => name.toUpperCase() === "FQTY");
  return {
    batchMax: settings.vouchersPerFileMax,
    keyGuard: "none",
    keyLength: keyLength(settings),
    stages: ["saved"],
    red: "negative",
    asynchronous: true,
    linesMax: settings.linesMax,
    // In characters of two bytes; a 摘要 that ends in a key is cut shorter when it is written.
    summaryMax: summaryBytes(settings) / 2,
    amountDecimals: 2,
    quantityDecimals: quantity?.decimals ?? 0,
    vouchersPerPeriodMax: NUMBER_MAX,
    readsBalances: false,
    readsQuantities: true,
  };
};
