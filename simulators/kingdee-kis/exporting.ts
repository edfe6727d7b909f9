/** 文件 → 引出标准格式凭证: the vouchers of a period in the layout that the program also imports. */

import { formatDecimal, trimDecimal } from "../shared/decimal.ts";
import { PROFESSIONAL_LAYOUT, STANDARD_LAYOUT, tableOf } from "./dbf-layouts.ts";
import { writeDbf } from "./dbf.ts";
import { writeSheet } from "./excel-layouts.ts";
import type { FileEntry } from "./file-entry.ts";
import { sheetNames } from "./importing.ts";
import { itemKey } from "./ledger.ts";
import type { Entry, Voucher } from "./model.ts";
import type { World } from "./world.ts";

/** @returns the file; void vouchers are marked FDeleted, where the layout has no place for the mark they are left out */
export async function exportVouchers(vouchers: readonly Voucher[], world: World): Promise<Uint8Array> {
  const { dialect, settings } = world;
  if (dialect === "excel") {
    const entries = vouchers.filter(({ invalid }) => !invalid).flatMap((voucher) => entriesFor(voucher, world));
    return writeSheet(entries, settings.excelExport, sheetNames(world));
  }
  const layout = dialect === "standard" ? STANDARD_LAYOUT : PROFESSIONAL_LAYOUT;
  const entries = vouchers.flatMap((voucher) => entriesFor(voucher, world));
  return writeDbf(tableOf(entries, layout), world.now());
}

/** @returns "export-2025-01.dbf" */
export function exportName(period: string, world: World): string {
  return `export-${period}.${world.dialect === "excel" ? "xlsx" : "dbf"}`;
}

function entriesFor(voucher: Voucher, world: World): FileEntry[] {
  return voucher.entries.map((entry, index) => ({
    row: 0,
    date: voucher.date,
    period: String(Number(voucher.date.slice(5, 7))),
    group: voucher.group,
    number: String(voucher.number),
    // From 0, as §11.3 says of 专业版 and integrators' 标准版 files show.
    entryId: String(index),
    summary: entry.summary,
    account: entry.account,
    objects: entry.objects.map((object, at) => ({
      ...object,
      slot: slotFor(object.className, at, world),
      name: world.ledger.items.get(itemKey(object.className, object.code))?.name ?? "",
    })),
    tradeNumber: entry.tradeNumber,
    reference: entry.reference,
    currency: entry.currency,
    rate: formatDecimal(entry.rate),
    side: entry.side,
    ...amountsOf(entry, world),
    unit: entry.unit,
    settleCode: entry.settleCode,
    settleNumber: entry.settleNumber,
    preparer: voucher.preparer,
    attachments: String(voucher.attachments),
    checker: voucher.checker,
    poster: voucher.poster,
    invalid: voucher.invalid,
    serial: String(voucher.id),
  }));
}

function slotFor(className: string, at: number, world: World): number {
  const fixed = world.dialect === "standard" ? (world.ledger.classes.get(className)?.slot ?? 0) : 0;
  return fixed > 0 ? fixed : at + 1;
}

function amountsOf(
  entry: Entry,
  { dialect }: World,
): Pick<FileEntry, "amountFor" | "quantity" | "price" | "debit" | "credit"> {
  const amount = formatDecimal(entry.amount, 2);
  const zero = formatDecimal(0n, 2);
  const isDbf = dialect !== "excel";
  return {
    amountFor: formatDecimal(entry.amountFor, 2),
    debit: entry.side === "D" ? amount : zero,
    credit: entry.side === "C" ? amount : zero,
    quantity: isDbf ? formatDecimal(entry.quantity, dialect === "standard" ? 2 : 8) : trimDecimal(entry.quantity),
    price: isDbf ? formatDecimal(entry.price, dialect === "standard" ? 7 : 8) : trimDecimal(entry.price),
  };
}
