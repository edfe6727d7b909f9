import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import { z } from "zod";
import { type CertificationFacts, type PlannedCase, planOf } from "../conformance/certification.ts";
import { certificationBench } from "../conformance/certification-bench.ts";
import { cleanUp } from "../conformance/certification-clean-up.ts";
import { CertifiedDocuments, SUMMARY_MARK } from "../conformance/certified-documents.ts";
import { play } from "../conformance/play.ts";
import { suite } from "../conformance/suite.ts";
import type { Pacer, VoucherTarget } from "../connectors/contract.ts";
import { ZhangshiError } from "../domain/errors.ts";
import { connectionOf, type Installation, type LedgerConfig } from "../domain/installation.ts";
import { type Certification, type CertifiedCase, certificationMarkdown, conclusion } from "./certification-report.ts";
import { FactOptions, factsFor } from "./certify-facts.ts";
import { installationFor } from "./check.ts";
import { targetOf } from "./connectors.ts";
import { commandNamed, parseOptions, runCommand, say, type Surroundings } from "./surroundings.ts";
import { textTable } from "./table.ts";

const Options = FactOptions.extend({
  file: z.string().optional(),
  ledger: z.string().optional(),
  case: z.string().optional(),
  report: z.string().optional(),
  yes: z.boolean().default(false),
  dryRun: z.boolean().default(false),
});
type Options = z.infer<typeof Options>;

/** Where the connection names no rate: gentle with a server that others work on. */
const RATE_PER_SECOND = 5;

export const certifyCommand = (): Command =>
  commandNamed("certify", {
    zh: "对真实的测试账套认证连接：创建带标记的凭证，逐项核对并红冲，写出报告",
    en: "certify a connection against a real test tenant: creates marked vouchers, compares, reverses, and reports",
  })
    .argument("<connection>", say({ zh: "连接名称", en: "name of the connection" }))
    .option("--yes", say({ zh: "同意创建计划中的凭证", en: "agree to the vouchers of the plan" }))
    .option(
      "--dry-run",
      say({ zh: "只显示计划；只读取，不创建", en: "only show the plan; reads, and creates nothing" }),
    )
    .option(
      "--file <FILE>",
      say({ zh: "使用该文件而不是已应用的配置", en: "use this file instead of the applied configuration" }),
    )
    .option(
      "--ledger <CODE>",
      say({ zh: "连接有多个账簿时选择", en: "which ledger, where several use the connection" }),
    )
    .option("--period <YYYY-MM>", say({ zh: "已打开的期间", en: "an open period" }))
    .option(
      "--accounts <A,B>",
      say({
        zh: "两个不带核算维度的明细科目（缺省 1001,2241）",
        en: "two detail accounts without dimensions (1001,2241)",
      }),
    )
    .option(
      "--stock <ACCOUNT,ITEM,UNIT>",
      say({ zh: "数量核算科目、商品、单位", en: "account with quantities, item, unit" }),
    )
    .option(
      "--dimension <KIND=ACCOUNT,CODE...>",
      say({ zh: "核算维度的科目与编码", en: "a dimension's account and code" }),
    )
    .option(
      "--demands <KIND=ACCOUNT>",
      say({ zh: "必录该核算维度的科目", en: "an account that demands this dimension" }),
    )
    .option("--parent <ACCOUNT>", say({ zh: "一个非明细科目", en: "an account that has accounts below it" }))
    .option("--case <TEXT>", say({ zh: "只做名称含此文字的项目", en: "only cases whose name has this text" }))
    .option("--report <NAME>", say({ zh: "报告文件名，不含扩展名", en: "name of the report files, without extension" }))
    .action((name: string, options: object) =>
      runCommand((surroundings) => certify(surroundings, name, parseOptions(Options, options))),
    );

