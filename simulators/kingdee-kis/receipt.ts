/**
 * What the person has in hand after an import: the text that the program shows and saves as a log. Its wording is the
 * simulator's choice; no public text exists. GBK, lines end in CR LF.
 */

import { encodeGbk } from "./gbk.ts";

export type ReceiptLine = {
  /** place of the voucher in the file, from 1 */
  place: number;
  date: string;
  /** 凭证字 and 凭证号 of the file */
  group: string;
  fileNumber: string;
} & ({ taken: true; number: number } | { taken: false; row: number; message: string });

export type Receipt = {
  file: string;
  bookName: string;
  /** local time of the machine, "2025-01-31 10:00:00" */
  at: string;
  entries: number;
  lines: readonly ReceiptLine[];
  /** the file was refused as a whole, and why */
  refusedWhole: string | undefined;
};

export function receiptText(receipt: Receipt): string {
  const taken = receipt.lines.filter((line) => line.taken).length;
  const head = [
    "引入凭证日志",
    `账套：${receipt.bookName}`,
    `文件：${receipt.file}`,
    `时间：${receipt.at}`,
    `共读取凭证${receipt.lines.length}张，分录${receipt.entries}条`,
  ];
  if (receipt.refusedWhole !== undefined) return [...head, `引入失败：${receipt.refusedWhole}`, ""].join("\r\n");
  return [
    ...head,
    ...receipt.lines.map(lineText),
    `引入完成：成功${taken}张，失败${receipt.lines.length - taken}张`,
    "",
  ].join("\r\n");
}

function lineText(line: ReceiptLine): string {
  const where = `第${line.place}张 ${line.date} ${line.group}-${line.fileNumber}`;
  if (line.taken) return `${where} 引入成功，凭证号${line.group}-${line.number}`;
  return `${where} 引入失败，${line.row === 0 ? "" : `第${line.row}条记录：`}${line.message}`;
}

export function receiptBytes(receipt: Receipt): Uint8Array {
  return encodeGbk(receiptText(receipt));
}
