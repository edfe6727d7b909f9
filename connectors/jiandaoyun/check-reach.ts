import { connect as connectTcp } from "node:net";
import { connect as connectTls, rootCertificates } from "node:tls";
import { errorCatalog, ZhangshiError } from "../../domain/errors.ts";
import type { Bilingual, CheckStage, ConnectorContext } from "../contract.ts";
import { meaningOf } from "./errors.ts";
import { CallFailed, type VendorApi } from "./vendor-api.ts";
import { FormList } from "./wire.ts";

const CONNECT_TIMEOUT_MS = 5_000;
/** Half of the window in which a push counts as fresh. */
const CLOCK_OFF_MS_MAX = 7 * 60_000;

export type Found = Pick<CheckStage, "state" | "message" | "nextStep" | "raw">;

/** Times one stage; a failure of the vendor is a finding. */
export type Stage = (name: CheckStage["stage"], subject: string, look: () => Promise<Found>) => Promise<CheckStage>;
export const stageWith =
  (now: () => Date): Stage =>
  async (name, subject, look) => {
    const beganAt = now().getTime();
    const found = await look().catch(foundOf);
    return { stage: name, subject, durationMs: now().getTime() - beganAt, ...found };
  };

/** From the address to the log-in and the clock. @returns whether the rest can be looked at */
export async function* checkReach(
  appId: string,
  context: ConnectorContext,
  api: VendorApi,
  stage: Stage,
): AsyncGenerator<CheckStage, boolean> {
  const url = api.http.baseUrl;
  yield await stage("address", url.href, async () => addressOf(url));
  const port = await stage("port", url.host, () => portOf(url));
  yield port;
  if (port.state === "failed") return false;
  const tls = await stage("tls", url.host, () => tlsOf(url, context.certificateAuthority));
  yield tls;
  if (tls.state === "failed") return false;

  let date = "";
  const login = await stage("login", appId, async () => {
    const { headers, body } = await api.read("forms", { app_id: appId, limit: 100 }, FormList);
    date = headers["date"] ?? "";
    return ok(
      `密钥有效，应用中可见 ${body.forms.length} 个表单`,
      `The key works; the app shows ${body.forms.length} forms`,
    );
  });
  yield login;
  if (login.state === "failed") return false;
  yield await stage("clock", url.host, async () => clockOf(date, context.now()));
  return true;
}

const addressOf = (url: URL): Found =>
  url.protocol === "https:" || isLocal(url)
    ? ok("地址可用", "The address is usable")
    : warn("地址不是 https，密钥会以明文传送", "The address is not https: the key travels in plain text");
const isLocal = (url: URL): boolean => ["127.0.0.1", "localhost", "[::1]"].includes(url.hostname);

const endOf = (url: URL) => ({
  host: url.hostname.replace(/^\[|\]$/g, ""),
  port: Number(url.port === "" ? (url.protocol === "https:" ? 443 : 80) : url.port),
});

const portOf = async (url: URL): Promise<Found> => {
  const socket = connectTcp({ ...endOf(url), timeout: CONNECT_TIMEOUT_MS });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve).once("error", reject);
      socket.once("timeout", () => reject(new Error("timed out")));
    });
    return ok("端口可达", "The port answers");
  } catch (error) {
    return { ...failed("NOT_REACHABLE"), raw: String(error) };
  } finally {
    socket.destroy();
  }
};

const tlsOf = async (url: URL, authority: string | undefined): Promise<Found> => {
  if (url.protocol !== "https:") return { state: "skipped", message: { zh: "地址是 http", en: "The address is http" } };
  const end = endOf(url);
  const ca = authority === undefined ? {} : { ca: [...rootCertificates, authority] };
  const socket = connectTls({ ...end, ...ca, servername: end.host, timeout: CONNECT_TIMEOUT_MS });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once("secureConnect", resolve).once("error", reject);
      socket.once("timeout", () => reject(new Error("timed out")));
    });
    return ok(
      `证书有效至 ${socket.getPeerCertificate().valid_to}`,
      `Certificate valid to ${socket.getPeerCertificate().valid_to}`,
    );
  } catch (error) {
    return { ...failed("NOT_REACHABLE"), raw: String(error) };
  } finally {
    socket.destroy();
  }
};

const clockOf = (date: string, now: Date): Found => {
  const theirs = Date.parse(date);
  if (Number.isNaN(theirs))
    return { state: "skipped", message: { zh: "对方没有给出时间", en: "The vendor gave no time" } };
  const offSeconds = Math.round((now.getTime() - theirs) / 1_000);
  if (Math.abs(offSeconds) * 1_000 <= CLOCK_OFF_MS_MAX)
    return ok(`时钟相差 ${offSeconds} 秒`, `The clocks differ by ${offSeconds} s`);
  return warn(
    `时钟相差 ${offSeconds} 秒，推送会被当作过期`,
    `The clocks differ by ${offSeconds} s: pushes will count as too old`,
    {
      zh: "用 NTP 校准本机时钟",
      en: "Set this machine's clock by NTP",
    },
  );
};

export const ok = (zh: string, en: string): Found => ({ state: "ok", message: { zh, en } });
export const warn = (zh: string, en: string, nextStep?: Bilingual): Found => ({
  state: "warning",
  message: { zh, en },
  ...(nextStep === undefined ? {} : { nextStep }),
});
export const failed = (code: keyof typeof errorCatalog): Found => ({
  state: "failed",
  message: errorCatalog[code].what,
  nextStep: errorCatalog[code].nextStep,
});

export const foundOf = (error: unknown): Found => {
  if (error instanceof CallFailed && error.vendorCode !== "") {
    const meaning = meaningOf(error.vendorCode);
    return {
      state: "failed",
      message: meaning.what,
      nextStep: meaning.nextStep,
      raw: `${error.vendorCode} ${error.raw}`,
    };
  }
  if (error instanceof ZhangshiError)
    return { ...failed(error.code), raw: error instanceof CallFailed ? error.raw : error.message };
  throw error;
};
