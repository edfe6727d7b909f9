import { lookup } from "node:dns/promises";
import { connect } from "node:net";
import { connect as connectSecurely, rootCertificates } from "node:tls";
import { ZhangshiError, errorCatalog } from "../../domain/errors.ts";
import type { Bilingual, CheckStage, MasterDataRow } from "../contract.ts";

const CONNECT_TIMEOUT_MS = 10_000;
/** Nothing is signed by the clock; but the date of a voucher and the life of a token hang on it. */
const CLOCK_DIFFERENCE_MS_MAX = 5 * 60_000;

export type Finding = Pick<CheckStage, "state" | "message"> & { readonly nextStep?: Bilingual; readonly raw?: string };

export const say = (zh: string, en: string): Bilingual => ({ zh, en });
export const ok = (zh: string, en: string): Finding => ({ state: "ok", message: say(zh, en) });
export const skipped = (zh: string, en: string): Finding => ({ state: "skipped", message: say(zh, en) });
export const warning = (zh: string, en: string, nextZh: string, nextEn: string): Finding => ({
  state: "warning",
  message: say(zh, en),
  nextStep: say(nextZh, nextEn),
});
export const failed = (message: Bilingual, nextStep: Bilingual, raw = ""): Finding => ({
  state: "failed",
  message,
  nextStep,
  ...(raw === "" ? {} : { raw }),
});

/** Runs one stage; whatever is thrown inside is a failed stage and not the end of the check. */
export const timed = async (
  stage: CheckStage["stage"],
  subject: string,
  redact: (text: string) => string,
  find: () => Promise<Finding>,
): Promise<CheckStage> => {
  const began = performance.now();
  let finding: Finding;
  try {
    finding = await find();
  } catch (error) {
    finding =
      error instanceof ZhangshiError
        ? failed(errorCatalog[error.code].what, errorCatalog[error.code].nextStep, error.details["message"] ?? "")
        : failed(
            say("检查失败", "The check failed"),
            say("查看原始信息", "See the raw message"),
            error instanceof Error ? error.message : String(error),
          );
  }
  const raw = finding.raw === undefined ? {} : { raw: redact(finding.raw) };
  return { stage, subject, durationMs: Math.round(performance.now() - began), ...finding, ...raw };
};

/** Address, port and TLS; each one that fails is the last. */
export async function* reachStages(
  url: URL,
  certificateAuthority: string | undefined,
  redact: (text: string) => string,
): AsyncGenerator<CheckStage> {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const port = Number(url.port) || (url.protocol === "https:" ? 443 : 80);
  const steps: readonly (() => Promise<CheckStage>)[] = [
    () => timed("address", host, redact, () => checkAddress(host)),
    () => timed("port", `${host}:${port}`, redact, () => checkPort(host, port)),
    () => timed("tls", host, redact, () => checkTls(url.protocol, host, port, certificateAuthority)),
  ];
  for (const step of steps) {
    const stage = await step();
    yield stage;
    if (stage.state === "failed") return;
  }
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
    say("检查防火墙、IIS 是否启动", "Check the firewall and whether IIS runs"),
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
      "连接没有加密（http）",
      "The connection is not encrypted (http)",
      "EAI 没有登录：只在内网使用并限制来源 IP，或在前面放反向代理（https）",
      "EAI has no log-in: keep it inside the network and limit the callers' addresses, or put a proxy (https) before it",
    );
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
      "把私有 CA 证书写入连接的 certificateAuthority",
      "Give the private CA as the connection's certificateAuthority",
    ),
    problem,
  );
};

export const clockFinding = (dateHeader: string, now: Date): Finding => {
  const theirs = Date.parse(dateHeader);
  if (Number.isNaN(theirs)) return skipped("服务器没有给出时间", "The server gives no time");
  const seconds = Math.round(Math.abs(now.getTime() - theirs) / 1_000);
  const zh = `时钟相差约 ${seconds} 秒`;
  const en = `The clocks differ by about ${seconds} s`;
  return seconds * 1_000 <= CLOCK_DIFFERENCE_MS_MAX
    ? ok(zh, en)
    : warning(zh, en, "校准两台机器的时钟", "Set both clocks");
};

export const present = (wanted: readonly string[], rows: readonly MasterDataRow[], zh: string, en: string): Finding => {
  const missing = wanted.filter((code) => !rows.some((row) => row.code === code && row.usable));
  if (missing.length === 0) return ok(`${zh}都可用：${wanted.join("，")}`, `${en} are usable: ${wanted.join(", ")}`);
  return failed(
    say(`${zh}不可用：${missing.join("，")}`, `${en} are missing or unusable: ${missing.join(", ")}`),
    say("在 U8 中核对编码并更正连接设置", "Compare the codes with U8 and correct the connection's settings"),
  );
};
