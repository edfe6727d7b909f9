import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { decimal } from "../../domain/decimal.ts";
import { businessDate } from "../../domain/dates.ts";
import { deviationsOf } from "../../domain/read-back.ts";
import type { VoucherDraft } from "../../domain/voucher.ts";
import type { KingdeeKisOptions } from "../../simulators/kingdee-kis/server.ts";
import { keyInFile } from "./entries.ts";
import { readExport } from "./exported-vouchers.ts";
import type { KingdeeKisSettings } from "./settings.ts";
import { type Kis, receiptDraft, settingsFor, startKis, withLine } from "./testing.ts";
import { filesOf, isOurName, writeVoucherFile } from "./voucher-file.ts";

const running: Kis[] = [];
afterEach(async () => {
  for (const kis of running.splice(0)) await kis.close();
});
const start = async (options: KingdeeKisOptions): Promise<Kis> => {
  const kis = await startKis(options);
  running.push(kis);
  return kis;
};

const editions: [what: string, settings: KingdeeKisSettings, options: KingdeeKisOptions][] = [
  ["标准版 DBF", settingsFor("standard"), { dialect: "standard" }],
  ["标准版 DBF, key in the 摘要", settingsFor("standard", { keyPlace: "summary" }), { dialect: "standard" }],
  ["专业版 DBF", settingsFor("professional"), { dialect: "professional" }],
  ["专业版 DBF, key in 参考信息", settingsFor("professional", { keyPlace: "reference" }), { dialect: "professional" }],
  ["xlsx", settingsFor("excel"), { dialect: "excel" }],
  [
    "legacy xls into a program that opens nothing else",
    settingsFor("excel", { workbook: "xls" }),
    { dialect: "excel", settings: { excelFormats: ["xls"] } },
  ],
  [
    "xlsx, exported in the technical layout",
    settingsFor("excel"),
    { dialect: "excel", settings: { excelExport: "technical" } },
  ],
];

const drafts = (fine: boolean): VoucherDraft[] => [
  receiptDraft("a"),
  // Red: same sides, negative amounts.
  receiptDraft("red", {}, "-3", "12.85"),
  withLine(receiptDraft("a<&>\"'=1+1"), 0, { quantity: decimal(fine ? "10.123456" : "10.12") }),
  receiptDraft("one-digit-apart", { attachments: 0, date: businessDate("2025-01-01") }, "99999", "7.77"),
];

test.each(editions)(
  "%s: what is written is imported, and its re-export is what was written",
  async (_what, settings, options) => {
    const kis = await start(options);
    const sent = drafts(settings.dialect !== "standard");
    const file = await writeVoucherFile(sent, settings);
    writeFileSync(join(kis.folder, file.name), file.bytes);
    expect(await kis.person("import", { file: file.name })).toMatchObject({
      ok: true,
      lines: sent.map(() => ({ taken: true })),
    });
    const read = await kis.exported(settings);
    expect(read).toHaveLength(sent.length);
    sent.forEach((draft, index) => {
      const voucher = read.find(({ key }) => key === keyInFile(draft.key, settings));
      if (voucher === undefined) throw new Error(`${draft.documents.join()} is not in the export`);
      expect(deviationsOf(draft, voucher)).toEqual([]);
      expect(voucher).toMatchObject({
        word: "记",
        period: "2025-01",
        stage: "saved",
        number: String(index + 1),
        maker: "账实",
      });
      expect(voucher.erpId).toBe(`2025-01/记-${index + 1}`);
      expect(voucher.lines[0]?.summary).toBe(draft.lines[0]?.summary);
    });
  },
);

test("stages, void vouchers and vouchers of persons are told from an export", async () => {
  const settings = settingsFor("standard");
  const kis = await start({ dialect: "standard" });
  const file = await writeVoucherFile([receiptDraft("a"), receiptDraft("b"), receiptDraft("c")], settings);
  writeFileSync(join(kis.folder, file.name), file.bytes);
  await kis.person("import", { file: file.name });
  await kis.person("audit", { id: 1 });
  await kis.person("book", { id: 1 });
  await kis.person("audit", { id: 2 });
  await kis.person("void", { id: 3 });
  const lines = [
    { account: "1001", debit: "10.00", tradeNumber: "合同12" },
    { account: "1002", credit: "10.00" },
  ];
  await kis.person("write", { date: "2025-01-15", lines });
  const read = await kis.exported(settings);
  expect(read.map(({ stage, voided, key }) => [stage, voided, key !== ""])).toEqual([
    ["booked", false, true],
    ["audited", false, true],
    ["saved", true, true],
    ["saved", false, false],
  ]);
  expect(read[0]?.lines[1]?.dimensions).toEqual({ supplier: "VEN001", customer: "VEN001" });
});