async function certify(surroundings: Surroundings, name: string, options: Options): Promise<void> {
  const installation = await installationFor(surroundings, options.file);
  const ledger = ledgerOn(installation, name, options.ledger);
  const pacer = pacerOf(connectionOf(installation, name).rate?.perSecond ?? RATE_PER_SECOND);
  const connect = (): VoucherTarget => targetOf(installation, ledger, surroundings.variables, pacer);
  const target = connect();
  const others: VoucherTarget[] = [];
  try {
    const facts = await factsFor(target, ledger, options, new Date().toISOString());
    const plan = planOf(suite, target.capabilities, facts).filter(({ id }) => id.includes(options.case ?? ""));
    if (options.dryRun || !options.yes) {
      showPlan(surroundings, name, ledger, facts, plan, options);
      return;
    }
    const files = reserveFiles(options.report ?? reportName(name));
    surroundings.progress({ zh: planText(ledger, facts, plan), en: planText(ledger, facts, plan) });
    const another = (): VoucherTarget => {
      const one = connect();
      others.push(one);
      return one;
    };
    const { vendor, baseUrl } = connectionOf(installation, name);
    const found = await run(surroundings, target, another, facts, plan);
    finish(surroundings, { connection: name, vendor, address: baseUrl, ledger: ledger.code, ...found }, files);
  } finally {
    for (const one of [target, ...others]) await one.close();
  }
}

/** @throws ZhangshiError CONNECTION_UNKNOWN; ARGUMENT_INVALID where no ledger uses it, or several do */
function ledgerOn(installation: Installation, name: string, code: string | undefined): LedgerConfig {
  connectionOf(installation, name);
  const using = installation.ledgers.filter((one) => one.connection === name);
  const chosen = code === undefined ? using : using.filter((one) => one.code === code);
  const [ledger, ...others] = chosen;
  if (ledger !== undefined && others.length === 0) return ledger;
  throw new ZhangshiError("ARGUMENT_INVALID", {
    option: "--ledger",
    reason:
      using.length === 0
        ? say({
            zh: "没有账簿使用该连接，只有账簿可以认证",
            en: "no ledger uses this connection, and only ledgers are certified",
          })
        : say({ zh: "请指明账簿", en: "name one of the ledgers" }),
    expected: using.map((one) => one.code).join(", "),
  });
}

/** One request after the other, however many interfaces there are. */
function pacerOf(perSecond: number): Pacer {
  let free = 0;
  return {
    permit: async () => {
      const at = Math.max(Date.now(), free);
      free = at + 1000 / perSecond;
      await sleep(at - Date.now());
    },
  };
}

const vouchersIn = (plan: readonly PlannedCase[]): number =>
  plan.reduce((sum, one) => sum + ("vouchers" in one ? one.vouchers : 0), 0);

/** What is going to be created, and how it can be told from everything else. */
function planText(ledger: LedgerConfig, facts: CertificationFacts, plan: readonly PlannedCase[]): string {
  const { book, openPeriod, plainAccount, otherAccount } = facts;
  const vouchers = vouchersIn(plan);
  const tried = plan.filter((one) => "play" in one).length;
  return say({
    zh: `将在账簿 ${ledger.code}（${book}）的 ${openPeriod} 期间检查 ${tried} 项，创建约 ${vouchers} 张凭证（借 ${plainAccount}，贷 ${otherAccount}），并为每张写一张红字凭证；摘要含“${SUMMARY_MARK}”。其他单据不会被改动。`,
    en: `In ledger ${ledger.code} (${book}), period ${openPeriod}, ${tried} cases are tried: they create about ${vouchers} vouchers (debit ${plainAccount}, credit ${otherAccount}), and a red voucher against each; the summaries say "${SUMMARY_MARK}". No other document is touched.`,
  });
}

function showPlan(
  { result }: Surroundings,
  connection: string,
  ledger: LedgerConfig,
  facts: CertificationFacts,
  plan: readonly PlannedCase[],
  { dryRun }: Options,
): void {
  const cases = plan.map((one) => ({
    id: one.id,
    title: one.title,
    ...("play" in one ? { vouchers: one.vouchers } : { skip: one.skip }),
  }));
  const rows = plan.map((one) =>
    "play" in one ? [String(one.vouchers), one.id, say(one.title)] : ["–", one.id, say(one.skip)],
  );
  const next = dryRun
    ? say({ zh: "试运行：没有创建任何凭证。", en: "Dry run: nothing was created." })
    : say({
        zh: "同意后加 --yes 运行。没有创建任何凭证。",
        en: "To agree, run it again with --yes. Nothing was created.",
      });
  if (!dryRun) process.exitCode = 1;
  result(
    {
      connection,
      ledger: ledger.code,
      book: facts.book,
      period: facts.openPeriod,
      dryRun,
      vouchers: vouchersIn(plan),
      cases,
    },
    `${textTable(rows)}\n\n${planText(ledger, facts, plan)}\n${next}`,
  );
}

