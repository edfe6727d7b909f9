import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { simulators } from "../../simulators/registry.ts";
import { type EmbeddedTemporal, startTemporal } from "../../embedded/temporal.ts";
import { testDatabase } from "../support/database.ts";
import { type Answer, Rehearsal, type Staying } from "../support/rehearsal.ts";

/* The whole way of a new user, typed: from two simulators and an empty database to a verified and a reversed voucher. */

const JOURNEY_LIMIT_MS = 180_000;
const SIDE_BY_SIDE = 2;
const STACK = /\n\s+at .+:\d+:\d+/;

let temporal: EmbeddedTemporal;
let user: Rehearsal;
beforeAll(async () => {
  // The task queues of the product itself are worked on here: that takes a server of our own.
  temporal = await startTemporal({ throwAway: true });
  const { url } = await testDatabase("empty");
  user = new Rehearsal({ ZHANGSHI_DATABASE_URL: url, TEMPORAL_ADDRESS: temporal.address });
}, JOURNEY_LIMIT_MS);
afterAll(async () => {
  await user?.close();
  await temporal?.stop();
}, JOURNEY_LIMIT_MS);

/** Refused with exit code 1, in Chinese, in words: no stack, no JSON. */
function expectRefusal({ code, out, err }: Answer, ...words: readonly string[]): void {
  expect(`${out}${err}`).not.toMatch(STACK);
  for (const word of words) expect(err).toContain(word);
  expect(err).toMatch(/\p{Script=Han}[^\n]*。\n$/u);
  expect(code).toBe(1);
}

const Vouchers = z.object({ vouchers: z.array(z.object({ key: z.string(), state: z.string(), summary: z.string() })) });
const vouchersOf = async (document: string) =>
  Vouchers.parse(await user.object(["voucher", "list", "--document", document])).vouchers;

let erp: Staying;
let worker: Staying;

test(
  "two simulators, init, apply and check bring a new database up; what is typed too early says what comes first",
  async () => {
    const [warehouse, ledger] = await Promise.all([user.simulate("jiandaoyun"), user.simulate("kingdee-cloud")]);
    erp = ledger;
    expect(z.record(z.string(), z.unknown()).parse(JSON.parse(warehouse.line))).toMatchObject({
      vendor: "jiandaoyun",
      baseUrl: warehouse.baseUrl,
      openPeriod: null,
    });
    expectRefusal(await user.run(["status"]), "zhangshi init");
    expectRefusal(await user.run(["apply"]), "zhangshi.yaml", "zhangshi init");
    expectRefusal(await user.run(["init", "--simulators", "jiandaoyun.json"]), "kingdee-cloud");

    const files = ["--simulators", "jiandaoyun.json", "kingdee-cloud.json"];
    expect(await user.object(["init", ...files])).toMatchObject({ written: true, variablesFile: "zhangshi.env" });
    expect(statSync(join(user.folder, "zhangshi.env")).mode & 0o077, "credentials are the owner's alone").toBe(0);
    expectRefusal(await user.run(["init", ...files]), "不覆盖");
    expectRefusal(await user.run(["apply", "--dry-run"]), "env:JIANDAOYUN_API_KEY");
    user.sourceVariables();

    expect(await user.object(["apply", "--dry-run"])).toMatchObject({ stored: false, version: null });
    expectRefusal(await user.run(["status"]), "zhangshi apply");
    expect(await user.object(["apply"])).toMatchObject({ stored: true, version: 1 });
    const checks = await Promise.all(["warehouse", "erp"].map((connection) => user.run(["check", connection])));
    for (const { code, out } of checks) {
      expect(out).toMatch(/✓ login .*\n[^]*可用。\n$/);
      expect(code).toBe(0);
    }
  },
  JOURNEY_LIMIT_MS,
);

