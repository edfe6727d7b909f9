import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import type { Fault } from "../../simulators/shared/faults.ts";
import type { SendOutcome } from "../contract.ts";
import { logsOf } from "./outbox.ts";
import { outcomesIn, parseReceipt } from "./receipt.ts";
import { type Kis, receiptDraft, settingsFor, startKis, withLine } from "./testing.ts";
import { writeVoucherFile } from "./voucher-file.ts";

const running: Kis[] = [];
afterEach(async () => {
  for (const kis of running.splice(0)) await kis.close();
});

const settings = settingsFor("standard");
const closed = withLine(receiptDraft("b"), 0, { account: "9999" });

/** Imports three vouchers, the second of which the books refuse, and reads the first log that the person has. */
const outcomes = async (fault?: Pick<Fault, "kind"> & Partial<Fault>): Promise<readonly SendOutcome[] | undefined> => {
  const kis = await startKis({ faults: fault === undefined ? [] : [{ operation: "import", ...fault }] });
  running.push(kis);
  const file = await writeVoucherFile([receiptDraft("a"), closed, receiptDraft("c")], settings);
  writeFileSync(join(kis.folder, file.name), file.bytes);
  await kis.person("import", { file: file.name }).catch(() => undefined);
  const [log] = await logsOf(kis.folder, file.name);
  if (log === undefined) return undefined;
  return outcomesIn(parseReceipt(readFileSync(join(kis.folder, log))), file.name, file.vouchers, settings);
};
const kinds = (list: readonly SendOutcome[] | undefined): readonly string[] | undefined =>
  list?.map(({ kind }) => kind);

test("a log says of each voucher whether it was taken, under which number, and why not", async () => {
  expect(await outcomes()).toMatchObject([
    { kind: "posted", erpId: "2025-01/记-1", number: "1", stage: "saved" },
    { kind: "refused", code: "ACCOUNT_REFUSED", message: "第3条记录：科目代码“9999”不存在" },
    { kind: "posted", erpId: "2025-01/记-2", number: "2" },
  ]);
});

test.each<[fault: Pick<Fault, "kind"> & Partial<Fault>, kinds: readonly string[] | undefined]>([
  [{ kind: "lose-after" }, undefined],
  [{ kind: "session-lost-mid-batch", after: 1 }, undefined],
  [{ kind: "unreadable" }, ["uncertain", "uncertain", "uncertain"]],
  [{ kind: "failure-after" }, ["uncertain", "uncertain", "uncertain"]],
  [{ kind: "200-failure" }, ["uncertain", "uncertain", "uncertain"]],
  [{ kind: "already-exists" }, ["uncertain", "refused", "uncertain"]],
  [{ kind: "batch-element-unnamed", index: 0, done: true }, ["uncertain", "refused", "posted"]],
  [{ kind: "batch-element-refused", index: 0, message: "该凭证正被其他用户使用" }, ["refused", "refused", "posted"]],
  [{ kind: "reorder" }, ["posted", "refused", "posted"]],
])("%o: what is not told for certain stays uncertain", async (fault, expected) => {
  expect(kinds(await outcomes(fault))).toEqual(expected);
});

test("half a log settles what it names and nothing else", async () => {
  const list = await outcomes({ kind: "half-answer" });
  expect(kinds(list)?.at(-1)).toBe("uncertain");
});

test("a log is complete when its closing line agrees with its lines", () => {
  const text = (taken: number): Uint8Array =>
    new TextEncoder().encode(
      `\ufeff文件：a.dbf\r\n第1张 2025-01-31 记-1 引入成功，凭证号记-12\r\n引入完成：成功${taken}张，失败0张\r\n`,
    );
  expect(parseReceipt(text(1))).toEqual({
    file: "a.dbf",
    complete: true,
    lines: [{ taken: true, word: "记", fileNumber: 1, number: "12" }],
    refusedWhole: undefined,
  });
  expect(parseReceipt(text(2)).complete).toBe(false);
  expect(parseReceipt(new Uint8Array()).complete).toBe(false);
});

test("a log of another file settles nothing", () => {
  const log = parseReceipt(
    new TextEncoder().encode("\ufeff文件：b.dbf\n第1张 2025-01-31 记-1 引入成功，凭证号记-12\n"),
  );
  const vouchers = [{ key: receiptDraft("a").key, date: "2025-01-31", word: "记", fileNumber: 1 }];
  expect(outcomesIn(log, "a.dbf", vouchers, settings)).toMatchObject([
    { kind: "uncertain", code: "ANSWER_UNREADABLE" },
  ]);
});

test.each([
  ["会计期间2025年第1期已经结账", "PERIOD_CLOSED"],
  ["科目“2202”不是最明细科目", "ACCOUNT_REFUSED"],
  ["科目“1405”必须录入核算项目“物料”", "DIMENSION_REFUSED"],
  ["核算类别“物料”中代码“X”不存在", "MASTER_DATA_REFUSED"],
  ["2025-01“记”字凭证号已达9999", "LIMIT_VOUCHERS"],
  ["别的什么", "REFUSED_BY_ERP"],
  ["本月已锁账", "PERIOD_CLOSED"],
])("the program's words %s mean %s", (words, code) => {
  const own = settingsFor("standard", { refusals: { PERIOD_CLOSED: "锁账" } });
  const log = parseReceipt(new TextEncoder().encode(`\ufeff文件：a.dbf\n第1张 2025-01-31 记-1 引入失败，${words}\n`));
  const vouchers = [{ key: receiptDraft("a").key, date: "2025-01-31", word: "记", fileNumber: 1 }];
  expect(outcomesIn(log, "a.dbf", vouchers, own)).toMatchObject([{ kind: "refused", code, message: words }]);
});
