import { dimensionKinds } from "../../domain/voucher.ts";
import type { TargetCapabilities } from "../contract.ts";
import { PROFESSIONAL, STANDARD } from "./dbf-layouts.ts";
import { classOf, keyLength, summaryRoom } from "./entries.ts";
import type { KingdeeKisSettings } from "./settings.ts";
import { NUMBER_MAX } from "./voucher-file.ts";

/** A cell keeps fifteen digits, the two decimals of an amount among them. */
const CELL_DIGITS = 13;

/**
 * What a 账套 holds that is reached by files. It cannot be asked: a person's log or a re-export is its only word, so a
 * second file goes out when the first is settled, and nothing is sent twice on a guess.
 */
export const capabilitiesOf = (settings: KingdeeKisSettings): TargetCapabilities => {
  const amount = columnOf("FDEBIT", settings);
  const quantity = columnOf("FQTY", settings);
  const cellDigits = settings.dialect === "excel" ? CELL_DIGITS : Number.POSITIVE_INFINITY;
  return {
    batchMax: settings.vouchersPerFileMax,
    keyGuard: "receipt",
    keyLength: keyLength(settings),
    stages: ["saved"],
    red: "negative",
    asynchronous: true,
    dimensions: dimensionKinds.filter((kind) => classOf(kind, settings) !== undefined),
    // What the program refuses it says to the person who imports. Which periods are closed only the settings can tell.
    checks: {
      period: settings.closedThrough === undefined ? "nobody" : "us",
      account: "nobody",
      dimension: "nobody",
      code: "nobody",
      balance: "us",
    },
    // A workbook leaves void vouchers out: there they are missed, and not seen.
    people: { edit: true, unaudit: true, delete: true, void: settings.dialect !== "excel", copy: "with-key" },
    linesMax: settings.linesMax,
    // Every 摘要 of a voucher gives way to the key that stands in the first.
    summaryMax: summaryRoom(settings),
    text: { measure: "gbk-bytes", repertoire: "gbk" },
    amountDecimals: amount.decimals,
    amountDigits: Math.min(amount.digits, cellDigits),
    quantities: true,
    quantityDecimals: quantity.decimals,
    quantityDigits: Math.min(quantity.digits, cellDigits),
    vouchersPerPeriodMax: NUMBER_MAX,
    // An export of vouchers has no opening balances.
    readsBalances: false,
    readsQuantities: true,
  };
};

const columnOf = (name: string, settings: KingdeeKisSettings): { decimals: number; digits: number } => {
  const layout = settings.dialect === "standard" ? STANDARD : PROFESSIONAL;
  const column = layout.columns.find((one) => one.name.toUpperCase() === name);
  if (column === undefined) throw new RangeError(`the layout has no column ${name}`);
  return { decimals: column.decimals, digits: column.length - column.decimals - 1 };
};
