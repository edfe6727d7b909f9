import { expect, test } from "vitest";
import { parseCsv, separatorOf, withoutFormula, writeCsv } from "./csv.ts";
import { FilesSettings } from "./settings.ts";
import { decodeText } from "./text-encoding.ts";

const { limits } = FilesSettings.parse({});
const rows = (text: string, separator = ",") => parseCsv(text, separator, limits).map(({ cells }) => cells);

test("quoted cells hold separators, line ends and quotes, and rows keep the number a person sees", () => {
  expect(parseCsv('a,"b,1","c ""q"""\r\n\r\n"x\ny",,z\n', ",", limits)).toEqual([
    { number: 1, cells: ["a", "b,1", 'c "q"'] },
    { number: 3, cells: ["x\ny", "", "z"] },
  ]);
  expect(rows("a,\nb,c")).toEqual([
    ["a", ""],
    ["b", "c"],
  ]);
  expect(rows("a,")).toEqual([["a", ""]]);
});

test("text behind a quoted cell and an open quotation mark are mistakes of the file", () => {
  expect(() => rows('a\n"b"c')).toThrow(/第 2 行/);
  expect(() => rows('a\n"b')).toThrow(/引号没有结束/);
});

test.each([
  ["单号\t日期\t数量", "\t"],
  ["单号;日期;数量", ";"],
  ['"a;b;c;d",日期', ","],
  ["单号", ","],
])("the separator of %j is found", (text, separator) => {
  expect(separatorOf(text)).toBe(separator);
});

test("GBK, UTF-8 with and without mark and UTF-16 are told apart", () => {
  const gbk = Buffer.from("d6d0cec4", "hex");
  expect(decodeText(gbk, "auto")).toEqual({ text: "中文", encoding: "gb18030" });
  expect(decodeText(Buffer.from("中文"), "auto")).toEqual({ text: "中文", encoding: "utf-8" });
  expect(decodeText(Buffer.from("\uFEFF中文"), "gb18030")).toEqual({ text: "中文", encoding: "utf-8" });
  expect(decodeText(Buffer.from("\uFEFF中文", "utf16le"), "auto")).toEqual({ text: "中文", encoding: "utf-16le" });
  expect(() => decodeText(gbk, "utf-8")).toThrow(/不是 UTF-8/);
  expect(() => decodeText(Buffer.from([0x50, 0, 1]), "auto")).toThrow(/不是/);
});

test("what a spreadsheet would run is neutralised, a negative number is not touched", () => {
  expect(["=1+1", "+cmd|x", "@SUM(A1)", "-2+3", "\tx"].map(withoutFormula)).toEqual([
    "'=1+1",
    "'+cmd|x",
    "'@SUM(A1)",
    "'-2+3",
    "'\tx",
  ]);
  expect(["-5", "-5.20", "abc", ""].map(withoutFormula)).toEqual(["-5", "-5.20", "abc", ""]);
  expect(writeCsv([["a,b", '=HYPERLINK("x")']])).toBe('\uFEFF"a,b","\'=HYPERLINK(""x"")"\r\n');
});
