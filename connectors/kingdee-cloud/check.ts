import { lookup } from "node:dns/promises";
import { connect } from "node:net";
import { connect as connectSecurely, rootCertificates } from "node:tls";
import { errorCatalog } from "../../domain/errors.ts";
import type { Bilingual, CheckStage } from "../contract.ts";
import type { VendorHttp } from "../transport/vendor-http.ts";
import { readMasterData } from "./books.ts";
import type { KingdeeChannel } from "./channel.ts";
import { type QueryAnswer, oneOf, queryBill, textCell } from "./query.ts";
import type { KingdeeCloudSettings } from "./settings.ts";
import { dimensionColumns } from "./voucher-body.ts";
import { voucherFields } from "./voucher-rows.ts";

const CONNECT_TIMEOUT_MS = 10_000;
/** The public gateway refused a time stamp 13 minutes old (reference §2.1). */
const CLOCK_DIFFERENCE_MS_MAX = 5 * 60_000;

export interface CheckSubject {
  readonly http: VendorHttp;
  readonly maker: KingdeeChannel;
  readonly auditor: KingdeeChannel | undefined;
  readonly settings: KingdeeCloudSettings;
  readonly certificateAuthority: string | undefined;
  readonly now: () => Date;
}

type Finding = Pick<CheckStage, "state" | "message"> & { readonly nextStep?: Bilingual; readonly raw?: string };

const say = (zh: string, en: string): Bilingual => ({ zh, en });
const ok = (zh: string, en: string): Finding => ({ state: "ok", message: say(zh, en) });
const failed = (message: Bilingual, nextStep: Bilingual, raw = ""): Finding => ({
  state: "failed",
  message,
  nextStep,
  ...(raw === "" ? {} : { raw }),
});

/** Runs one stage; whatever is thrown inside is a failed stage and not the end of the check. */
const timed = async (
  subject: CheckSubject,
  stage: CheckStage["stage"],
  name: string,
  find: () => Promise<Finding>,
): Promise<CheckStage> => {
  const began = performance.now();
  let finding: Finding;
  try {
    finding = await find();
  } catch (error) {
    const raw = error instanceof Error ? error.message : String(error);
    finding = failed(say("检查失败", "The check failed"), say("查看原始信息", "See the raw message"), raw);
  }
  const raw = finding.raw === undefined ? {} : { raw: subject.http.redact(finding.raw) };
  return { stage, subject: name, durationMs: Math.round(performance.now() - began), ...finding, ...raw };
};

/** Address, port, TLS and log-in end the check when they fail; everything behind them is looked at in any case. */
export async function* checkStages(subject: CheckSubject): AsyncGenerator<CheckStage> {
  const { http, settings } = subject;
  const url = http.baseUrl;
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const port = Number(url.port) || (url.protocol === "https:" ? 443 : 80);

  const before: readonly (() => Promise<CheckStage>)[] = [
    () => timed(subject, "address", host, () => checkAddress(host)),
    () => timed(subject, "port", `${host}:${port}`, () => checkPort(host, port)),
    () => timed(subject, "tls", host, () => checkTls(url.protocol, host, port, subject.certificateAuthority)),
    () => timed(subject, "login", "userName", () => checkLogIn(subject.maker)),
  ];
  for (const step of before) {
    const stage = await step();
    yield stage;
    if (stage.state === "failed") return;
  }
  const { auditor } = subject;
  if (auditor !== undefined) yield await timed(subject, "login", "auditorUserName", () => checkLogIn(auditor));
  yield await timed(subject, "clock", host, () => checkClock(subject));
  yield await timed(subject, "rights", "GL_VOUCHER", () => checkVoucherQuery(subject));
  for (const form of ["BD_AccountBook", "BD_Account", "BD_VOUCHERGROUP", "BD_MATERIAL"])
    yield await timed(subject, "rights", form, () => checkForm(subject, form));
  yield await timed(subject, "key-field", settings.keyField, () => checkKeyField(subject));
  yield await timed(subject, "master-data", "books", () => checkBooks(subject));
  yield await timed(subject, "master-data", "words", () => checkWords(subject));
}

