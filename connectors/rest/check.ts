import { errorCatalog, ZhangshiError } from "../../domain/errors.ts";
import type { Bilingual, CheckStage, ConnectorContext } from "../contract.ts";
import type { RestApi } from "./api.ts";
import type { RestFormReader } from "./form-reader.ts";
import type { RestSettings } from "./settings.ts";

/** The narrowest window of time stamps that the named systems allow. Source: warehouse reference §12. */
const CLOCK_OFF_MS_MAX = 5 * 60_000;
const LOCAL = ["127.0.0.1", "localhost", "[::1]"];

type Found = Pick<CheckStage, "state" | "message" | "nextStep" | "raw">;

/** Asks for one page of each form; stops when nothing can be reached or the log-in is refused. */
export async function* checkApi(
  settings: RestSettings,
  context: ConnectorContext,
  api: RestApi,
  readers: ReadonlyMap<string, RestFormReader>,
): AsyncIterable<CheckStage> {
  const stage = async (name: CheckStage["stage"], subject: string, look: () => Promise<Found>): Promise<CheckStage> => {
    const beganAt = context.now().getTime();
    const found = await look().catch((error: unknown) => foundOf(error, api));
    return { stage: name, subject, durationMs: context.now().getTime() - beganAt, ...found };
  };
  const url = api.http.baseUrl;
  yield await stage("address", url.href, async () =>
    url.protocol === "https:" || LOCAL.includes(url.hostname)
      ? ok("地址可用", "The address is usable")
      : warn("地址不是 https，密钥会以明文传送", "The address is not https: secrets travel in plain text"),
  );
  let clock: Found = { state: "skipped", message: { zh: "对方没有给出时间", en: "The other side gave no time" } };
  for (const [name, reader] of readers) {
    let lacking: readonly string[] = [];
    let seen = 0;
    const rights = await stage("rights", name, async () => {
      const looked = await reader.look();
      ({ lacking } = looked);
      seen = looked.records;
      clock = clockOf(looked.date, context.now());
      return seen > 0
        ? ok(`可读，第一页 ${seen} 条`, `Readable; ${seen} records on the first page`)
        : warn("可读，但第一页没有记录", "Readable, but the first page is empty");
    });
    yield rights;
    if (rights.state === "failed") {
      const { nextStep } = rights;
      if (nextStep === errorCatalog.NOT_REACHABLE.nextStep || nextStep === errorCatalog.LOGIN_REFUSED.nextStep) return;
    } else if (seen > 0)
      yield await stage("key-field", name, async () =>
        lacking.length === 0
          ? ok("第一条记录中字段都在", "The first record has every field")
          : warn(`第一条记录中没有：${lacking.join("、")}`, `The first record lacks: ${lacking.join(", ")}`, {
              zh: "核对字段路径；可能只是该记录没有填写",
              en: "Compare the paths; the record may just not fill them in",
            }),
      );
  }
  const found = clock;
  yield await stage("clock", url.host, async () => found);
  yield await stage("limits", "pages", async () =>
    ok(`每个时间窗最多 ${settings.pagesMax} 页`, `At most ${settings.pagesMax} pages per window`),
  );
}

const clockOf = (date: string, now: Date): Found => {
  const theirs = Date.parse(date);
  if (Number.isNaN(theirs))
    return { state: "skipped", message: { zh: "对方没有给出时间", en: "The other side gave no time" } };
  const offMs = Math.abs(now.getTime() - theirs);
  const seconds = Math.round(offMs / 1_000);
  return offMs <= CLOCK_OFF_MS_MAX
    ? ok(`时钟相差 ${seconds} 秒`, `The clocks differ by ${seconds} s`)
    : warn(
        `时钟相差 ${seconds} 秒，签名会被当作过期`,
        `The clocks differ by ${seconds} s: signatures will count as expired`,
        {
          zh: "用 NTP 校准本机时钟",
          en: "Set this machine's clock by NTP",
        },
      );
};

const ok = (zh: string, en: string): Found => ({ state: "ok", message: { zh, en } });
const warn = (zh: string, en: string, nextStep?: Bilingual): Found => ({
  state: "warning",
  message: { zh, en },
  ...(nextStep === undefined ? {} : { nextStep }),
});
const foundOf = (error: unknown, api: RestApi): Found => {
  const code = error instanceof ZhangshiError ? error.code : "READ_FAILED";
  const { what, nextStep } = errorCatalog[code];
  const raw = error instanceof ZhangshiError ? Object.values(error.details).join(" ") : String(error);
  return { state: "failed", message: what, nextStep, raw: api.http.redact(raw) };
};
