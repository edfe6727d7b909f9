import { existsSync, lutimesSync, readFileSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { SourceRecord, StockSource } from "../contract.ts";
import { type DropFolder, dropFolder, HEADINGS, RECEIPT, workbookOf, zipOf } from "./testing.ts";
import { readXlsx } from "./xlsx.ts";
import { FilesSettings } from "./settings.ts";

let folder: DropFolder;
beforeEach(() => {
  folder = dropFolder();
});
afterEach(() => folder.remove());

const sheet = (...lines: string[]): string => `${[HEADINGS, ...lines].join("\r\n")}\r\n`;
const GOOD = "RK-1,2025-09-01,0012,12.50,W1,100.10";
const all = async (
  source: StockSource,
  cursor = "",
  size = 1_000,
): Promise<{ records: SourceRecord[]; cursor: string }> => {
  const records: SourceRecord[] = [];
  let at = cursor;
  for (let pages = 0; pages < 100; pages += 1) {
    const page = await source.readPage("receipt", at, size);
    records.push(...page.records);
    at = page.cursor;
    if (page.last) break;
  }
  return { records, cursor: at };
};
const byId = (records: readonly SourceRecord[]): Record<string, SourceRecord> =>
  Object.fromEntries(records.map((record) => [record.recordId, record]));

test("a dropped CSV becomes documents, exact and in the company's zone, and is archived", async () => {
  folder.drop("九月.csv", sheet(GOOD, "RK-1,2025-09-01,A,3,W1,", "RK-2,2025/9/1 23:30,B,1,W2,5"));
  const { records } = await all(folder.connect());
  expect(records).toHaveLength(2);
  expect(records[0]?.movements).toMatchObject([
    {
      company: "demo",
      source: "sheets",
      form: "receipt",
      recordId: "RK-1",
      lineId: "1",
      item: "0012",
      quantity: "12.5",
      amount: "100.1",
      kind: "purchase-receipt",
      happenedAt: "2025-08-31T16:00:00.000Z",
      happenedOn: "2025-09-01",
    },
    { lineId: "2", item: "A", quantity: "3" },
  ]);
  expect(records[0]?.movements[1]).not.toHaveProperty("amount");
  expect(records[1]?.movements).toMatchObject([{ happenedAt: "2025-09-01T15:30:00.000Z", happenedOn: "2025-09-01" }]);
  expect(folder.list("入库")).toEqual([]);
  expect(folder.list("archive")).toEqual([expect.stringMatching(/^00000001-[0-9a-f]{8}-九月\.csv$/)]);
  expect(folder.list("errors")).toEqual([]);
});

test("a GBK file and a workbook say the same as a UTF-8 file", async () => {
  const gbk = Buffer.from("b5a5bac52cc8d5c6da2cc9ccc6b7b1e0c2eb2ccafdc1bf2cb2d6bfe22cbdf0b6ee0a", "hex");
  folder.drop("a.csv", Buffer.concat([gbk, Buffer.from("RK-1,2025-09-01,0012,12.50,W1,100.10\n")]));
  const source = folder.connect();
  const [first] = (await all(source)).records;
  const headings = HEADINGS.split(",")
    .map((heading) => `<c t="inlineStr"><is><t>${heading}</t></is></c>`)
    .join("");
  const cells =
    '<c t="inlineStr"><is><t>RK-1</t></is></c><c s="1"><v>45901</v></c><c t="inlineStr"><is><t>0012</t></is></c><c><v>12.5</v></c><c t="inlineStr"><is><t>W1</t></is></c><c><v>100.09999999999999</v></c>';
  folder.drop(
    "b.xlsx",
    workbookOf(`<worksheet><sheetData><row>${headings}</row><row>${cells}</row></sheetData></worksheet>`),
  );
  const [second] = (await all(source)).records;
  expect(second?.digest).toBe(first?.digest);
  expect(second?.updatedAt).not.toBe(undefined);
});

test("a document with a bad row does not enter, the others do, and a copy says in Chinese why", async () => {
  folder.drop(
    "出错.csv",
    sheet(GOOD, "RK-2,2025-09-01,A,三,W1,1", "RK-2,2025-09-01,B,1,W1,1", "RK-3,01/02/2025,C,-1,W1,1"),
  );
  const records = byId((await all(folder.connect())).records);
  expect(records["RK-1"]).toMatchObject({ problems: [] });
  expect(records["RK-2"]).toMatchObject({
    movements: [],
    problems: [{ code: "NUMBER_UNREADABLE", field: "数量", value: "三", lineId: "1" }],
  });
  expect(records["RK-3"]?.problems.map(({ code }) => code)).toEqual(["QUANTITY_NEGATIVE", "DATE_UNREADABLE"]);
  const [copy = ""] = folder.list("errors");
  expect(copy).toMatch(/^00000001-[0-9a-f]{8}-出错\.csv$/);
  const lines = readFileSync(join(folder.root, "errors", "receipt", copy), "utf8").split("\r\n");
  expect(lines[0]).toBe(`\uFEFF${HEADINGS},错误原因`);
  expect(lines[1]).toBe(`${GOOD},`);
  expect(lines[2]).toContain("「数量」不是普通的十进制数字（三）");
  expect(lines[3]).toContain("同一单据的第 3 行有错，整张单据没有导入");
  expect(lines[4]).toContain("「日期」日期无法识别（01/02/2025）");
});

test("the corrected copy is dropped as it is: what was good stays unchanged, what was bad enters", async () => {
  const source = folder.connect();
  folder.drop("x.csv", sheet(GOOD, "RK-2,2025-09-01,A,三,W1,1"));
  const first = await all(source);
  const [copy = ""] = folder.list("errors");
  const text = readFileSync(join(folder.root, "errors", "receipt", copy), "utf8");
  folder.drop("x.csv", text.replace("三", "3"));
  const second = byId((await all(source, first.cursor)).records);
  expect(second["RK-1"]?.digest).toBe(byId(first.records)["RK-1"]?.digest);
  expect(second["RK-2"]).toMatchObject({ problems: [], movements: [{ quantity: "3" }] });
});

test("the copy of a workbook is a workbook in which nothing is a formula", async () => {
  const headings = HEADINGS.split(",")
    .map((heading) => `<c t="inlineStr"><is><t>${heading}</t></is></c>`)
    .join("");
  const cells = ["RK-1", "2025-09-01", "=cmd|' /C calc'!A0", "1", "W1", "1"]
    .map((text) => `<c t="inlineStr"><is><t>${text}</t></is></c>`)
    .join("");
  folder.drop(
    "坏.xlsx",
    workbookOf(`<worksheet><sheetData><row>${headings}</row><row>${cells}</row></sheetData></worksheet>`),
  );
  const { records } = await all(folder.connect());
  expect(records[0]?.problems).toMatchObject([{ code: "RECORD_UNREADABLE", field: "商品编码" }]);
  const [copy = ""] = folder.list("errors");
  const bytes = readFileSync(join(folder.root, "errors", "receipt", copy));
  const rows = readXlsx(bytes, undefined, FilesSettings.parse({}).limits);
  expect(rows[1]?.cells[2]).toBe("=cmd|' /C calc'!A0");
  expect(rows[1]?.cells[6]).toMatch(/来源记录的结构与配置不符/);
  expect(bytes.includes("<f>")).toBe(false);
});

test("the same content under any name is set aside with a note, and read once", async () => {
  const source = folder.connect();
  folder.drop("a.csv", sheet(GOOD));
  const { cursor } = await all(source);
  folder.drop("b.csv", sheet(GOOD));
  expect((await all(source, cursor)).records).toEqual([]);
  expect(folder.list("archive")).toHaveLength(1);
  const [, note = ""] = folder.list("duplicates");
  expect(readFileSync(join(folder.root, "duplicates", "receipt", note), "utf8")).toContain("「a.csv」完全相同");
});

test("a file still being written is left alone, and so are locks, downloads and other programs' files", async () => {
  const source = folder.connect({ settleMs: 3_600_000 });
  folder.drop("a.csv", sheet(GOOD));
  expect((await all(source)).records).toEqual([]);
  expect(folder.list("入库")).toEqual(["a.csv"]);
  for (const name of ["~$a.xlsx", "b.csv.crdownload", ".c.csv", "d.docx"]) folder.drop(name, sheet(GOOD));
  expect((await all(folder.connect())).records).toHaveLength(1);
  expect(folder.list("入库")).toEqual([".c.csv", "b.csv.crdownload", "d.docx", "~$a.xlsx"]);
});

test.each([
  ["without a column", "a.csv", "单号,数量\n1,2\n", "FORM_FIELD_GONE", /日期、商品编码、仓库、金额/],
  ["that is empty", "a.csv", "", "FILE_UNREADABLE", /空的/],
  ["cut in half", "a.xlsx", Buffer.from("PK\u0003\u0004half"), "FILE_UNREADABLE", /不完整/],
  [
    "that is a bomb",
    "a.xlsx",
    zipOf([{ name: "xl/workbook.xml", content: Buffer.alloc(3_000_000), claimed: 5 }]),
    "FILE_UNREADABLE",
    /压缩炸弹/,
  ],
])(
  "a file %s is rejected with its reason, and a good one of the same name cures it",
  async (_what, name, content, code, reason) => {
    const source = folder.connect({ limits: { unpackedBytes: 1_000_000 } });
    folder.drop(name, content);
    const first = await all(source);
    expect(first.records).toMatchObject([{ recordId: `file/${name}`, problems: [{ code }], movements: [] }]);
    expect(first.records[0]?.problems[0]?.value).toMatch(reason);
    expect(folder.list("rejected")).toHaveLength(1);
    const [note = ""] = folder.list("errors");
    expect(readFileSync(join(folder.root, "errors", "receipt", note), "utf8")).toMatch(reason);
    if (!name.endsWith(".csv")) return;
    folder.drop(name, sheet(GOOD));
    const second = byId((await all(source, first.cursor)).records);
    expect(second[`file/${name}`]).toMatchObject({ problems: [] });
    expect(second["RK-1"]?.movements).toHaveLength(1);
  },
);

test("a rejected file that a person takes away is absent, and a file too large is never read", async () => {
  const source = folder.connect({ limits: { fileBytes: 50 } });
  folder.drop("a.csv", sheet(GOOD));
  const { records } = await all(source);
  expect(records[0]?.problems[0]?.value).toMatch(/超过上限 50/);
  unlinkSync(join(folder.root, "rejected", "receipt", folder.list("rejected")[0] ?? ""));
  expect((await folder.connect().readRecords("receipt", ["file/a.csv"])).size).toBe(0);
});

test("a row without a number is reported in the file's own record, and enters nothing", async () => {
  folder.drop("a.csv", sheet(GOOD, ",2025-09-01,A,1,W1,1"));
  const records = byId((await all(folder.connect())).records);
  expect(records["file/a.csv"]?.problems).toMatchObject([{ code: "FIELD_MISSING", field: "第 3 行" }]);
  expect(records["RK-1"]?.movements).toHaveLength(1);
});

test("a document that comes again is what the newest file says, also when everything is read anew", async () => {
  const source = folder.connect();
  folder.drop("a.csv", sheet(GOOD, "RK-2,2025-09-01,A,1,W1,1"));
  await all(source);
  folder.drop("b.csv", sheet(GOOD.replace("12.50", "13")));
  for (const reader of [source, folder.connect()]) {
    const { records } = await all(reader, "", 1);
    expect(records.map(({ recordId, movements }) => [recordId, movements[0]?.quantity])).toEqual([
      ["RK-2", "1"],
      ["RK-1", "13"],
    ]);
    const found = await reader.readRecords("receipt", ["RK-1", "RK-9"]);
    expect([...found.keys()]).toEqual(["RK-1"]);
    expect(found.get("RK-1")?.movements[0]?.quantity).toBe("13");
  }
});

test("a read over several pages meets no document twice, even when one comes again meanwhile", async () => {
  const source = folder.connect();
  folder.drop("a.csv", sheet(GOOD, "RK-2,2025-09-01,A,1,W1,1", "RK-3,2025-09-01,A,1,W1,1"));
  const first = await source.readPage("receipt", "", 1);
  expect(first).toMatchObject({ last: false, records: [{ recordId: "RK-1" }] });
  folder.drop("b.csv", sheet(GOOD.replace("12.50", "13")));
  await folder.connect().readPage("receipt", "", 10);
  const rest = await all(source, first.cursor, 1);
  expect(rest.records.map(({ recordId }) => recordId)).toEqual(["RK-2", "RK-3"]);
  expect((await all(source, rest.cursor)).records.map(({ recordId }) => recordId)).toEqual(["RK-1"]);
});

test("work that broke off after the move is finished by the next look", async () => {
  folder.drop("a.csv", sheet(GOOD, "RK-2,2025-09-01,A,三,W1,1"));
  await all(folder.connect());
  rmSync(join(folder.root, ".entries"), { recursive: true });
  rmSync(join(folder.root, "errors"), { recursive: true });
  expect((await all(folder.connect())).records).toHaveLength(2);
  expect(folder.list("errors")).toHaveLength(1);
});

test("a share that is not there, or an archived file that is gone, is an error and no deletion", async () => {
  const source = folder.connect();
  folder.drop("a.csv", sheet(GOOD));
  await all(source);
  const [archived = ""] = folder.list("archive");
  unlinkSync(join(folder.root, "archive", "receipt", archived));
  await expect(all(folder.connect())).rejects.toThrow(/FILE_UNREADABLE.*a\.csv/);
  rmSync(join(folder.root, "入库"), { recursive: true });
  await expect(all(folder.connect())).rejects.toThrow(/FILE_UNREADABLE/);
});

test("merged cells are filled from above, and another way of understanding asks for another reading", async () => {
  const form = { ...RECEIPT, fillDown: ["单号", "日期"] };
  const source = folder.connect({ forms: { receipt: form } });
  folder.drop("a.csv", sheet(GOOD, ",,A,1,W1,1"));
  const { records } = await all(source);
  expect(records[0]?.movements).toHaveLength(2);
  expect(await source.changeMark("receipt")).not.toBe(await folder.connect().changeMark("receipt"));
});

test("items come from every sheet, balances from the newest alone", async () => {
  const forms = {
    item: { carries: "items", folder: "入库", fields: { item: "商品编码", name: "仓库", unit: "金额" } },
    stock: { carries: "balances", folder: "入库", fields: { item: "商品编码", warehouse: "仓库", quantity: "数量" } },
  };
  const taken = async (name: "items" | "balances", forms: object): Promise<unknown[]> => {
    const rows: unknown[] = [];
    for await (const row of folder.connect({ forms })[name]()) rows.push(row);
    return rows;
  };
  folder.drop("a.csv", sheet("1,,A,5,铁钉,个", "1,,B,6,铁锤,把"));
  await taken("items", { item: forms.item });
  folder.drop("b.csv", sheet("1,,A,7,钉子,个"));
  expect(await taken("items", { item: forms.item })).toMatchObject([
    { code: "B", name: "铁锤", unit: "把" },
    { code: "A", name: "钉子", unit: "个" },
  ]);
  folder.drop("c.csv", sheet("1,,A,5,W1,", "1,,A,6,W1,"));
  expect(await taken("balances", { stock: forms.stock })).toMatchObject([{ quantity: "5" }, { quantity: "6" }]);
  folder.drop("d.csv", sheet("1,,A,9,W1,"));
  expect(await taken("balances", { stock: forms.stock })).toEqual([
    { item: "A", warehouse: "W1", batch: "", quantity: "9" },
  ]);
});

test("the check looks at the folders and takes nothing", async () => {
  folder.drop("a.csv", sheet(GOOD));
  const stages = [];
  for await (const stage of folder
    .connect({ forms: { receipt: RECEIPT, other: { ...RECEIPT, folder: "没有" } } })
    .check())
    stages.push(stage);
  expect(stages.map(({ state }) => state)).toEqual(["ok", "ok", "ok", "failed", "ok"]);
  expect(stages[2]?.message.zh).toContain("1 个文件待取");
  expect(folder.list("入库")).toEqual(["a.csv"]);
});

test("an entry that cannot be read stops the reading instead of forgetting the file", async () => {
  folder.drop("a.csv", sheet(GOOD));
  await all(folder.connect());
  const [entry = ""] = folder.list(".entries");
  writeFileSync(join(folder.root, ".entries", "receipt", entry), "{");
  await expect(all(folder.connect())).rejects.toThrow(/FILE_UNREADABLE/);
  expect(existsSync(join(folder.root, "archive", "receipt"))).toBe(true);
});

test("a link is left alone, and the longest name that a folder holds is taken", async () => {
  writeFileSync(join(folder.root, "secret.txt"), sheet(GOOD.replace("RK-1", "secret")));
  symlinkSync(join(folder.root, "secret.txt"), join(folder.root, "入库", "link.csv"));
  lutimesSync(join(folder.root, "入库", "link.csv"), 0, 0);
  folder.drop(`${"长".repeat(83)}.csv`, sheet(GOOD, "RK-2,2025-09-01,A,x,W1,1"));
  expect((await all(folder.connect())).records.map(({ recordId }) => recordId)).toEqual(["RK-1", "RK-2"]);
  expect(folder.list("入库")).toEqual(["link.csv"]);
  expect(folder.list("errors")).toHaveLength(1);
});
