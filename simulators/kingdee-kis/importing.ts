/** 文件 → 引入标准格式凭证: reads a voucher file, and writes what it holds into the books. */

import type { ArmedFault } from "../shared/faults.ts";
import { DbfError, readDbf } from "./dbf.ts";
import { entriesOf, missingColumn, PROFESSIONAL_LAYOUT, STANDARD_LAYOUT } from "./dbf-layouts.ts";
import { readSheet, type SheetNames } from "./excel-layouts.ts";
import { type FileEntry, type FileVoucher, inputOf, vouchersOf } from "./file-entry.ts";
import { type Origin, Refusal, type VoucherInput } from "./model.ts";
import type { Receipt, ReceiptLine } from "./receipt.ts";
import { CURRENCY, type World } from "./world.ts";

/** A file as the program understands it, before anything is written. */
export type Opened = { entries: number; vouchers: readonly FileVoucher[]; refusedWhole: string | undefined };

/** Never throws: what cannot be opened is refused as a whole, with the program's text. */
export async function openVoucherFile(bytes: Uint8Array, world: World): Promise<Opened> {
  try {
    const entries = await entriesIn(bytes, world);
    if (entries.length === 0) throw new Refusal("文件中没有凭证");
    return { entries: entries.length, vouchers: vouchersOf(entries), refusedWhole: undefined };
  } catch (error) {
    if (!(error instanceof Refusal) && !(error instanceof DbfError)) throw error;
    return { entries: 0, vouchers: [], refusedWhole: error.message };
  }
}

async function entriesIn(bytes: Uint8Array, world: World): Promise<FileEntry[]> {
  if (world.dialect === "excel") return readSheet(bytes, world.settings.excelFormats, sheetNames(world));
  const table = readDbf(bytes);
  const missing = missingColumn(table);
  if (missing !== undefined) throw new Refusal(`文件缺少字段${missing}`);
  const entries = entriesOf(table, world.dialect === "standard" ? STANDARD_LAYOUT : PROFESSIONAL_LAYOUT);
  // A void voucher of an export comes back as one more record with FDeleted: it is passed over.
  return entries.filter(({ invalid }) => !invalid);
}

export function sheetNames(world: World): SheetNames {
  return {
    account: (number) => world.ledger.accounts.get(number)?.name ?? "",
    currencyName: CURRENCY.name,
    currencyCode: CURRENCY.code,
  };
}

/**
 * Writes the vouchers of an opened file into the books, one by one, and notes each of them.
 *
 * @param fault  session-lost-mid-batch stops after some, batch-element-refused refuses one, batch-element-unnamed leaves one
 *   out of the receipt, already-exists says of each that it was there, reorder takes them in another order
 */
export function importOpened(
  opened: Opened,
  file: string,
  by: Origin,
  world: World,
  fault: ArmedFault | undefined,
): Receipt {
  const receipt = (lines: readonly ReceiptLine[], refusedWhole = opened.refusedWhole): Receipt => ({
    file,
    bookName: world.ledger.book.name,
    at: new Date(world.now() + CHINA_OFFSET_MS).toISOString().slice(0, 19).replace("T", " "),
    entries: opened.entries,
    lines,
    refusedWhole,
  });
  if (opened.refusedWhole !== undefined) return receipt([]);
  const places = opened.vouchers.map((_, index) => index);
  const order = fault?.kind === "reorder" ? world.random.shuffled(places) : places;
  if (world.settings.wholeFile) {
    const refused = order.map((place) => dryRun(opened, place, world)).find((line) => line !== undefined);
    if (refused !== undefined) return receipt([refused]);
  }
  const lines: ReceiptLine[] = [];
  for (const [done, place] of order.entries()) {
    if (fault?.kind === "session-lost-mid-batch" && done >= fault.after) break;
    if (fault?.kind === "batch-element-unnamed" && place === fault.index) {
      if (fault.done) takeOne(opened, place, by, world);
      continue;
    }
    lines.push(
      fault?.kind === "batch-element-refused" && place === fault.index
        ? refusedLine(opened, place, new Refusal(fault.message ?? "该凭证正被其他用户使用"))
        : takeOne(opened, place, by, world),
    );
  }
  if (fault?.kind !== "already-exists") return receipt(lines.toSorted((left, right) => left.place - right.place));
  return receipt(
    lines.map((line) =>
      line.taken ? refusedLine(opened, line.place - 1, new Refusal(fault.message ?? "凭证已经存在")) : line,
    ),
  );
}

const CHINA_OFFSET_MS = 8 * 3_600_000;

function headOf(opened: Opened, place: number): Pick<ReceiptLine, "place" | "date" | "group" | "fileNumber"> {
  const voucher = opened.vouchers[place];
  return {
    place: place + 1,
    date: voucher?.date ?? "",
    group: voucher?.group ?? "",
    fileNumber: voucher?.number ?? "",
  };
}

function refusedLine(opened: Opened, place: number, { row, message }: Refusal): ReceiptLine {
  return { ...headOf(opened, place), taken: false, row, message };
}

function inputAt(opened: Opened, place: number, world: World): VoucherInput {
  const voucher = opened.vouchers[place];
  if (voucher === undefined) throw new Refusal("凭证没有分录");
  const slots = world.settings.fixedSlots ? [...world.ledger.classes.values()] : [];
  return inputOf(voucher, { fixedSlots: new Map(slots.map(({ name, slot }) => [name, slot])) });
}

function takeOne(opened: Opened, place: number, by: Origin, world: World): ReceiptLine {
  try {
    const voucher = world.ledger.create(inputAt(opened, place, world), by);
    return { ...headOf(opened, place), taken: true, number: voucher.number };
  } catch (error) {
    if (error instanceof Refusal) return refusedLine(opened, place, error);
    throw error;
  }
}

/** @returns the line that stops the whole file, or undefined when the voucher would be taken */
function dryRun(opened: Opened, place: number, world: World): ReceiptLine | undefined {
  try {
    world.ledger.check(inputAt(opened, place, world));
    return undefined;
  } catch (error) {
    if (error instanceof Refusal) return refusedLine(opened, place, error);
    throw error;
  }
}
