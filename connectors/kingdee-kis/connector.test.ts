import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { afterEach, expect, test } from "vitest";
import { instant, period } from "../../domain/dates.ts";
import { decimal } from "../../domain/decimal.ts";
import type { VoucherDraft } from "../../domain/voucher.ts";
import { FAULT_KINDS, type Fault, type FaultKind } from "../../simulators/shared/faults.ts";
import type { CheckStage, FileHandover, VoucherTarget } from "../contract.ts";
import { createKingdeeKis } from "./connector.ts";
import { EXPORTS_NAME } from "./exports.ts";
import { ARCHIVE_NAME, CLAIM_NAME } from "./outbox.ts";
import { RECORDS_NAME } from "./records.ts";
import type { Dialect } from "./settings.ts";
import { type Kis, keyOf, receiptDraft, startKis, withLine } from "./testing.ts";

interface World {
  readonly kis: Kis;
  readonly target: VoucherTarget;
  readonly files: FileHandover;
  readonly import: () => Promise<void>;
  readonly export: () => Promise<void>;
  readonly look: (...names: readonly string[]) => Promise<readonly string[]>;
  readonly booked: (name: string) => Promise<number>;
}
const running: Kis[] = [];
afterEach(async () => {
  for (const kis of running.splice(0)) await kis.close();
});

const connect = (folder: string, dialect: Dialect, more: object = {}): VoucherTarget =>
  createKingdeeKis(
    { dialect, book: "001", ...more },
    {
      connection: "kis",
      baseUrl: pathToFileURL(folder).href,
      secrets: {},
      pacer: { permit: async () => undefined },
      now: () => new Date(),
      log: () => undefined,
    },
  );

const start = async (
  dialect: Dialect = "standard",
  faults: readonly Fault[] = [],
  more: object = {},
): Promise<World> => {
  const kis = await startKis({ dialect, faults });
  running.push(kis);
  const target = connect(kis.folder, dialect, more);
  const { files } = target;
  if (files === undefined) throw new Error("takes no files");
  return {
    kis,
    target,
    files,
    import: async () => {
      const file = await files.outstanding();
      if (file === undefined) throw new Error("no file waits");
      await kis.person("import", { file: file.name }).catch(() => undefined);
      for (let waited = 0; kis.simulator.pendingCommits() > 0 && waited < 2_000; waited += 10) await sleep(10);
    },
    export: async () => {
      await kis.person("export", { period: "2025-01" });
    },
    look: async (...names) => {
      const { found } = await target.findByKeys("001", names.map(keyOf), undefined);
      return names.map((name) => found.get(keyOf(name))?.kind ?? "missing");
    },
    booked: async (name) => {
      const vouchers = [...kis.simulator.world.ledger.vouchers.values()];
      return vouchers.filter(({ entries }) => entries[0]?.summary.startsWith(`暂估入库 ${name}`)).length;
    },
  };
};
const post = async (target: VoucherTarget, ...drafts: readonly VoucherDraft[]): Promise<readonly string[]> =>
  (await target.post(drafts, new Date(Date.now() + 10_000))).map((outcome) =>
    "code" in outcome ? `${outcome.kind} ${outcome.code}` : outcome.kind,
  );
const WAITING = "uncertain AWAITING_RECEIPT";
const BUSY = "not-done FILE_OUTSTANDING";

/** A first file goes through and is exported: its voucher is known from then on. */
const established = async (dialect: Dialect = "standard", faults: readonly Fault[] = []): Promise<World> => {
  const world = await start(dialect, faults);
  expect(await post(world.target, receiptDraft("known"))).toEqual([WAITING]);
  await world.import();
  await world.export();
  expect(await world.look("known")).toEqual(["one"]);
  return world;
};

const kinds = Object.keys(FAULT_KINDS).filter((kind): kind is FaultKind => kind in FAULT_KINDS);
const dialects: readonly Dialect[] = ["standard", "professional", "excel"];
const cases = kinds.map((kind, index): [FaultKind, Dialect] => [kind, dialects[index % dialects.length] ?? "standard"]);

