import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  ARCHIVE_NAME,
  CLAIM_NAME,
  completePut,
  logsOf,
  outstandingIn,
  type PutOutcome,
  putFile,
  settleFile,
  type Turn,
} from "./outbox.ts";
import { receiptDraft, settingsFor } from "./testing.ts";
import { type VoucherFile, writeVoucherFile } from "./voucher-file.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "kis-outbox-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const fileOf = (name: string): Promise<VoucherFile> => writeVoucherFile([receiptDraft(name)], settingsFor("standard"));
let attempts = 0;
const NOW = new Date("2025-02-01T00:00:00.000Z");
const turn = (change: Partial<Turn> = {}): Turn => {
  attempts += 1;
  return { attempt: `try-${attempts}`, deadlineAt: new Date(NOW.getTime() + 30_000), now: () => NOW, ...change };
};
const later = (): Date => new Date(NOW.getTime() + 60_000);
const put = (file: VoucherFile, change: Partial<Turn> = {}): Promise<PutOutcome> => putFile(folder, file, turn(change));
const claim = (): string => readFileSync(join(folder, CLAIM_NAME), "utf8");

test("one file stands in the folder; the next one waits until the first is settled", async () => {
  const [first, second] = [await fileOf("a"), await fileOf("b")];
  expect(await put(first)).toEqual({ kind: "put", again: false });
  expect(await put(second)).toMatchObject({
    kind: "busy",
    outstanding: { file: first.name, inPlace: true },
  });
  expect(existsSync(join(folder, second.name))).toBe(false);
  expect(await outstandingIn(folder)).toMatchObject({
    file: first.name,
    stage: "written",
    vouchers: first.vouchers,
    inPlace: true,
  });
  writeFileSync(join(folder, `${first.name}.log`), "");
  await settleFile(folder, first.name);
  expect(readdirSync(folder)).toEqual([ARCHIVE_NAME]);
  expect(readdirSync(join(folder, ARCHIVE_NAME)).toSorted((a, b) => a.localeCompare(b))).toEqual([
    first.name,
    `${first.name}.log`,
  ]);
  expect(await put(second)).toEqual({ kind: "put", again: false });
  await expect(settleFile(folder, first.name)).rejects.toThrow("CONFLICT");
});

test("of many workers at once exactly one puts its file", async () => {
  const files = await Promise.all(Array.from({ length: 12 }, (_, index) => fileOf(String(index))));
  const outcomes = await Promise.all(files.map((file) => put(file)));
  expect(outcomes.filter(({ kind }) => kind === "put")).toHaveLength(1);
  expect(readdirSync(folder).filter((name) => name.endsWith(".dbf"))).toHaveLength(1);
});

test("putting the same file again changes nothing", async () => {
  const file = await fileOf("a");
  await put(file);
  expect(await put(file)).toEqual({ kind: "put", again: true });
});

test("a file that is gone may have been imported: it is not written a second time", async () => {
  const file = await fileOf("a");
  await put(file);
  rmSync(join(folder, file.name));
  expect(await put(file)).toMatchObject({ kind: "uncertain", outstanding: { inPlace: false } });
  expect(existsSync(join(folder, file.name))).toBe(false);
  await settleFile(folder, file.name);
  expect(await outstandingIn(folder)).toBeUndefined();
});

/** The folder after a crash that came before the stamp. */
const crashedWhileWriting = async (file: VoucherFile): Promise<void> => {
  await put(file);
  rmSync(join(folder, file.name));
  writeFileSync(join(folder, CLAIM_NAME), claim().replace('"written"', '"writing"'));
};

test("a crash before the file could appear frees the folder after its deadline, for one worker", async () => {
  const [first, second] = [await fileOf("a"), await fileOf("b")];
  await crashedWhileWriting(first);
  expect(await put(first)).toMatchObject({ kind: "busy", outstanding: { stage: "writing" } });
  const patient = { now: later, deadlineAt: new Date(NOW.getTime() + 90_000) };
  const outcomes = await Promise.all([put(second, patient), put(first, patient), put(second, patient)]);
  expect(outcomes.filter((outcome) => outcome.kind === "put" && !outcome.again)).toHaveLength(1);
  expect(readdirSync(folder).filter((name) => name.endsWith(".dbf"))).toHaveLength(1);
});

test("a worker that wakes after its deadline puts nothing", async () => {
  const file = await fileOf("a");
  await expect(put(file, { now: later })).rejects.toThrow("DEADLINE_PASSED");
  expect(readdirSync(folder)).toEqual([CLAIM_NAME]);
});

test("a worker that froze before its last step finds its part gone, puts nothing, and does not say that nothing was put", async () => {
  const [file, next] = [await fileOf("a"), await fileOf("b")];
  const frozen: Turn = turn({
    now: () => {
      // While it looks at the clock, another worker takes over, puts its file and has it settled.
      for (const name of readdirSync(folder)) if (name.endsWith(".part")) rmSync(join(folder, name));
      return NOW;
    },
  });
  expect(await putFile(folder, file, frozen)).toMatchObject({ kind: "uncertain" });
  expect(existsSync(join(folder, file.name))).toBe(false);
  expect(await put(next)).toMatchObject({ kind: "busy" });
});

test("a crash between the stamp and the name is completed: the file gets its name, once", async () => {
  const file = await fileOf("a");
  await put(file);
  const outstanding = await outstandingIn(folder);
  if (outstanding === undefined) throw new Error("nothing is outstanding");
  renameSync(join(folder, file.name), join(folder, `${file.name}.${outstanding.attempt}.part`));
  for (let round = 0; round < 2; round += 1) await completePut(folder, { ...outstanding, inPlace: false });
  expect(readdirSync(folder).toSorted((a, b) => a.localeCompare(b))).toEqual([file.name, CLAIM_NAME]);
});

test("whoever settles late leaves the next file alone", async () => {
  const [file, next] = [await fileOf("a"), await fileOf("b")];
  await put(file);
  const attempt = (await outstandingIn(folder))?.attempt;
  await settleFile(folder, file.name, attempt);
  await put(file);
  await settleFile(folder, file.name, attempt);
  expect(await put(next)).toMatchObject({ kind: "busy" });
});

test("a damaged claim stops everything by name", async () => {
  writeFileSync(join(folder, CLAIM_NAME), '{"file":"z');
  await expect(put(await fileOf("a"))).rejects.toThrow("FILE_UNREADABLE");
  expect(readdirSync(folder)).toEqual([CLAIM_NAME]);
});

test("a folder that cannot be written is said so, and nothing is there to import", async () => {
  await expect(putFile(join(folder, "none"), await fileOf("a"), turn())).rejects.toThrow("FILE_NOT_WRITTEN");
});

test("logs are read in the order in which they were saved", async () => {
  for (const name of ["z.dbf.10.log", "z.dbf.log", "z.dbf.2.log", "y.dbf.log", "z.dbf"])
    writeFileSync(join(folder, name), "");
  expect(await logsOf(folder, "z.dbf")).toEqual(["z.dbf.log", "z.dbf.2.log", "z.dbf.10.log"]);
});
