import { type ErrorCode, errorCatalog, ZhangshiError } from "../../domain/errors.ts";
import type { CheckStage } from "../contract.ts";
import type { VendorHttp } from "../transport/vendor-http.ts";
import { readMasterData, readPeriods } from "./books.ts";
import { readPage } from "./lists.ts";
import { type Finding, checkAddress, checkPort, checkTls, failed, ok, say } from "./network-check.ts";
import type { Parameters } from "./signature.ts";
import { type Reading, VOUCHER_PATH } from "./vouchers.ts";

/** A signature's time stamp is taken for five minutes (reference §10.1). */
const CLOCK_DIFFERENCE_MS_MAX = 2 * 60_000;
/** No voucher carries it: a list that answers rows for it has not looked at the filter. */
const NOBODYS_KEY = "zhangshi-check-nobodys-key";

export interface CheckSubject {
  readonly http: VendorHttp;
  readonly reading: Reading;
  readonly certificateAuthority: string | undefined;
}

/** Runs one stage; whatever is thrown inside is a failed stage and not the end of the check. */
const timed = async (
  { reading }: CheckSubject,
  stage: CheckStage["stage"],
  subject: string,
  find: () => Promise<Finding>,
): Promise<CheckStage> => {
  const began = performance.now();
  let finding: Finding;
  try {
    finding = await find();
  } catch (error) {
    finding = ofError(error);
  }
  const raw = finding.raw === undefined ? {} : { raw: reading.channel.redact(finding.raw) };
  return { stage, subject, durationMs: Math.round(performance.now() - began), ...finding, ...raw };
};

const ofError = (error: unknown): Finding => {
  if (error instanceof ZhangshiError) return ofCode(error.code, error.details["message"] ?? error.message);
  const raw = error instanceof Error ? error.message : String(error);
  return failed(say("检查失败", "The check failed"), say("查看原始信息", "See the raw message"), raw);
};
const ofCode = (code: ErrorCode, raw: string): Finding =>
  failed(errorCatalog[code].what, errorCatalog[code].nextStep, raw);

/** Address, port, TLS and log-in end the check when they fail; everything behind them is looked at in any case. */
export async function* checkStages(subject: CheckSubject): AsyncGenerator<CheckStage> {
  const { http, reading } = subject;
  const url = http.baseUrl;
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const port = Number(url.port) || (url.protocol === "https:" ? 443 : 80);
  const before: readonly (() => Promise<CheckStage>)[] = [
    () => timed(subject, "address", host, () => checkAddress(host)),
    () => timed(subject, "port", `${host}:${port}`, () => checkPort(host, port)),
    () => timed(subject, "tls", host, () => checkTls(url.protocol, host, port, subject.certificateAuthority)),
    () => timed(subject, "login", "app-token", () => checkLogIn(reading)),
  ];
  for (const step of before) {
    const stage = await step();
    yield stage;
    if (stage.state === "failed") return;
  }
  yield await timed(subject, "clock", host, async () => checkClock(reading));
  for (const path of RIGHTS) yield await timed(subject, "rights", path, () => checkList(reading, path));
  yield await timed(subject, "key-field", "source_bill_no", () => checkKeyField(reading));
  yield await timed(subject, "master-data", "book", () => checkBook(reading));
  yield await timed(subject, "master-data", "words", () => checkWords(reading));
  yield await timed(subject, "limits", "page_size", () => checkPageSize(reading));
}

const RIGHTS = [VOUCHER_PATH, "jdy/v2/fi/account", "jdy/v2/bd/material", "jdy/v2/fi/voucher_type"] as const;

const checkLogIn = async ({ channel }: Reading): Promise<Finding> => {
  const logIn = await channel.logIn();
  return logIn.kind === "ok" ? ok("取得 app-token", "An app-token was given") : ofCode(logIn.code, logIn.message);
};

const checkClock = ({ channel }: Reading): Finding => {
  const difference = channel.clockDifferenceMs;
  if (difference === undefined)
    return { state: "skipped", message: say("服务器没有给出时间", "The server gives no time") };
  const seconds = Math.round(Math.abs(difference) / 1_000);
  const message = say(`时钟相差约 ${seconds} 秒`, `The clocks differ by about ${seconds} s`);
  if (Math.abs(difference) <= CLOCK_DIFFERENCE_MS_MAX) return { state: "ok", message };
  return {
    state: "warning",
    message,
    nextStep: say(
      "校准本机时钟；签名五分钟过期，目前按对方时钟签名",
      "Set this machine's clock: signatures expire after five minutes; until then they are stamped by the server's clock",
    ),
  };
};

const firstPage = async ({ channel, settings }: Reading, path: string, parameters: Parameters = {}) =>
  readPage(channel, path, parameters, 1, settings.pageSize);

const checkList = async (reading: Reading, path: string): Promise<Finding> => {
  const answer = await firstPage(reading, path);
  if (answer.kind === "page") return ok(`可以查询 ${path}`, `${path} can be read`);
  if (answer.code === "PERMISSION_DENIED") return ofCode(answer.code, answer.message);
  return failed(
    say(`查询 ${path} 失败`, `${path} cannot be read`),
    say(
      "按原始信息处理：应用的接口权限或授权用户的权限",
      "See the raw message: the application's interfaces or the user's rights",
    ),
    answer.message,
  );
};

const checkKeyField = async (reading: Reading): Promise<Finding> => {
  const answer = await firstPage(reading, VOUCHER_PATH, { source_bill_no: NOBODYS_KEY });
  if (answer.kind === "failed") return ofCode(answer.code, answer.message);
  if (answer.rows.length === 0) return ok("可以按来源单号查询凭证", "Vouchers can be found by source_bill_no");
  return failed(
    say("来源单号过滤不起作用", "The filter on source_bill_no is ignored"),
    say("不能用于过账：联系金蝶确认凭证列表接口", "Do not post: ask Kingdee about the voucher list's filter"),
  );
};

const checkBook = async (reading: Reading): Promise<Finding> => {
  const periods = await readPeriods(reading);
  const current = periods.find(({ open }) => open)?.period ?? "?";
  return ok(`当前会计期间 ${current}`, `The current accounting period is ${current}`);
};

const checkWords = async (reading: Reading): Promise<Finding> => {
  const wanted = Object.values(reading.settings.words);
  const found = new Set((await readMasterData(reading, "word", wanted)).map((row) => row.code));
  const missing = wanted.filter((code) => !found.has(code));
  if (missing.length === 0)
    return ok(`凭证字可用：${wanted.join("，")}`, `Voucher words are usable: ${wanted.join(", ")}`);
  return failed(
    say(`凭证字不存在：${missing.join("，")}`, `Voucher words are missing: ${missing.join(", ")}`),
    say("在星辰中核对凭证字编码并更正 words", "Compare the voucher words' codes in the ERP and correct words"),
  );
};

const checkPageSize = async (reading: Reading): Promise<Finding> => {
  const answer = await firstPage(reading, VOUCHER_PATH);
  if (answer.kind === "failed") return ofCode(answer.code, answer.message);
  const { count, rows } = answer;
  if (count === undefined)
    return {
      state: "warning",
      message: say("列表没有给出总数", "The list does not say how many rows there are"),
      nextStep: say("无法发现被截断的列表", "A list that was cut short cannot be noticed"),
    };
  return ok(
    `列表给出总数 ${count}，每页 ${rows.length} 行`,
    `The list has ${count} rows, ${rows.length} on its first page`,
  );
};