test("a copy made in the program carries our key: two vouchers with one key are found", async () => {
  const settings = settingsFor("professional");
  const kis = await start({ dialect: "professional" });
  const file = await writeVoucherFile([receiptDraft("a")], settings);
  writeFileSync(join(kis.folder, file.name), file.bytes);
  await kis.person("import", { file: file.name });
  await kis.person("copy", { id: 1 });
  const keys = (await kis.exported(settings)).map(({ key }) => key);
  expect(keys).toEqual([receiptDraft("a").key, receiptDraft("a").key]);
});

test("an export of the other edition, or one cut in half, is unreadable and never an empty period", async () => {
  const standard = settingsFor("standard");
  const professional = settingsFor("professional");
  const file = await writeVoucherFile([receiptDraft("a")], standard);
  await expect(readExport(file.bytes, "a.dbf", professional)).rejects.toThrow("FDC");
  await expect(readExport(file.bytes.subarray(0, file.bytes.length - 100), "a.dbf", standard)).rejects.toThrow(
    "still being written",
  );
  const book = await writeVoucherFile([receiptDraft("a")], settingsFor("excel"));
  await expect(
    readExport(book.bytes.subarray(0, book.bytes.length - 100), "a.xlsx", settingsFor("excel")),
  ).rejects.toThrow("still being written");
  await expect(readExport(file.bytes, "a.dbf", settingsFor("excel"))).rejects.toThrow("not a workbook");
});

test("headers of an exported sample can be named", async () => {
  const named = settingsFor("excel", { headers: { account: "科目号", summary: "说明" } });
  const file = await writeVoucherFile([receiptDraft("a")], named);
  expect((await readExport(file.bytes, "a.xlsx", named))[0]?.lines[0]?.account).toBe("1405");
  await expect(readExport(file.bytes, "a.xlsx", settingsFor("excel"))).rejects.toThrow("summary");
});

test("a long 摘要 is shortened visibly and keeps its key", async () => {
  const long = withLine(receiptDraft("a"), 0, { summary: `暂估入库\n${"长".repeat(40)}` });
  const settings = settingsFor("standard", { keyPlace: "summary" });
  const [voucher] = await readExport((await writeVoucherFile([long], settings)).bytes, "a.dbf", settings);
  expect(voucher?.lines[0]?.summary).toBe("暂估入库 长长长长长长长长…");
  expect(voucher?.key).toBe(keyInFile(long.key, settings));
});

test("a name says what is in the file: equal for equal content, another for another", async () => {
  const settings = settingsFor("excel");
  const name = async (list: VoucherDraft[], one = settings): Promise<string> =>
    (await writeVoucherFile(list, one)).name;
  const first = await name([receiptDraft("a"), receiptDraft("b")]);
  expect(first).toMatch(/^z[a-z2-7]{7}\.xlsx$/);
  expect(isOurName(first)).toBe(true);
  expect(isOurName("export-2025-01.xlsx")).toBe(false);
  expect(await name([receiptDraft("a"), receiptDraft("b")])).toBe(first);
  const others = [
    await name([receiptDraft("b"), receiptDraft("a")]),
    await name([receiptDraft("a")]),
    await name([receiptDraft("a"), receiptDraft("b", { attachments: 3 })]),
    await name([receiptDraft("a"), receiptDraft("b")], settingsFor("professional")),
  ];
  expect(new Set([first, ...others]).size).toBe(5);
});

test("files hold one period each and no more vouchers than they may", () => {
  const settings = settingsFor("standard", { vouchersPerFileMax: 2 });
  const list = ["2025-01-31", "2025-02-01", "2025-01-01", "2025-01-02"].map((date, index) =>
    receiptDraft(String(index), { date: businessDate(date) }),
  );
  expect(filesOf(list, settings).map((file) => file.map(({ date }) => date))).toEqual([
    ["2025-01-31", "2025-01-01"],
    ["2025-01-02"],
    ["2025-02-01"],
  ]);
});

test("a draft that does not fit is never written, not even in part", async () => {
  const settings = settingsFor("standard");
  const bad = withLine(receiptDraft("b"), 0, { summary: "入库 😀" });
  await expect(writeVoucherFile([receiptDraft("a"), bad], settings)).rejects.toThrow("LIMIT_CHARACTERS");
  await expect(writeVoucherFile([receiptDraft("a")], settings, 10_000)).rejects.toThrow("LIMIT_VOUCHERS");
});
