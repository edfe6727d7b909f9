import { ZhangshiError } from "../domain/errors.ts";
import type { ConnectorContext, StockDocumentTarget, StockSource, VoucherTarget } from "./contract.ts";
import { createFiles } from "./files/connector.ts";
import { createJiandaoyun } from "./jiandaoyun/connector.ts";
import { createJiandaoyunLedger } from "./jiandaoyun/ledger.ts";
import { createKingdeeCloud } from "./kingdee-cloud/connector.ts";
import { createKingdeeKis } from "./kingdee-kis/connector.ts";
import { createKingdeeXingchen } from "./kingdee-xingchen/connector.ts";
import { createRest } from "./rest/connector.ts";
import { createSapB1 } from "./sap-b1/connector.ts";
import { createSql } from "./sql/connector.ts";
import { createYonyouU8 } from "./yonyou-u8/connector.ts";

/** What one vendor's folder offers: a source of stock movements, a target for vouchers, one for stock documents. */
export interface VendorEntry {
  readonly source?: (settings: unknown, context: ConnectorContext) => StockSource;
  readonly target?: (settings: unknown, context: ConnectorContext) => VoucherTarget;
  /** Built from the same settings as `target`: both are faces of one ledger. */
  readonly stockTarget?: (settings: unknown, context: ConnectorContext) => StockDocumentTarget;
}

/** One line per vendor. */
export const vendors: Readonly<Record<string, VendorEntry>> = {
  "kingdee-cloud": { target: createKingdeeCloud },
  "kingdee-kis": { target: createKingdeeKis },
  "kingdee-xingchen": { target: createKingdeeXingchen },
  "yonyou-u8": { target: createYonyouU8 },
  jiandaoyun: { source: createJiandaoyun, target: createJiandaoyunLedger },
  files: { source: createFiles },
  sql: { source: createSql },
  rest: { source: createRest },
  "sap-b1": { target: createSapB1 },
};

/** @throws ZhangshiError CONFIG_INVALID when the vendor is unknown or takes no vouchers */
export const createTarget = (vendor: string, settings: unknown, context: ConnectorContext): VoucherTarget => {
  const target = entryOf(vendor, context).target;
  if (target === undefined) throw unfit(vendor, context, "takes no vouchers");
  return target(settings, context);
};

/** @throws ZhangshiError CONFIG_INVALID when the vendor is unknown or takes no stock documents */
export const createStockTarget = (
  vendor: string,
  settings: unknown,
  context: ConnectorContext,
): StockDocumentTarget => {
  const target = entryOf(vendor, context).stockTarget;
  if (target === undefined) throw unfit(vendor, context, "takes no stock documents");
  return target(settings, context);
};

/** @throws ZhangshiError CONFIG_INVALID when the vendor is unknown or has no stock movements */
export const createSource = (vendor: string, settings: unknown, context: ConnectorContext): StockSource => {
  const source = entryOf(vendor, context).source;
  if (source === undefined) throw unfit(vendor, context, "is no source of stock movements");
  return source(settings, context);
};

const entryOf = (vendor: string, context: ConnectorContext): VendorEntry => {
  const entry = Object.hasOwn(vendors, vendor) ? vendors[vendor] : undefined;
  if (entry === undefined) throw unfit(vendor, context, `unknown; known are ${Object.keys(vendors).join(", ")}`);
  return entry;
};

const unfit = (vendor: string, context: ConnectorContext, reason: string): ZhangshiError =>
  new ZhangshiError("CONFIG_INVALID", { connection: context.connection, vendor, reason });
