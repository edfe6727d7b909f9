import { mkdtempSync, mkdirSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { deflateRawSync } from "node:zlib";
import type { ConnectorContext, StockSource } from "../contract.ts";
import { createFiles } from "./connector.ts";

export interface DropFolder {
  readonly root: string;
  readonly said: string[];
  /** Puts a file there that nobody has touched for a minute. */
  readonly drop: (name: string, content: string | Buffer, folder?: string) => void;
  readonly connect: (settings?: object) => StockSource;
  readonly list: (kind: string) => string[];
  readonly remove: () => void;
}

export const RECEIPT = {
  carries: "movements",
  folder: "入库",
  fields: {
    documentNumber: "单号",
    happenedAt: "日期",
    item: "商品编码",
    quantity: "数量",
    warehouse: "仓库",
    amount: "金额",
  },
  constants: { kind: "purchase-receipt", unit: "件" },
};
export const HEADINGS = "单号,日期,商品编码,数量,仓库,金额";

/** @param aheadMs  how far the connector's clock is ahead, so that fresh files count as settled */
export const dropFolder = (aheadMs = 60_000): DropFolder => {
  const root = mkdtempSync(join(tmpdir(), "zhangshi-drop-"));
  mkdirSync(join(root, "入库"));
  const said: string[] = [];
  const context: ConnectorContext = {
    connection: "drop",
    baseUrl: pathToFileURL(root).href,
    secrets: {},
    pacer: { permit: async () => undefined },
    now: () => new Date(Date.now() + aheadMs),
    log: (message, fields) => said.push(`${message} ${JSON.stringify(fields)}`),
  };
  return {
    root,
    said,
    drop: (name, content, folder = "入库") => {
      const path = join(root, folder, name);
      writeFileSync(path, content);
      const before = new Date(Date.now() - 60_000);
      utimesSync(path, before, before);
    },
    connect: (settings = {}) =>
      createFiles({ company: "demo", source: "sheets", forms: { receipt: RECEIPT }, ...settings }, context),
    list: (kind) => {
      try {
        return readdirSync(join(root, kind, kind === "入库" ? "" : "receipt")).sort();
      } catch {
        return [];
      }
    },
    remove: () => rmSync(root, { recursive: true }),
  };
};

export interface ZipPart {
  readonly name: string;
  readonly content: string | Buffer;
  /** A size to claim instead of the true one. */
  readonly claimed?: number;
}

/** A ZIP archive of these parts, which may lie about themselves. */
export const zipOf = (parts: readonly ZipPart[]): Buffer => {
  const local: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const { name, content, claimed } of parts) {
    const data = Buffer.from(content);
    const packed = deflateRawSync(data);
    const title = Buffer.from(name);
    const sizes = Buffer.alloc(12);
    sizes.writeUInt32LE(crcOf(data), 0);
    sizes.writeUInt32LE(packed.length, 4);
    sizes.writeUInt32LE(claimed ?? data.length, 8);
    const head = Buffer.alloc(14);
    head.writeUInt32LE(0x04034b50, 0);
    head.writeUInt16LE(20, 4);
    head.writeUInt16LE(8, 8);
    const lengths = Buffer.alloc(4);
    lengths.writeUInt16LE(title.length, 0);
    local.push(head, sizes, lengths, title, packed);
    const entry = Buffer.alloc(16);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(20, 4);
    entry.writeUInt16LE(20, 6);
    entry.writeUInt16LE(8, 10);
    const tail = Buffer.alloc(18);
    tail.writeUInt16LE(title.length, 0);
    tail.writeUInt32LE(offset, 14);
    central.push(entry, sizes, tail, title);
    offset += 30 + title.length + packed.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(parts.length, 8);
  end.writeUInt16LE(parts.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...local, directory, end]);
};

const crcOf = (bytes: Buffer): number => {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
};

/** A workbook whose sheet is this XML, with styles: 1 a date, 2 a Chinese date, 3 five zeros. */
export const workbookOf = (
  sheetXml: string,
  more: { readonly strings?: string; readonly from1904?: boolean } = {},
): Buffer =>
  zipOf([
    {
      name: "xl/workbook.xml",
      content: `<?xml version="1.0"?><workbook xmlns:r="r">${more.from1904 === true ? '<workbookPr date1904="1"/>' : ""}<sheets><sheet name="隐藏" sheetId="2" state="hidden" r:id="rId2"/><sheet name="明细" sheetId="1" r:id="rId1"/></sheets></workbook>`,
    },
    {
      name: "xl/_rels/workbook.xml.rels",
      content: '<Relationships><Relationship Id="rId1" Target="worksheets/sheet1.xml"/></Relationships>',
    },
    {
      name: "xl/styles.xml",
      content:
        '<styleSheet><numFmts><numFmt numFmtId="176" formatCode="yyyy&quot;年&quot;m&quot;月&quot;d&quot;日&quot;"/><numFmt numFmtId="177" formatCode="00000"/></numFmts><cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="176"/><xf numFmtId="177"/></cellXfs></styleSheet>',
    },
    ...(more.strings === undefined ? [] : [{ name: "xl/sharedStrings.xml", content: more.strings }]),
    { name: "xl/worksheets/sheet1.xml", content: sheetXml },
  ]);
