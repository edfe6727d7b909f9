import type { CheckStage, ConnectorContext } from "../contract.ts";
import { type Found, checkReach, ok, stageWith, warn } from "./check-reach.ts";
import type { FormReader } from "./form-reader.ts";
import type { Pin, Pins } from "./pins.ts";
import { type FormSettings, type JiandaoyunSettings, type OurField, VENDOR_RATES } from "./settings.ts";
import type { VendorApi } from "./vendor-api.ts";

/** Walks from the address to the fields; stops after the first failure that the rest depends on. */
export async function* checkConnection(
  settings: JiandaoyunSettings,
  context: ConnectorContext,
  api: VendorApi,
  readers: ReadonlyMap<string, FormReader>,
): AsyncIterable<CheckStage> {
  const stage = stageWith(context.now);
  if (!(yield* checkReach(settings.appId, context, api, stage))) return;

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
