import { expect, test } from "vitest";
import { DbfError, readDbf, writeDbf } from "./dbf.ts";
import { cutGbk, decodeGbk, encodeGbk, gbkLength } from "./gbk.ts";

/** A table as FoxPro writes it, byte by byte: version 0x30 with its 263 bytes of backlink. */
function foxProFile(): Buffer {
  const columns: [name: string, type: string, length: number, decimals: number][] = [
    ["FEXP", "C", 6, 0],
    ["FAMOUNT", "B", 8, 2],
    ["FCOUNT", "I", 4, 0],
    ["FMONEY", "Y", 8, 4],
    ["FDATE", "T", 8, 0],
    ["FPOSTED", "L", 1, 0],
  ];
  const recordLength = 1 + columns.reduce((sum, [, , length]) => sum + length, 0);
  const headerLength = 32 + columns.length * 32 + 1 + 263;
  const file = Buffer.alloc(headerLength + 2 * recordLength + 1);
  file[0] = 0x30;
  file.writeUInt32LE(2, 4);
  file.writeUInt16LE(headerLength, 8);
  file.writeUInt16LE(recordLength, 10);
  file[29] = 0x7a;
  columns.forEach(([name, type, length, decimals], index) => {
    const at = 32 + index * 32;
    file.write(name, at, "latin1");
    file.write(type, at + 11, "latin1");
    file[at + 16] = length;
    file[at + 17] = decimals;
  });
  file[32 + columns.length * 32] = 0x0d;
  const record = (at: number, mark: string): void => {
    file.write(mark, at, "latin1");
    Buffer.from([0xc8, 0xeb, 0xbf, 0xe2, 0x20, 0x20]).copy(file, at + 1);
    file.writeDoubleLE(-1234567.89, at + 7);
    file.writeInt32LE(-7, at + 15);
    file.writeBigInt64LE(1285000n, at + 19);
    file.writeInt32LE(2460707, at + 27);
    file.write("T", at + 35, "latin1");
  };
  record(headerLength, " ");
  record(headerLength + recordLength, "*");
  file[file.length - 1] = 0x1a;
  return file;
}

test("a FoxPro table is read with its binary columns, and a deleted record is not", () => {
  const table = readDbf(foxProFile());
  expect(table.columns.map(({ name }) => name)).toEqual(["FEXP", "FAMOUNT", "FCOUNT", "FMONEY", "FDATE", "FPOSTED"]);
  expect(table.rows).toEqual([["入库", "-1234567.89", "-7", "128.5000", "20250131", "T"]]);
});

test("a file that ends too early, or is no table, is refused", () => {
  const file = foxProFile();
  expect(() => readDbf(file.subarray(0, file.length - 40))).toThrow("记录数与文件长度不符");
  expect(() => readDbf(file.subarray(0, 100))).toThrow(DbfError);
  expect(() => readDbf(Buffer.from("<html></html>".padEnd(200)))).toThrow("不是有效的DBF文件");
  const wrong = Buffer.from(file);
  wrong.writeUInt16LE(99, 10);
  expect(() => readDbf(wrong)).toThrow("记录长度与字段不符");
});

test("what is written is a dBase III table of code page 936 that reads back", () => {
  const columns = [
    { name: "FDate", type: "D", length: 8, decimals: 0 },
    { name: "FExp", type: "C", length: 10, decimals: 0 },
    { name: "FDebit", type: "N", length: 9, decimals: 2 },
  ];
  const bytes = writeDbf({ columns, rows: [["20250131", "入库单一二三", "-1.50"]] }, Date.UTC(2025, 0, 31));
  expect([bytes[0], bytes[1], bytes[2], bytes[3], bytes[29], bytes.at(-1)]).toEqual([3, 25, 1, 31, 0x7a, 0x1a]);
  expect(decodeGbk(bytes.subarray(32, 37))).toBe("FDATE");
  // Ten bytes hold five characters; numbers stand at the right of their column.
  expect(decodeGbk(bytes.subarray(bytes.length - 20, bytes.length - 1))).toBe("入库单一二    -1.50");
  expect(readDbf(bytes).rows).toEqual([["20250131", "入库单一二", "-1.50"]]);
});

test("GBK: two bytes for a Chinese character, one for a letter, a question mark for what it lacks", () => {
  expect([...encodeGbk("中A")]).toEqual([0xd6, 0xd0, 0x41]);
  expect([...encodeGbk("😀")]).toEqual([0x3f]);
  expect(gbkLength("暂估入库 1")).toBe(10);
  expect(cutGbk("暂估入库", 5)).toBe("暂估");
});
