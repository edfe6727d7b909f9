import { writeXlsx } from "hucre/xlsx";
import { expect, test } from "vitest";
import { FilesSettings } from "./settings.ts";
import { workbookOf, zipOf } from "./testing.ts";
import { readXlsx } from "./xlsx.ts";

const { limits } = FilesSettings.parse({});
const sheet = (rows: string): string => `<worksheet><sheetData>${rows}</sheetData></worksheet>`;
const cellsOf = (cells: string, more = {}) =>
  readXlsx(workbookOf(sheet(`<row r="1">${cells}</row>`), more), undefined, limits)[0]?.cells;

test("numeric cells give the digits as stored, also those that no float holds", () => {
  const digits = ["0.30000000000000004", "123456789012345678", "1.1000000000000001", "4.0000000000000001E-3", "12.50"];
  const cells = cellsOf(digits.map((each) => `<c><v>${each}</v></c>`).join(""));
  expect(cells).toEqual(digits.map((double) => ({ double })));
});

test("text stays text, however much it looks like a number", () => {
  const strings =
    "<sst><si><t>0012</t></si><si><r><t>富</t></r><r><t xml:space='preserve'> 文本</t></r><rPh><t>fu</t></rPh></si></sst>";
  expect(
    cellsOf('<c t="s"><v>0</v></c><c t="s"><v>1</v></c><c t="inlineStr"><is><t>1e5</t></is></c>', { strings }),
  ).toEqual(["0012", "富 文本", "1e5"]);
});

test("a serial day shows as the wall clock of its format, in both date systems", () => {
  expect(cellsOf('<c s="1"><v>45901</v></c><c s="2"><v>45901.354166666664</v></c><c s="1"><v>1</v></c>')).toEqual([
    { double: "45901", local: "2025-09-01T00:00:00.000" },
    { double: "45901.354166666664", local: "2025-09-01T08:30:00.000" },
    { double: "1", local: "1900-01-01T00:00:00.000" },
  ]);
  expect(cellsOf('<c s="1"><v>44439</v></c>', { from1904: true })).toEqual([
    { double: "44439", local: "2025-09-01T00:00:00.000" },
  ]);
});

test("a number whose format is zeros shows its leading zeros", () => {
  expect(cellsOf('<c s="3"><v>12</v></c>')).toEqual([{ double: "12", shown: "00012" }]);
});

test("cells stand where their reference says, and an error or an uncomputed formula is no value", () => {
  expect(
    cellsOf(
      '<c r="B1"><v>1</v></c><c r="D1" t="e"><v>#N/A</v></c><c r="E1"><f>A1*2</f></c><c r="F1"><f>1+1</f><v>2</v></c>',
    ),
  ).toEqual([undefined, { double: "1" }, undefined, { double: "#N/A" }, { double: "=A1*2" }, { double: "2" }]);
});

test("what another program writes is read as it was meant", async () => {
  const bytes = await writeXlsx({
    sheets: [
      {
        name: "S",
        rows: [
          ["编码", "数量"],
          ["0012", 12.5],
          ["<&\">'😀", 3],
        ],
      },
    ],
  });
  expect(readXlsx(Buffer.from(bytes), undefined, limits).map(({ cells }) => cells)).toEqual([
    ["编码", "数量"],
    ["0012", { double: "12.5" }],
    ["<&\">'😀", { double: "3" }],
  ]);
});

test("a sheet is found by name, and a hidden one is not the first", () => {
  expect(() => readXlsx(workbookOf(sheet("")), "没有", limits)).toThrow(/没有名为「没有」的工作表/);
  expect(readXlsx(workbookOf(sheet("<row><c><v>1</v></c></row>")), "明细", limits)).toHaveLength(1);
});

test("a bomb is refused by what it claims, and by what it unpacks to when it lies", () => {
  const bomb = Buffer.alloc(5_000_000, " ");
  const small = { ...limits, unpackedBytes: 1_000_000 };
  for (const claimed of [bomb.length, 10]) {
    const bytes = zipOf([{ name: "xl/workbook.xml", content: bomb, claimed }]);
    expect(bytes.length).toBeLessThan(10_000);
    expect(() => readXlsx(bytes, undefined, small)).toThrow(/压缩炸弹/);
  }
});

test("many parts that are small one by one do not pass the limit together", () => {
  const strings = `<sst>${" ".repeat(600_000)}</sst>`;
  const bytes = workbookOf(`<worksheet>${" ".repeat(600_000)}</worksheet>`, { strings });
  expect(() => readXlsx(bytes, undefined, { ...limits, unpackedBytes: 1_000_000 })).toThrow(/压缩炸弹/);
});

test.each([
  ['<!DOCTYPE x [<!ENTITY a "b">]><worksheet/>', /文档类型/],
  ["<worksheet><sheetData>", /不完整/],
  ["<worksheet><a></b></worksheet>", /损坏/],
  [`${"<a>".repeat(100)}${"</a>".repeat(100)}`, /嵌套过深/],
])("the sheet %s is refused", (xml, reason) => {
  expect(() => readXlsx(workbookOf(xml), undefined, limits)).toThrow(reason);
});

test("entities of no document type stay what they are", () => {
  expect(cellsOf('<c t="inlineStr"><is><t>&xxe;&#65;&amp;amp;</t></is></c>')).toEqual(["&xxe;A&amp;"]);
});

test.each([
  ["half a file", workbookOf(sheet("")).subarray(0, 200), /不完整/],
  ["no archive", Buffer.from("hello"), /不完整/],
  ["an old or encrypted workbook", Buffer.from("d0cf11e0a1b11ae1", "hex"), /另存为/],
])("%s is refused with a reason", (_name, bytes, reason) => {
  expect(() => readXlsx(bytes, undefined, limits)).toThrow(reason);
});

test("rows and columns have limits", () => {
  const rows = sheet("<row><c><v>1</v></c></row>".repeat(5));
  expect(() => readXlsx(workbookOf(rows), undefined, { ...limits, rows: 3 })).toThrow(/行数超过上限 3/);
  expect(() => readXlsx(workbookOf(sheet('<row r="7"><c r="ZZ7"><v>1</v></c></row>')), undefined, limits)).toThrow(
    /第 7 行的列数超过上限/,
  );
});
