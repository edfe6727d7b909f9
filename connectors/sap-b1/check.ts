import { lookup } from "node:dns/promises";
import { connect, isIP } from "node:net";
import { connect as connectSecurely, rootCertificates } from "node:tls";
import { z } from "zod";
import { ZhangshiError, errorCatalog } from "../../domain/errors.ts";
import type { Bilingual, CheckStage } from "../contract.ts";
import type { VendorHttp } from "../transport/vendor-http.ts";
import { askCompany, readMasterData, readPeriods } from "./books.ts";
import type { B1Channel } from "./channel.ts";
import { type QueryAnswer, allPages, isYes, quoted, queryPage, textOf } from "./query.ts";
import type { SapB1Settings } from "./settings.ts";
import { type SetUp, setUpsFor } from "./setup.ts";

const CONNECT_TIMEOUT_MS = 10_000;
/** Nothing is signed with the time; a larger difference still makes logs of both sides hard to compare. */
const CLOCK_DIFFERENCE_MS_MAX = 5 * 60_000;
const AMOUNT_DECIMALS = 2;

export interface CheckSubject {
  readonly http: VendorHttp;
  readonly channel: B1Channel;
  readonly settings: SapB1Settings;
  readonly certificateAuthority: string | undefined;
  readonly now: () => Date;
}

type Finding = Pick<CheckStage, "state" | "message"> & { readonly nextStep?: Bilingual; readonly raw?: string };

const say = (zh: string, en: string): Bilingual => ({ zh, en });
const ok = (zh: string, en: string): Finding => ({ state: "ok", message: say(zh, en) });
const warning = (message: Bilingual, nextStep: Bilingual): Finding => ({ state: "warning", message, nextStep });
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
    const entry = error instanceof ZhangshiError ? errorCatalog[error.code] : undefined;
    finding = failed(
      entry?.what ?? say("检查失败", "The check failed"),
      entry?.nextStep ?? say("查看原始信息", "See the raw message"),
      raw,
    );
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
    () => timed(subject, "login", "userName", () => checkLogIn(subject)),
  ];
  for (const step of before) {
    const stage = await step();
    yield stage;
    if (stage.state === "failed") return;
  }
  yield await timed(subject, "clock", host, () => checkClock(subject));
  for (const [set, key] of readSets(settings))
    yield await timed(subject, "rights", set, () => checkSet(subject, set, key));
  yield await timed(subject, "rights", "CompanyService", () => checkPeriods(subject));
  for (const setUp of setUpsFor(settings))
    yield await timed(subject, "key-field", nameOf(setUp), () => checkSetUp(subject, setUp));
  yield await timed(subject, "master-data", "controlAccounts", () => checkControlAccounts(subject));
  yield await timed(subject, "master-data", "words", () => checkWords(subject));
  yield await timed(subject, "limits", "AdminInfo", () => checkAdminInfo(subject));
}