test.each(cases)(
  "%s, %s: whatever the import tells, each voucher stands once in the end, or its double is seen",
  async (kind, dialect) => {
    const world = await established(dialect, [{ kind, operation: "import", nth: 2, delayMs: 20 } as Fault]);
    const names = ["a", "b", "c"];
    const drafts = names.map((name) => receiptDraft(name));
    expect(await post(world.target, ...drafts)).toEqual([WAITING, WAITING, WAITING]);
    await world.import();
    // Whatever a look says before anybody exports, it is true.
    const first = await world.look(...names);
    for (const [at, name] of names.entries()) {
      const count = await world.booked(name);
      if (first[at] === "one") expect([name, count]).toEqual([name, kind === "apply-twice" ? 2 : 1]);
      if (first[at] === "absent") expect([name, count]).toEqual([name, 0]);
    }
    await world.export();
    const second = await world.look(...names);
    for (const [at, name] of names.entries()) {
      const wanted = { 0: ["absent", "failed"], 1: ["one"], 2: ["several"] }[await world.booked(name)];
      expect(wanted).toContain(second[at]);
    }
    // Nobody kept a log and the export shows nothing of the file: only the person knows.
    const file = await world.files.outstanding();
    if (file !== undefined)
      await world.files.confirm({
        file: file.name,
        said: "not-imported",
        by: "会计",
        at: instant("2025-01-31T09:00:00.000Z"),
      });
    const left = drafts.filter(({ key }) => names.some((name) => keyOf(name) === key));
    const again = (
      await Promise.all(
        left.map(async (draft, at) => ((await world.look(names[at] ?? "")).includes("absent") ? [draft] : [])),
      )
    ).flat();
    for (let round = 0; round < 2 && again.length > 0; round += 1) {
      const outcomes = await post(world.target, ...again);
      if (!outcomes.includes(WAITING)) continue;
      await world.import();
      await world.export();
      break;
    }
    for (const name of names) expect([name, await world.booked(name)]).toEqual([name, kind === "apply-twice" ? 2 : 1]);
    expect(await world.look(...names)).toEqual(names.map(() => (kind === "apply-twice" ? "several" : "one")));
  },
);

test("a refusal of the log is passed on once, in the program's words; after that the same content may go out again", async () => {
  const world = await established();
  const wrong = withLine(receiptDraft("wrong"), 0, { account: "9999" });
  expect(await post(world.target, receiptDraft("good"), wrong)).toEqual([WAITING, WAITING]);
  await world.import();
  expect(await world.look("good", "wrong")).toEqual(["one", "absent"]);
  const [refused] = await world.target.post([wrong], new Date(Date.now() + 10_000));
  expect(refused).toMatchObject({ kind: "refused", code: "ACCOUNT_REFUSED", message: expect.stringContaining("9999") });
  expect(await world.files.outstanding()).toBeUndefined();
  await world.kis.person("account", { number: "9999", name: "补充科目", objects: { 物料: "optional" } });
  expect(await post(world.target, wrong)).toEqual([WAITING]);
  await world.import();
  expect([await world.look("wrong"), await world.booked("wrong")]).toEqual([["one"], 1]);
});

test("where the program keeps no key, an export proves no absence", async () => {
  const world = await established("standard", [{ kind: "failure-after", operation: "import", nth: 2 } as Fault]);
  await post(world.target, receiptDraft("a"));
  await world.kis.person("settings", { tradeNumber: "drop" });
  await world.import();
  await world.export();
  expect([await world.look("a"), await world.booked("a")]).toEqual([["failed"], 1]);
  expect(await post(world.target, receiptDraft("a"))).toEqual([WAITING]);
});

test("an export from before the import proves no absence, however young its file is", async () => {
  const world = await established("standard", [{ kind: "failure-after", operation: "import", nth: 2 } as Fault]);
  await post(world.target, receiptDraft("a"), receiptDraft("b"));
  await world.kis.person("export", { period: "2025-01", file: "early" });
  const early = join(world.kis.folder, "early");
  await world.import();
  await world.files.takeExport("2025-01.dbf", readFileSync(early), instant(new Date().toISOString()));
  expect([await world.look("a", "b"), await world.booked("a")]).toEqual([["failed", "failed"], 1]);
});

test("what was taken stays taken, whatever the clocks of other machines say", async () => {
  const world = await established();
  const early = { by: "会计", at: instant("2125-01-31T09:00:00.000Z") };
  await post(world.target, receiptDraft("a"));
  const file = (await world.files.outstanding())?.name ?? "";
  await world.files.confirm({ file, said: "not-imported", ...early });
  expect(await world.look("a")).toEqual(["absent"]);
  await post(world.target, receiptDraft("a"));
  await world.import();
  expect(await world.look("a")).toEqual(["one"]);
  const other = connect(world.kis.folder, "standard");
  expect((await other.findByKeys("001", [keyOf("a")], undefined)).found.get(keyOf("a"))?.kind).toBe("one");
});

