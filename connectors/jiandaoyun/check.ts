import { connect as connectTcp } from "node:net";
import { connect as connectTls } from "node:tls";
import { errorCatalog, ZhangshiError } from "../../domain/errors.ts";
import type { Bilingual, CheckStage, ConnectorContext } from "../contract.ts";
import { meaningOf } from "./errors.ts";
import type { FormReader } from "./form-reader.ts";
import type { Pin, Pins } from "./pins.ts";
import { type FormSettings, type JiandaoyunSettings, type OurField, VENDOR_RATES } from "./settings.ts";
import { CallFailed, type VendorApi } from "./vendor-api.ts";
import { FormList } from "./wire.ts";

const CONNECT_TIMEOUT_MS = 5_000;
/** Half of the window in which a push counts as fresh. */
const CLOCK_OFF_MS_MAX = 7 * 60_000;

type Found = Pick<CheckStage, "state" | "message" | "nextStep" | "raw">;

/** Walks from the address to the fields; stops after the first failure that the rest depends on. */
export async function* checkConnection(
  settings: JiandaoyunSettings,
  context: ConnectorContext,
  api: VendorApi,
  readers: ReadonlyMap<string, FormReader>,
): AsyncIterable<CheckStage> {
  const stage = async (name: CheckStage["stage"], subject: string, look: () => Promise<Found>): Promise<CheckStage> => {
    const beganAt = context.now().getTime();
    const found = await look().catch(foundOf);
    return { stage: name, subject, durationMs: context.now().getTime() - beganAt, ...found };
  };
  const url = api.http.baseUrl;
  yield await stage("address", url.href, async () => addressOf(url));
  const port = await stage("port", url.host, () => portOf(url));
  yield port;
  if (port.state === "failed") return;
  const tls = await stage("tls", url.host, () => tlsOf(url));
  yield tls;
  if (tls.state === "failed") return;

  let date = "";
  const login = await stage("login", settings.appId, async () => {
    const { headers, body } = await api.read("forms", { app_id: settings.appId, limit: 100 }, FormList);
    date = headers["date"] ?? "";
    return ok(
      `密钥有效，应用中可见 ${body.forms.length} 个表单`,
      `The key works; the app shows ${body.forms.length} forms`,
    );
  });
  yield login;
  if (login.state === "failed") return;
  yield await stage("clock", url.host, async () => clockOf(date, context.now()));

  for (const [name, form] of Object.entries(settings.forms)) {
    const reader = readers.get(name);
    if (reader === undefined) continue;
    const rights = await stage("rights", name, async () => {
      return (await reader.isEmpty())
        ? warn("表单可读，但没有记录", "The form can be read but is empty")
        : ok("表单可读", "The form can be read");
    });
    yield rights;
    if (rights.state !== "failed")
      yield await stage("key-field", name, async () => fieldsOf(form, (await reader.look()).pins));
  }
  yield await stage("master-data", "items", () => itemsOf(settings, readers));
  yield await stage("limits", "rates", async () => limitsOf(settings));
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

const tlsOf = async (url: URL): Promise<Found> => {
  if (url.protocol !== "https:") return { state: "skipped", message: { zh: "地址是 http", en: "The address is http" } };
  const end = endOf(url);
  const socket = connectTls({ ...end, servername: end.host, timeout: CONNECT_TIMEOUT_MS });
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

const numeric: ReadonlySet<OurField> = new Set([
  "quantity",
  "amount",
  "unitPrice",
  "taxAmount",
  "salesAmount",
  "salesPrice",
  "bookQuantity",
  "countedQuantity",
  "conversionFactor",
]);
const codes: ReadonlySet<OurField> = new Set([
  "item",
  "documentNumber",
  "batch",
  "warehouse",
  "originDocument",
  "order",
]);
/** Field types that cannot hold what we look for there. Source: Jiandaoyun reference §5.1. */
const isPlausible = (ours: OurField, type: string): boolean => {
  if (numeric.has(ours)) return ["number", "text", "aggregation"].includes(type);
  if (ours === "happenedAt") return type === "datetime";
  return !["image", "upload", "signature", "subform", "address", "location", "datetime", "richtext"].includes(type);
};

const fieldsOf = (form: FormSettings, pins: Pins): Found => {
  const doubts: string[] = [];
  const look = (fields: FormSettings["fields"], found: ReadonlyMap<string, Pin>): void => {
    for (const [ours, pin] of Object.entries(fields).map(([ours, field]) => [ours, found.get(field ?? "")] as const)) {
      if (pin === undefined || !isOurs(ours, form)) continue;
      if (!isPlausible(ours, pin.type)) doubts.push(`${ours}: ${pin.name} (${pin.type})`);
      else if (codes.has(ours) && pin.type === "number") doubts.push(`${ours}: ${pin.name} (number, 007 → 7)`);
    }
  };
  look(form.fields, pins.head);
  if (form.lines !== undefined) look(form.lines.fields, pins.line);
  if (pins.subform !== undefined && pins.subform.type !== "subform")
    doubts.push(`lines: ${pins.subform.name} (${pins.subform.type})`);
  if (doubts.length === 0) return ok("配置的字段都在，类型合适", "All configured fields are there with fitting types");
  return warn(`字段类型可疑：${doubts.join("；")}`, `Doubtful field types: ${doubts.join("; ")}`, {
    zh: "核对配置；单据号与编码请用文本字段",
    en: "Compare the configuration; numbers of documents and codes belong into text fields",
  });
};
const isOurs = (name: string, form: FormSettings): name is OurField =>
  name in form.fields || name in (form.lines?.fields ?? {});

const itemsOf = async (settings: JiandaoyunSettings, readers: ReadonlyMap<string, FormReader>): Promise<Found> => {
  const names = Object.entries(settings.forms).filter(([, form]) => form.carries === "items");
  if (names.length === 0) return { state: "skipped", message: { zh: "没有配置商品表单", en: "No form carries items" } };
  const counts: string[] = [];
  for (const [name] of names) {
    counts.push(`${name} ${(await readers.get(name)?.isEmpty()) === false ? "≥ 1" : "0"}`);
  }
  return counts.every((count) => !count.endsWith(" 0"))
    ? ok(`商品资料可读：${counts.join("、")}`, `Items can be read: ${counts.join(", ")}`)
    : warn(`商品资料为空：${counts.join("、")}`, `No items: ${counts.join(", ")}`);
};

const limitsOf = (settings: JiandaoyunSettings): Found =>
  ok(
    `每秒 ${settings.rates.all} 次（上限 ${VENDOR_RATES.all}），读数据 ${settings.rates.list} 次（上限 ${VENDOR_RATES.list}）`,
    `${settings.rates.all} calls/s (vendor's limit ${VENDOR_RATES.all}), reading data ${settings.rates.list} (limit ${VENDOR_RATES.list})`,
  );

const ok = (zh: string, en: string): Found => ({ state: "ok", message: { zh, en } });
const warn = (zh: string, en: string, nextStep?: Bilingual): Found => ({
  state: "warning",
  message: { zh, en },
  ...(nextStep === undefined ? {} : { nextStep }),
});
const failed = (code: keyof typeof errorCatalog): Found => ({
  state: "failed",
  message: errorCatalog[code].what,
  nextStep: errorCatalog[code].nextStep,
});

const foundOf = (error: unknown): Found => {
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
