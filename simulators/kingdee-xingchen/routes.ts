/** Which operation answers which path: everything else is "API not found" at the gateway. */

import { BASE_RESOURCES, detailOperation, listOperation, saveOperation } from "./base-wire.ts";
import { BILL_KINDS } from "./bills.ts";
import type { Operation } from "./call.ts";
import { commonOperate } from "./common-operate.ts";
import { accountBalances, quantityBalances, subLedger } from "./reports.ts";
import {
  dealWithDifferences,
  listBills,
  listInventory,
  listMovements,
  saveBill,
  stockOfItem,
  viewBill,
} from "./stock-operations.ts";
import { currentUser, customFields, systemParameters } from "./system-operations.ts";
import {
  listAttachments,
  listVouchers,
  listVoucherTypes,
  reverseVouchers,
  saveVouchers,
  viewVoucher,
} from "./voucher-operations.ts";

const ROUTES = new Map<string, Operation>([
  ["POST fi/voucher", saveVouchers],
  ["GET fi/voucher", listVouchers],
  ["GET fi/voucher_detail", viewVoucher],
  ["POST fi/voucher_reverse", reverseVouchers],
  ["GET fi/voucher_type", listVoucherTypes],
  ["GET fi/voucher_attachment", listAttachments],
  ["GET fi/account_balance_report", accountBalances],
  ["GET fi/qty_sum", quantityBalances],
  ["GET fi/sub_ledger_report", subLedger],
  ["POST scm/inv_check_bill_gain_loss_deal", dealWithDifferences],
  ["GET scm/inventory", listInventory],
  ["GET scm/inventory_stock", stockOfItem],
  ["GET scm/inv_detail", listMovements],
  ["POST sys/common_operate", commonOperate],
  ["GET sys/current_user_info", currentUser],
  ["GET sys/system_param", systemParameters],
  ["GET sys/custom_field", customFields],
]);

for (const kind of BILL_KINDS) {
  ROUTES.set(`POST scm/${kind.path}`, saveBill(kind));
  ROUTES.set(`GET scm/${kind.path}`, listBills(kind));
  ROUTES.set(`GET scm/${kind.path}_detail`, viewBill(kind));
}

for (const resource of BASE_RESOURCES) {
  ROUTES.set(`GET ${resource.path}`, listOperation(resource));
  ROUTES.set(`GET ${resource.path}_detail`, detailOperation(resource));
  if (resource.saves) ROUTES.set(`POST ${resource.path}`, saveOperation(resource));
}

/** @param path  what follows "/jdy/v2/" */
export function routeOf(method: string, path: string): Operation | undefined {
  return ROUTES.get(`${method.toUpperCase()} ${path}`);
}