const checkAddress = async (host: string): Promise<Finding> => {
  try {
    const { address } = await lookup(host);
    return ok(`地址解析为 ${address}`, `The address resolves to ${address}`);
  } catch (error) {
    return failed(
      say(`无法解析地址 ${host}`, `${host} cannot be resolved`),
      say("检查 baseUrl 与 DNS", "Check baseUrl and DNS"),
      String(error),
    );
  }
};

const checkPort = async (host: string, port: number): Promise<Finding> => {
  const problem = await new Promise<string>((resolve) => {
    const socket = connect({ host, port, timeout: CONNECT_TIMEOUT_MS });
    const end = (result: string): void => {
      socket.destroy();
      resolve(result);
    };
    socket.once("connect", () => end(""));
    socket.once("timeout", () => end("timeout"));
    socket.once("error", (error) => end(error.message));
  });
  if (problem === "") return ok(`端口 ${port} 可以连接`, `Port ${port} accepts connections`);
  return failed(
    say(`端口 ${port} 连接不上`, `Port ${port} does not answer`),
    say("检查防火墙、服务是否启动", "Check the firewall and whether the service runs"),
    problem,
  );
};

const checkTls = async (
  protocol: string,
  host: string,
  port: number,
  authority: string | undefined,
): Promise<Finding> => {
  if (protocol !== "https:")
    return {
      state: "warning",
      message: say("连接没有加密（http）", "The connection is not encrypted (http)"),
      nextStep: say("只在可信内网使用，或改用 https", "Use it only inside a trusted network, or switch to https"),
    };
  const problem = await new Promise<string>((resolve) => {
    const socket = connectSecurely({
      host,
      port,
      servername: host,
      timeout: CONNECT_TIMEOUT_MS,
      ...(authority === undefined ? {} : { ca: [...rootCertificates, authority] }),
    });
    const end = (result: string): void => {
      socket.destroy();
      resolve(result);
    };
    socket.once("secureConnect", () => end(""));
    socket.once("timeout", () => end("timeout"));
    socket.once("error", (error) => end(error.message));
  });
  if (problem === "") return ok("证书有效", "The certificate is valid");
  return failed(
    say("证书不被信任", "The certificate is not trusted"),
    say(
      "在连接中用 certificateAuthority: file:路径 给出私有 CA 证书",
      "Name the private CA's certificate in the connection: certificateAuthority: file:PATH",
    ),
    problem,
  );
};

const checkLogIn = async (channel: KingdeeChannel): Promise<Finding> => {
  const logIn = await channel.logIn();
  if (logIn.kind === "failed") {
    const { what, nextStep } = errorCatalog[logIn.code];
    return failed(what, nextStep, logIn.message);
  }
  // The vendor's own self test: the currency PRE001 is there on every server.
  const answer = await queryBill(channel, {
    form: "BD_Currency",
    fields: ["FCODE"],
    filter: "FNUMBER='PRE001'",
    order: "FNUMBER asc",
  });
  if (answer.kind === "rows") return ok("登录成功", "Logged in");
  if (answer.code === "PERMISSION_DENIED") return ok("登录成功", "Logged in");
  const code = answer.code === "LOGIN_REFUSED" || answer.code === "NOT_REACHABLE" ? answer.code : "NOT_LOGGED_IN";
  return failed(errorCatalog[code].what, errorCatalog[code].nextStep, answer.message);
};

const checkClock = async (subject: CheckSubject): Promise<Finding> => {
  const logIn = await subject.maker.logIn();
  const theirs = logIn.kind === "ok" ? Date.parse(logIn.dateHeader) : Number.NaN;
  if (Number.isNaN(theirs)) return { state: "skipped", message: say("服务器没有给出时间", "The server gives no time") };
  const seconds = Math.round(Math.abs(subject.now().getTime() - theirs) / 1_000);
  if (seconds * 1_000 <= CLOCK_DIFFERENCE_MS_MAX)
    return ok(`时钟相差约 ${seconds} 秒`, `The clocks differ by about ${seconds} s`);
  return {
    state: "warning",
    message: say(`时钟相差约 ${seconds} 秒`, `The clocks differ by about ${seconds} s`),
    nextStep: say("校准两台机器的时钟；签名会过期", "Set both clocks; signatures expire"),
  };
};