test(
  "documents entered over the vendor's API are synced, posted, reconciled, explained and reversed",
  async () => {
    await user.create("商品", { item_code: "M-001", item_name: "示例物料一", item_class: "商品", unit: "Pcs" });
    const head = { happened_at: "2025-01-05T02:00:00.000Z", warehouse: "CK01" };
    const line = { item: "M-001", unit: "Pcs" };
    await user.create("其他出入库", {
      ...head,
      document_type: "期初",
      document_number: "QC-1",
      lines: [{ ...line, quantity: 100, amount: 1000 }],
    });
    await user.create("采购入库", {
      ...head,
      document_number: "CG-1",
      supplier: "VEN001",
      invoiced: "是",
      lines: [{ ...line, quantity: 50, amount: 650, tax_amount: 84.5 }],
    });
    await user.create("销售出库", {
      ...head,
      document_number: "XS-1",
      customer: "CUST001",
      lines: [{ ...line, quantity: 30, sales_amount: 900, tax_amount: 117 }],
    });
    await user.create("其他出入库", {
      ...head,
      document_type: "调拨",
      document_number: "DB-1",
      counter_warehouse: "CK02",
      lines: [{ ...line, quantity: 20 }],
    });

    expectRefusal(await user.run(["sync"]), "zhangshi worker");
    worker = await user.start(["worker"]);
    expect(worker.line).toContain("工作进程已就绪");
    // The worker's schedules may be quicker: what counts is what stands there afterwards.
    expect(await user.object(["sync"])).toMatchObject({ procedures: [{ state: "done" }] });
    const posted = await user.run(["post"]);
    expect(posted.out).toMatch(/post\/main\/main {2}done {2}生成凭证 \d+，已过入 \d+/);
    expect(await user.object(["reconcile"])).toMatchObject({
      procedures: [{ state: "done", result: { mismatches: 0 } }],
    });
    expect(await user.object(["status"])).toMatchObject({ postings: [{ state: "verified", count: 4 }] });
    expect(await user.object(["exceptions"])).toEqual({ exceptions: [] });

    const [voucher] = await vouchersOf("CG-1");
    const key = voucher?.key ?? "";
    const story = (await user.run(["voucher", "show", key])).out;
    // Why this account, why this amount, what came back.
    for (const word of [key, "规则", "CG-1", "2221", "一致"]) expect(story).toContain(word);
    expect(await user.object(["voucher", "reverse", key, "--dry-run"])).toMatchObject({ dryRun: true });
    expect(await user.object(["voucher", "reverse", key])).toMatchObject({ dryRun: false });
    await user.object(["post"]);
    expect((await vouchersOf("CG-1")).map(({ state }) => state).toSorted()).toEqual(["reversed", "verified"]);
    expectRefusal(await user.run(["voucher", "reverse", key]), "不能红冲");

    expect((await user.run(["ledger", "resume", "main"])).out).toContain("没有暂停");
    expect(await user.object(["codes", "export", "main", "codes.xlsx"])).toMatchObject({ rows: 0 });
    expect(await user.object(["codes", "import", "main", "codes.xlsx"])).toMatchObject({ added: 0, removed: 0 });
    const healthy = await user.run(["doctor"]);
    expect(healthy.out).not.toMatch(/[✗!]/);
    expect(healthy.code).toBe(0);
  },
  JOURNEY_LIMIT_MS,
);

test(
  "a mistyped command is refused in the user's language with the next step, never with a stack",
  async () => {
    writeFileSync(join(user.folder, "torn.yaml"), "connections: [\n  - {");
    const cases: readonly (readonly [args: readonly string[], words: readonly string[]])[] = [
      [["snyc"], ["snyc", "没有这个命令", "sync"]],
      [
        ["sync", "--source", "nix"],
        ["nix", "warehouse"],
      ],
      [["post", "--limit", "soon"], ["--limit"]],
      [["check"], ["connection", "缺少"]],
      [
        ["check", "nix"],
        ["nix", "zhangshi status"],
      ],
      [
        ["apply", "torn.yaml"],
        ["torn.yaml", "line="],
      ],
      [
        ["voucher", "show", "nix"],
        ["nix", "zhangshi voucher list"],
      ],
      [
        ["ledger", "resume", "nix"],
        ["nix", "main"],
      ],
      [["codes", "export", "main", join("nix", "codes.xlsx")], ["没有写入"]],
      [["simulate", "nix"], [Object.keys(simulators).join(" | ")]],
    ];
    for (let at = 0; at < cases.length; at += SIDE_BY_SIDE) {
      await Promise.all(
        cases.slice(at, at + SIDE_BY_SIDE).map(async ([args, words]) => expectRefusal(await user.run(args), ...words)),
      );
    }
    const asObject = await user.run(["sync", "--sauce", "--json"], { LANG: "C" });
    expect(JSON.parse(asObject.out)).toMatchObject({ error: { code: "ARGUMENT_INVALID" } });
  },
  JOURNEY_LIMIT_MS,
);

test(
  "a server that is down is named with what to do; the rest is not harmed, and the worker ends in order",
  async () => {
    const database = { ZHANGSHI_DATABASE_URL: "postgres://u:hunter2@127.0.0.1:1/x" };
    expectRefusal(await user.run(["status"], database), "连接不上数据库", "ZHANGSHI_DATABASE_URL");
    const refusals = await Promise.all(
      ["sync", "worker"].map((command) => user.run([command], { TEMPORAL_ADDRESS: "127.0.0.1:1" })),
    );
    for (const refusal of refusals) expectRefusal(refusal, "连接不上 Temporal");
    expectRefusal(await user.run(["post"], { TEMPORAL_NAMESPACE: "nix" }), "TEMPORAL_NAMESPACE");
    await erp.stop();
    const { code, out, err } = await user.run(["check", "erp"]);
    expect(out).toMatch(/✗ port .*\n {4}→ \S+/);
    expect(`${out}${err}`).not.toMatch(STACK);
    expect(code).toBe(1);
    const waiting = await user.run(["post", "--limit", "0.05"]);
    expect(waiting.out).toMatch(/running .*连接不上 ERP/);
    expect(waiting.code).toBe(1);
    expect(await user.object(["status"])).toMatchObject({ ledgers: [{ paused: false }] });
    expect(await worker.stop()).toBe(0);
    for (const value of Object.values(secretsIn(readFileSync(join(user.folder, "zhangshi.env"), "utf8"))))
      expect(worker.said()).not.toContain(value);
  },
  JOURNEY_LIMIT_MS,
);

const secretsIn = (text: string): readonly string[] =>
  text
    .split("\n")
    .filter((each) => /(KEY|SECRET|PASSWORD)=/.test(each))
    .map((each) => each.slice(each.indexOf("'") + 1, -1));