type Found = Omit<Certification, "connection" | "vendor" | "address" | "ledger">;

/** Case after case; whoever presses Ctrl-C ends it after the one at hand, and its vouchers are reversed all the same. */
async function run(
  surroundings: Surroundings,
  target: VoucherTarget,
  another: () => VoucherTarget,
  facts: CertificationFacts,
  plan: readonly PlannedCase[],
): Promise<Found> {
  const startedAt = new Date().toISOString();
  const runName = `${startedAt} ${randomBytes(6).toString("hex")}`;
  const documents = new CertifiedDocuments(runName);
  let interrupted = false;
  const interrupt = (): void => {
    interrupted = true;
    surroundings.progress({ zh: "做完这一项即红冲并结束。", en: "After this case everything is reversed." });
  };
  process.once("SIGINT", interrupt);
  process.once("SIGTERM", interrupt);
  const cases: CertifiedCase[] = [];
  for (const one of plan) {
    const { id, title } = one;
    if ("skip" in one) cases.push({ id, title, verdict: { state: "not-applicable", reason: one.skip } });
    else if (interrupted)
      cases.push({ id, title, verdict: { state: "not-applicable", reason: { zh: "已中止", en: "ended before it" } } });
    else {
      const bench = certificationBench(target, facts, documents, id, another);
      const verdict = await play(one.play, () => Promise.resolve(bench));
      cases.push({ id, title, verdict });
      surroundings.progress({
        zh: `${SIGNS[verdict.state]} ${id}：${title.zh}`,
        en: `${SIGNS[verdict.state]} ${id}: ${title.en}`,
      });
    }
  }
  surroundings.progress({ zh: "正在红冲认证凭证。", en: "Reversing what was created." });
  const final = await cleanUp(target, facts.book, documents);
  process.off("SIGINT", interrupt);
  process.off("SIGTERM", interrupt);
  const count = (state: CertifiedCase["verdict"]["state"]): number =>
    cases.filter(({ verdict }) => verdict.state === state).length;
  return {
    book: facts.book,
    period: facts.openPeriod,
    run: runName,
    startedAt,
    endedAt: new Date().toISOString(),
    interrupted,
    counts: { passed: count("passed"), failed: count("failed"), skipped: count("not-applicable") },
    cases,
    documents: final,
    left: final.filter(({ left }) => left !== undefined).length,
  };
}

const SIGNS = { passed: "✓", failed: "✗", "not-applicable": "–" } as const;

/** Both files of the report. They are made before anything is created in the ERP, so that what was done can be told. */
interface ReportFiles {
  readonly markdown: string;
  readonly json: string;
}

const reportName = (connection: string): string =>
  `certification-${connection}-${new Date()
    .toISOString()
    .replaceAll(/[^0-9]/g, "")
    .slice(0, 14)}`;

/** @throws ZhangshiError FILE_NOT_WRITTEN when one is there already, or cannot be made */
function reserveFiles(name: string): ReportFiles {
  const files = { markdown: `${name}.md`, json: `${name}.json` };
  for (const file of Object.values(files))
    try {
      writeFileSync(file, "", { flag: "wx" });
    } catch (error) {
      throw new ZhangshiError("FILE_NOT_WRITTEN", { file }, { cause: error });
    }
  return files;
}

function finish({ result }: Surroundings, found: Certification, { markdown, json }: ReportFiles): void {
  writeFileSync(markdown, certificationMarkdown(found));
  writeFileSync(json, `${JSON.stringify(found, null, 2)}\n`);
  if (found.counts.failed > 0 || found.left > 0) process.exitCode = 1;
  const files = [markdown, json];
  result(
    { ...found, files },
    `${conclusion(found)} ${say({ zh: `报告：${files.join("、")}`, en: `Report: ${files.join(", ")}` })}`,
  );
}