test("a person's word on a voucher says nothing of a later file with it", async () => {
  const world = await established();
  await post(world.target, receiptDraft("a"));
  const at = instant("2125-01-31T09:00:00.000Z");
  await world.files.confirmVoucher({ key: keyOf("a"), number: undefined, by: "会计", at });
  expect(await world.look("a")).toEqual(["absent"]);
  await post(world.target, receiptDraft("a"));
  expect(await world.look("a")).toEqual(["failed"]);
});

test("a folder whose records were taken away knows of no absence", async () => {
  const world = await established();
  rmSync(join(world.kis.folder, RECORDS_NAME), { recursive: true });
  rmSync(join(world.kis.folder, EXPORTS_NAME), { recursive: true });
  const other = connect(world.kis.folder, "standard");
  const { found } = await other.findByKeys("001", [keyOf("known")], undefined);
  expect(found.get(keyOf("known"))).toMatchObject({ kind: "failed", code: "FILE_UNREADABLE" });
});

test("a file of ours that nothing speaks of stops the next one, and every absence", async () => {
  const world = await established();
  const done = readdirSync(join(world.kis.folder, ARCHIVE_NAME)).find((name) => /^z.*\.dbf$/.test(name)) ?? "";
  copyFileSync(join(world.kis.folder, ARCHIVE_NAME, done), join(world.kis.folder, done));
  expect(await post(world.target, receiptDraft("next"))).toEqual([BUSY]);
  expect(await world.look("next")).toEqual(["failed"]);
  rmSync(join(world.kis.folder, done));
  expect(await post(world.target, receiptDraft("next"))).toEqual([WAITING]);
});

test("drafts of two periods become two files, one after the other", async () => {
  const world = await established();
  const later = receiptDraft("later", { date: "2025-02-01" as VoucherDraft["date"] });
  expect(await post(world.target, receiptDraft("now"), later)).toEqual([WAITING, BUSY]);
  await world.import();
  expect(await post(world.target, later)).toEqual([WAITING]);
});

test("a list is refused until the period was exported after its last import", async () => {
  const world = await established();
  const list = async (): Promise<number> => {
    let count = 0;
    for await (const page of world.target.listPeriod("001", period("2025-01"))) count += page.length;
    return count;
  };
  expect(await list()).toBe(1);
  await post(world.target, receiptDraft("a"));
  await world.import();
  expect(await world.look("a")).toEqual(["one"]);
  await expect(list()).rejects.toThrow("EXPORT_MISSING");
  await world.export();
  expect(await list()).toBe(2);
});

test("renumbering leaves a voucher the one it was", async () => {
  const world = await established();
  await post(world.target, receiptDraft("a"), receiptDraft("b"));
  await world.import();
  await world.export();
  const { found } = await world.target.findByKeys("001", [keyOf("b")], undefined);
  const before = found.get(keyOf("b"));
  const [first] = world.kis.simulator.world.ledger.vouchers.keys();
  await world.kis.person("delete", { id: first });
  await world.kis.person("renumber", { period: "2025-01" });
  await world.export();
  if (before?.kind !== "one") throw new Error("b is not there");
  const read = (await world.target.readBack("001", [before.erpId])).get(before.erpId);
  expect([before.number, read?.number, read?.key]).toEqual(["3", "2", before.erpId]);
});

test("what people audit in the program is seen in the next export", async () => {
  const world = await established();
  const vouchers = [{ key: keyOf("known"), erpId: keyOf("known").slice(0, 10) }];
  const deadline = new Date(Date.now() + 10_000);
  expect(await world.target.advance(vouchers, "audited", deadline)).toMatchObject([
    { kind: "not-done", code: "EXPORT_MISSING" },
  ]);
  const [id] = world.kis.simulator.world.ledger.vouchers.keys();
  await world.kis.person("audit", { id });
  await world.export();
  expect(await world.target.advance(vouchers, "audited", deadline)).toMatchObject([
    { kind: "posted", stage: "audited" },
  ]);
});

