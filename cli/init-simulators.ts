import { readFileSync } from "node:fs";
import { z } from "zod";
import { ZhangshiError } from "../domain/errors.ts";
import { say } from "./language.ts";
import { REHEARSAL_APP, REHEARSAL_FORMS } from "../simulators/jiandaoyun/rehearsal-app.ts";
import { template } from "./template-jiandaoyun-kingdee.ts";

/** The JSON line that `zhangshi simulate` prints, as far as a configuration needs it. */
const Ready = z.discriminatedUnion("vendor", [
  z.object({
    vendor: z.literal("jiandaoyun"),
    baseUrl: z.url(),
    credentials: z.object({ apiKey: z.string(), webhookSecret: z.string() }),
  }),
  z.object({
    vendor: z.literal("kingdee-cloud"),
    baseUrl: z.url(),
    credentials: z.object({
      acctId: z.string(),
      userName: z.string(),
      appId: z.string(),
      appSecret: z.string(),
      auditorUserName: z.string(),
      auditorPassword: z.string(),
    }),
  }),
]);
type Ready = z.infer<typeof Ready>;

/** Applications with their forms, as the simulator lists them to a person. */
const Apps = z.object({
  apps: z.array(
    z.object({
      app_id: z.string(),
      name: z.string(),
      forms: z.array(z.object({ name: z.string(), entry_id: z.string() })),
    }),
  ),
});
const ANSWER_LIMIT_MS = 5_000;

/** A configuration for two running simulators, and the lines of the file that hands over their credentials. */
export interface Rehearsal {
  readonly configuration: string;
  /** `NAME='value'`, to be sourced by a shell. */
  readonly variables: readonly string[];
}

/**
 * Fills the written configuration in for running simulators.
 *
 * @param files  what each `zhangshi simulate` printed, in any order
 * @throws ZhangshiError FILE_UNREADABLE  naming the file that is not such a line, or whose simulator is not running
 */
export async function rehearsalOf(files: readonly string[]): Promise<Rehearsal> {
  const lines = files.map(readyIn);
  const at = lines.findIndex((line) => line.vendor === "jiandaoyun");
  const warehouse = lines.find((line) => line.vendor === "jiandaoyun");
  const erp = lines.find((line) => line.vendor === "kingdee-cloud");
  if (warehouse === undefined || erp === undefined) {
    const missing = warehouse === undefined ? "jiandaoyun" : "kingdee-cloud";
    throw new ZhangshiError("ARGUMENT_INVALID", {
      option: "--simulators",
      reason: say({
        zh: `缺少 zhangshi simulate ${missing} 输出的那一行`,
        en: `the line of zhangshi simulate ${missing} is missing`,
      }),
    });
  }
  const { apps } = await appsOf(warehouse.baseUrl, files[at] ?? "");
  const app = apps.find(({ name }) => name === REHEARSAL_APP.name);
  const replaced: readonly (readonly [from: string, to: string])[] = [
    ["https://api.jiandaoyun.com", warehouse.baseUrl],
    ["https://erp.example.com/k3cloud/", erp.baseUrl],
    ["000000000000000000000001", app?.app_id ?? ""],
    ...Object.entries(REHEARSAL_FORMS).map(([section, form]) => {
      const entryId = app?.forms.find(({ name }) => name === form)?.entry_id ?? "";
      return [placeholderOf(section), entryId] as const;
    }),
    // The simulated book asks for an auditor who is not the maker, its warehouse pushes.
    ["# webhookSecret:", "webhookSecret:"],
    ["# auditorUserName:", "auditorUserName:"],
    ["# auditorPassword:", "auditorPassword:"],
    // Both sides name their units alike.
    ["unit: table", "unit: identity"],
  ];
  return {
    configuration: replaced.reduce((text, [from, to]) => text.replace(from, to), template),
    variables: Object.entries({
      JIANDAOYUN_API_KEY: warehouse.credentials.apiKey,
      JIANDAOYUN_WEBHOOK_SECRET: warehouse.credentials.webhookSecret,
      KINGDEE_ACCT_ID: erp.credentials.acctId,
      KINGDEE_USER: erp.credentials.userName,
      KINGDEE_APP_ID: erp.credentials.appId,
      KINGDEE_APP_SECRET: erp.credentials.appSecret,
      KINGDEE_AUDITOR_USER: erp.credentials.auditorUserName,
      KINGDEE_AUDITOR_PASSWORD: erp.credentials.auditorPassword,
    }).map(([name, value]) => `${name}='${value.replaceAll("'", `'\\''`)}'`),
  };
}

/** The id that stands in the template's section of that name. */
function placeholderOf(section: string): string {
  const [, afterwards = ""] = template.split(`        ${section}:\n`);
  return /entryId: "(\d{24})"/.exec(afterwards)?.[1] ?? "";
}

function readyIn(file: string): Ready {
  try {
    return Ready.parse(JSON.parse(readFileSync(file, "utf8").split("\n")[0] ?? ""));
  } catch (error) {
    const reason = say({
      zh: "应为 zhangshi simulate 就绪时输出的那一行 JSON",
      en: "the JSON line is expected that zhangshi simulate prints when it is ready",
    });
    throw new ZhangshiError("FILE_UNREADABLE", { file, reason }, { cause: error });
  }
}

async function appsOf(baseUrl: string, file: string): Promise<z.infer<typeof Apps>> {
  try {
    const response = await fetch(`${baseUrl}/_person/apps/list`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: "{}",
      signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
    });
    return Apps.parse(await response.json());
  } catch (error) {
    const reason = say({
      zh: `${baseUrl} 没有应答：模拟系统需要保持运行`,
      en: `${baseUrl} does not answer: leave the simulator running`,
    });
    throw new ZhangshiError("FILE_UNREADABLE", { file, reason }, { cause: error });
  }
}