const ofQuery = (answer: QueryAnswer, object: string): Finding => {
  if (answer.kind === "rows") return ok(`可以查询 ${object}`, `${object} can be read`);
  if (answer.code === "PERMISSION_DENIED")
    return failed(errorCatalog.PERMISSION_DENIED.what, errorCatalog.PERMISSION_DENIED.nextStep, answer.message);
  return failed(
    say(`查询 ${object} 失败`, `${object} cannot be read`),
    say("按原始信息处理：权限、字段或网络", "See the raw message: rights, fields or network"),
    answer.message,
  );
};

/** Asks for nothing, but with every field that read-back uses: a missing flex column shows here. */
const checkVoucherQuery = async ({ maker, settings }: CheckSubject): Promise<Finding> => {
  const fields = voucherFields(settings).filter((field) => field !== settings.keyField);
  const answer = await queryBill(maker, {
    form: "GL_VOUCHER",
    fields,
    filter: "FVOUCHERID=0",
    order: "FVOUCHERID asc",
  });
  const finding = ofQuery(answer, "GL_VOUCHER");
  if (answer.kind === "rows" || answer.msgCode !== 9) return finding;
  const columns = dimensionColumns(settings).map(([kind, column]) => `${kind}=${column}`);
  return {
    ...finding,
    nextStep: say(
      `核对维度列（${columns.join("，")}）与 originColumn`,
      `Compare the dimension columns (${columns.join(", ")}) and originColumn with the ERP`,
    ),
  };
};

const checkForm = async ({ maker }: CheckSubject, form: string): Promise<Finding> =>
  ofQuery(await queryBill(maker, { form, fields: ["FNumber"], filter: "FNumber=''", order: "FNumber asc" }), form);

const checkKeyField = async ({ maker, settings }: CheckSubject): Promise<Finding> => {
  const answer = await queryBill(maker, {
    form: "GL_VOUCHER",
    fields: ["FVOUCHERID", settings.keyField],
    filter: `FVOUCHERID=0 and ${settings.keyField}=''`,
    order: "FVOUCHERID asc",
  });
  if (answer.kind === "rows") return ok(`字段 ${settings.keyField} 存在`, `The field ${settings.keyField} exists`);
  if (answer.code === "PERMISSION_DENIED") return ofQuery(answer, "GL_VOUCHER");
  return failed(errorCatalog.KEY_FIELD_MISSING.what, errorCatalog.KEY_FIELD_MISSING.nextStep, answer.message);
};

const checkBooks = async ({ maker, settings }: CheckSubject): Promise<Finding> => {
  const wanted = Object.keys(settings.books);
  const answer = await queryBill(maker, {
    form: "BD_AccountBook",
    fields: ["FNumber"],
    filter: oneOf("FNumber", wanted),
    order: "FNumber asc",
  });
  if (answer.kind === "failed") return ofQuery(answer, "BD_AccountBook");
  return present(
    wanted,
    answer.rows.map((row) => textCell(row[0])),
    "账簿",
    "Account books",
  );
};

const checkWords = async ({ maker, settings }: CheckSubject): Promise<Finding> => {
  const wanted = Object.values(settings.words);
  const rows = await readMasterData(maker, settings, "word", wanted);
  return present(
    wanted,
    rows.filter((row) => row.usable).map((row) => row.code),
    "凭证字",
    "Voucher words",
  );
};

const present = (wanted: readonly string[], found: readonly string[], zh: string, en: string): Finding => {
  const missing = wanted.filter((code) => !found.includes(code));
  if (missing.length === 0) return ok(`${zh}都可用：${wanted.join("，")}`, `${en} are usable: ${wanted.join(", ")}`);
  return failed(
    say(`${zh}不可用：${missing.join("，")}`, `${en} are missing or unusable: ${missing.join(", ")}`),
    say("在 ERP 中核对编码并更正连接设置", "Compare the codes with the ERP and correct the connection's settings"),
  );
};