test("receipts: the same twice is one, a log of another file and a word on no file are refused", async () => {
  const world = await established();
  await post(world.target, receiptDraft("a"));
  const file = (await world.files.outstanding())?.name ?? "";
  const signed = { file, by: "会计", at: instant("2025-01-31T09:00:00.000Z") };
  const log = Buffer.from("﻿文件：zaaaaaaa.dbf\r\n", "utf8");
  await expect(world.files.confirm({ ...signed, said: "log", log })).rejects.toThrow("FILE_UNREADABLE");
  for (let round = 0; round < 2; round += 1) await world.files.confirm({ ...signed, said: "imported" });
  expect(await world.look("a")).toEqual(["one"]);
  await expect(world.files.confirm({ ...signed, said: "not-imported" })).rejects.toThrow("ARGUMENT_INVALID");
  await expect(world.files.confirm({ ...signed, file: "zbbbbbbb.dbf", said: "imported" })).rejects.toThrow(
    "ARGUMENT_INVALID",
  );
});

test("a crash after the record was written ends the file's turn at the next look", async () => {
  const world = await established();
  await post(world.target, receiptDraft("a"));
  const claim = join(world.kis.folder, CLAIM_NAME);
  copyFileSync(claim, `${claim}.kept`);
  await world.import();
  expect(await world.look("a")).toEqual(["one"]);
  copyFileSync(`${claim}.kept`, claim);
  expect(await connect(world.kis.folder, "standard").files?.outstanding()).toBeUndefined();
  expect(existsSync(claim)).toBe(false);
});

const stagesOf = async (target: VoucherTarget): Promise<Readonly<Record<string, CheckStage["state"]>>> => {
  const states: Record<string, CheckStage["state"]> = {};
  for await (const { stage, subject, state } of target.check())
    states[stage === "address" || stage === "rights" ? stage : subject] = state;
  return states;
};

test("the check names a missing folder, an export that cannot be read, and a key that the program does not keep", async () => {
  const world = await established();
  expect(await stagesOf(world.target)).toMatchObject({
    address: "ok",
    rights: "ok",
    export: "ok",
    "trade-number": "ok",
  });
  expect(await stagesOf(connect(join(world.kis.folder, "none"), "standard"))).toEqual({ address: "failed" });
  writeFileSync(join(world.kis.folder, "half.dbf"), "no table");
  expect(await stagesOf(world.target)).toMatchObject({ export: "warning" });
  await world.kis.person("settings", { tradeNumber: "drop" });
  await post(world.target, receiptDraft("bare"));
  await world.import();
  await world.export();
  expect(await stagesOf(world.target)).toMatchObject({ "trade-number": "failed" });
});

test("an address that is no folder, and a closed period, are refused by name", async () => {
  const context = {
    connection: "kis",
    secrets: {},
    pacer: { permit: async () => undefined },
    now: () => new Date(),
    log: () => undefined,
  };
  expect(() =>
    createKingdeeKis({ dialect: "standard", book: "001" }, { ...context, baseUrl: "https://kis.test/" }),
  ).toThrow(/CONFIG_INVALID.*baseUrl/);
  const world = await start("standard", [], { closedThrough: "2025-01" });
  expect(await post(world.target, receiptDraft("closed"))).toEqual(["refused PERIOD_CLOSED"]);
  const states = await world.target.periods("001");
  expect(states.find((state) => state.period === "2025-01")?.open).toBe(false);
  expect(states.find((state) => state.period === "2025-02")?.open).toBe(true);
});

test("an amount that only a file's field is too short for is refused before a file is written", async () => {
  const world = await start();
  const long = receiptDraft("long", {}, "1", "999999999999");
  expect(await post(world.target, withLine(long, 0, { amount: decimal("999999999999") }))).toEqual([
    "refused LIMIT_DIGITS",
  ]);
  mkdirSync(join(world.kis.folder, "empty"));
  expect(readdirSync(world.kis.folder)).toEqual(["empty"]);
});

test("several connectors at one folder settle a file together: nobody calls it absent, nothing stands twice", async () => {
  const world = await established();
  const others = [1, 2, 3].map(() => connect(world.kis.folder, "standard"));
  for (let round = 0; round < 4; round += 1) {
    const name = `shared ${round}`;
    await post(world.target, receiptDraft(name));
    await world.import();
    await world.export();
    const looks = await Promise.all(others.map((one) => one.findByKeys("001", [keyOf(name)], undefined)));
    expect(looks.map(({ found }) => found.get(keyOf(name))?.kind)).not.toContain("absent");
    expect([await world.look(name), await world.booked(name)]).toEqual([["one"], 1]);
  }
});
