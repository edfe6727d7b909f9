import { expect, test } from "vitest";
import { ZhangshiError } from "../../domain/errors.ts";
import { readDbf, writeDbf } from "./dbf.ts";

const columns = [
  { name: "FDate", type: "D", length: 8, decimals: 0 },
  { name: "FExp", type: "C", length: 10, decimals: 0 },
  { name: "FDebit", type: "N", length: 9, decimals: 2 },
  { name: "FPosted", type: "L", length: 1, decimals: 0 },
] as const;
const rows = [
  ["20250131", "入库 一", "-128.50", "F"],
  ["20250131", "", "0.00", "T"],
];

test("the bytes are those of a dBase III table in code page 936", () => {
  const file = Buffer.from(writeDbf(columns, rows, "2025-01-31"));
  expect([...file.subarray(0, 4)]).toEqual([0x03, 25, 1, 31]);
  expect([file.readUInt32LE(4), file.readUInt16LE(8), file.readUInt16LE(10), file[29]]).toEqual([2, 161, 29, 0x7a]);
  expect(file.toString("latin1", 32, 39)).toBe("FDATE\0\0");
  expect([file.toString("latin1", 107, 108), file[112], file[113]]).toEqual(["N", 9, 2]);
  expect(file[160]).toBe(0x0d);
  expect(file.subarray(161, 190).toString("hex")).toBe(
    Buffer.concat([
      Buffer.from(" 20250131"),
      Buffer.from([0xc8, 0xeb, 0xbf, 0xe2, 0x20, 0xd2, 0xbb, 0x20, 0x20, 0x20]),
      Buffer.from("  -128.50F"),
    ]).toString("hex"),
  );
  expect(file.at(-1)).toBe(0x1a);
});

test("what is written reads back, and equal content is an equal file", () => {
  const file = writeDbf(columns, rows, "2025-01-31");
  expect(readDbf(file, "a.dbf").map((record) => [...record.values()])).toEqual(rows);
  expect(readDbf(file, "a.dbf")[0]?.get("FDEBIT")).toBe("-128.50");
  expect(writeDbf(columns, rows, "2025-01-31")).toEqual(file);
});

test("a text that does not fit is no reason to cut it", () => {
  expect(() => writeDbf(columns, [["20250131", "入库入库入库", "0", "F"]], "2025-01-31")).toThrow(RangeError);
  expect(() => writeDbf(columns, [["20250131", "😀", "0", "F"]], "2025-01-31")).toThrow(RangeError);
});

test.each<[what: string, damage: (file: Buffer) => Buffer]>([
  ["cut off in a record", (file) => file.subarray(0, file.length - 20)],
  ["cut off in the header", (file) => file.subarray(0, 80)],
  ["empty", () => Buffer.alloc(0)],
  ["a web page", () => Buffer.from("<html><body>502 Bad Gateway</body></html>".padEnd(300))],
  ["with a record length of its own", (file) => Buffer.from(file.fill(99, 10, 11))],
])("a file that is %s is unreadable by name", (_what, damage) => {
  const file = damage(Buffer.from(writeDbf(columns, rows, "2025-01-31")));
  expect(() => readDbf(file, "a.dbf")).toThrow(ZhangshiError);
});

test("deleted records are passed over", () => {
  const file = Buffer.from(writeDbf(columns, rows, "2025-01-31"));
  file[161] = 0x2a;
  expect(readDbf(file, "a.dbf")).toHaveLength(1);
});