const readSets = (settings: SapB1Settings): readonly (readonly [set: string, key: string])[] => [
  ["JournalEntries", "JdtNum"],
  ["ChartOfAccounts", "Code"],
  ...(Object.keys(settings.controlAccounts).length === 0 ? [] : [["BusinessPartners", "CardCode"] as const]),
  ...(settings.dimensions.department?.startsWith("CostingCode") === true
    ? [["ProfitCenters", "CenterCode"] as const]
    : []),
];

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
    say(
      "检查防火墙与 Service Layer 服务（默认端口 50000）",
      "Check the firewall and the Service Layer (port 50000 by default)",
    ),
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
    return warning(
      say("连接没有加密（http）", "The connection is not encrypted (http)"),
      say("Service Layer 默认使用 https，请改用 https", "The Service Layer speaks https by default: switch to it"),
    );
  const problem = await new Promise<string>((resolve) => {
    const socket = connectSecurely({
      host,
      port,
      // A name goes into the handshake, an address may not.
      ...(isIP(host) === 0 ? { servername: host } : {}),
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
      "Service Layer 安装时自带自签名证书：把该证书或签发它的 CA 存为 PEM，在连接中写 certificateAuthority: file:路径，并用证书中的主机名访问",
      "The Service Layer comes with a certificate it signed itself: save it, or its authority, as PEM, name it in the connection (certificateAuthority: file:PATH), and use the host name it was made for",
    ),
    problem,
  );
};

const checkLogIn = async ({ channel }: CheckSubject): Promise<Finding> => {
  const logIn = await channel.logIn();
  if (logIn.kind === "failed") {
    const isMissing = logIn.status === 404;
    const { what, nextStep } = errorCatalog[logIn.code];
    return failed(
      what,
      isMissing
        ? say(
            "没有找到 Service Layer：核对 baseUrl，或改 serviceLayer 为 v1",
            "No Service Layer there: check baseUrl, or set serviceLayer to v1",
          )
        : nextStep,
      logIn.message,
    );
  }
  return ok(`登录成功，版本 ${logIn.version}`, `Logged in, version ${logIn.version}`);
};

const checkClock = async (subject: CheckSubject): Promise<Finding> => {
  const logIn = await subject.channel.logIn();
  const theirs = logIn.kind === "ok" ? Date.parse(logIn.dateHeader) : Number.NaN;
  if (Number.isNaN(theirs)) return { state: "skipped", message: say("服务器没有给出时间", "The server gives no time") };
  const seconds = Math.round(Math.abs(subject.now().getTime() - theirs) / 1_000);
  const message = say(`时钟相差约 ${seconds} 秒`, `The clocks differ by about ${seconds} s`);
  if (seconds * 1_000 <= CLOCK_DIFFERENCE_MS_MAX) return { state: "ok", message };
  return warning(message, say("校准两台机器的时钟", "Set both clocks"));
};

const ofQuery = (answer: QueryAnswer, object: string): Finding => {
  if (answer.kind === "page") return ok(`可以查询 ${object}`, `${object} can be read`);
  if (answer.code === "PERMISSION_DENIED")
    return failed(errorCatalog.PERMISSION_DENIED.what, errorCatalog.PERMISSION_DENIED.nextStep, answer.message);
  return failed(
    say(`查询 ${object} 失败`, `${object} cannot be read`),
    say("按原始信息处理：权限、字段或网络", "See the raw message: rights, fields or network"),
    answer.message,
  );
};

const checkSet = async ({ channel }: CheckSubject, set: string, key: string): Promise<Finding> =>
  ofQuery(await queryPage(channel, { set, select: [key], order: `${key} asc` }, 1), set);

const checkPeriods = async ({ channel, now }: CheckSubject): Promise<Finding> => {
  const periods = await readPeriods(channel);
  const open = periods.filter((state) => state.open).map((state) => state.period);
  const today = now().toISOString().slice(0, 7);
  if (open.some((period) => period === today))
    return ok(`可以读取期间，本月 ${today} 已打开`, `Periods can be read; this month, ${today}, is open`);
  return warning(
    say(
      `本月 ${today} 没有打开的过账期间；打开的有：${open.slice(-6).join("，")}`,
      `This month, ${today}, has no open posting period; open are: ${open.slice(-6).join(", ")}`,
    ),
    say("在 B1 中建立或解锁过账期间", "Create or unlock the posting period in B1"),
  );
};

const nameOf = ({ set, table, field }: SetUp): string =>
  set === "UserTablesMD" ? `U_${table}` : `${table}.U_${field}`;

/** Created, and visible: a new field or table shows only after a restart of the Service Layer (reference §8.1). */
const checkSetUp = async (subject: CheckSubject, setUp: SetUp): Promise<Finding> => {
  const isTable = setUp.set === "UserTablesMD";
  const object = isTable ? `用户表 ${nameOf(setUp)}` : `用户字段 ${nameOf(setUp)}`;
  const objectEn = `${isTable ? "user table" : "user field"} ${nameOf(setUp)}`;
  if (!(await isCreated(subject, setUp)))
    return failed(
      say(`没有${object}`, `The ${objectEn} is missing`),
      say(
        `在 B1 的用户自定义${isTable ? "表" : "字段"}管理中新建，或以管理员发送：${bodyOf(subject, setUp)}；然后重启 Service Layer`,
        `Create it in B1, or send as an administrator: ${bodyOf(subject, setUp)}; then restart the Service Layer`,
      ),
    );
  const { settings, channel } = subject;
  // Lines come whole: a field on them cannot be asked for by name.
  if (setUp.table === "JDT1") return ok(`${object}存在`, `The ${objectEn} exists`);
  const query = isTable
    ? { set: `U_${setUp.table}`, select: ["Code"], order: "Code asc" }
    : { set: "JournalEntries", select: ["JdtNum", settings.keyField], order: "JdtNum asc" };
  const answer = await queryPage(channel, query, 1);
  if (answer.kind === "page") return ok(`${object}存在且可读`, `The ${objectEn} exists and can be read`);
  return failed(
    say(`${object}已建立，但 Service Layer 还看不到`, `The ${objectEn} exists, but the Service Layer does not show it`),
    say(
      "重启 Service Layer；仍看不到时检查用户的权限",
      "Restart the Service Layer; if that does not help, check the user's rights",
    ),
    answer.message,
  );
};

const bodyOf = ({ http, channel }: CheckSubject, { set, body }: SetUp): string =>
  `POST ${http.baseUrl.origin}${channel.root}/${set} ${JSON.stringify(body)}`;

/** Names of user fields and tables are compared without case: databases differ. */
const isCreated = async ({ channel, settings }: CheckSubject, setUp: SetUp): Promise<boolean> => {
  const isTable = setUp.set === "UserTablesMD";
  const wanted = (isTable ? setUp.table : setUp.field).toLowerCase();
  const query = isTable
    ? { set: setUp.set, select: ["TableName"], order: "TableName asc" }
    : {
        set: setUp.set,
        select: ["TableName", "FieldID", "Name"],
        filter: `TableName eq ${quoted(setUp.table)}`,
        order: "FieldID asc",
      };
  for await (const rows of allPages(channel, query, settings.pageSize))
    for (const row of rows)
      if (
        textOf(row[isTable ? "TableName" : "Name"])
          .toLowerCase()
          .replace(/^@/, "") === wanted
      )
        return true;
  return false;
};

const checkControlAccounts = async ({ channel, settings }: CheckSubject): Promise<Finding> => {
  const wanted = Object.keys(settings.controlAccounts);
  if (wanted.length === 0)
    return { state: "skipped", message: say("没有配置统驭科目", "No control accounts are configured") };
  const rows = await readMasterData(channel, settings, "account", wanted);
  const usable = new Set(rows.filter((row) => row.usable).map((row) => row.code));
  return present(wanted, usable, "统驭科目", "Control accounts");
};

const checkWords = async ({ channel, settings }: CheckSubject): Promise<Finding> => {
  const wanted = Object.values(settings.words).filter((code) => code !== null);
  if (wanted.length === 0)
    return { state: "skipped", message: say("凭证字不写入业务代码", "Voucher words write no transaction code") };
  const rows = await readMasterData(channel, settings, "word", wanted);
  return present(wanted, new Set(rows.map((row) => row.code)), "业务代码", "Transaction codes");
};

const present = (wanted: readonly string[], found: ReadonlySet<string>, zh: string, en: string): Finding => {
  const missing = wanted.filter((code) => !found.has(code));
  if (missing.length === 0) return ok(`${zh}都可用：${wanted.join("，")}`, `${en} are usable: ${wanted.join(", ")}`);
  return failed(
    say(`${zh}不可用：${missing.join("，")}`, `${en} are missing or unusable: ${missing.join(", ")}`),
    say("在 B1 中核对编码并更正连接设置", "Compare the codes with B1 and correct the connection's settings"),
  );
};

/** Source: reference §7.4; only what is looked at here. */
const AdminInfo = z.looseObject({
  TotalsAccuracy: z.union([z.string(), z.null()]).optional(),
  LocalCurrency: z.union([z.string(), z.null()]).optional(),
  UseNegativeAmounts: z.union([z.string(), z.null()]).optional(),
});

const checkAdminInfo = async ({ channel, settings }: CheckSubject): Promise<Finding> => {
  const parsed = AdminInfo.safeParse(await askCompany(channel, "GetAdminInfo"));
  if (!parsed.success) return failed(errorCatalog.READ_FAILED.what, errorCatalog.READ_FAILED.nextStep);
  const { TotalsAccuracy: decimals, LocalCurrency: currency, UseNegativeAmounts: negative } = parsed.data;
  if (settings.red === "negative" && typeof negative === "string" && !isYes(negative))
    return failed(
      say(
        "公司没有启用负数金额，红字凭证会被拒绝",
        "The company does not use negative amounts: red vouchers would be refused",
      ),
      say(
        "在 B1 公司明细的基本初始化中启用负数金额，或把 red 设为 swapped",
        "Switch negative amounts on in B1's company details, or set `red` to swapped",
      ),
    );
  if (typeof decimals === "string" && Number(decimals) < AMOUNT_DECIMALS)
    return failed(
      say(`金额只保留 ${decimals} 位小数`, `Amounts keep only ${decimals} decimals`),
      say("在 B1 的显示设置中把金额小数位设为 2", "Set the decimals of amounts to 2 in B1's display settings"),
    );
  if (typeof currency === "string" && currency !== settings.currency)
    return warning(
      say(
        `公司本位币是 ${currency}，设置中是 ${settings.currency}`,
        `The company's local currency is ${currency}, the settings say ${settings.currency}`,
      ),
      say(
        "若指同一货币可忽略，否则更正 currency",
        "Ignore this where both are the same currency, else correct `currency`",
      ),
    );
  return ok("金额小数位、本位币与红字方式相符", "Decimals, currency and red vouchers fit");
};
