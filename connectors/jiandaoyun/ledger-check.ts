import type { CheckStage, ConnectorContext } from "../contract.ts";
import { type Found, checkReach, ok, stageWith, warn } from "./check-reach.ts";
import type { LedgerPeriods } from "./ledger-periods.ts";
import type { LedgerSettings } from "./ledger-settings.ts";
import type { Masters } from "./masters.ts";
import type { PinnedForm } from "./pinned-form.ts";
import type { Pins } from "./pins.ts";
import { VENDOR_RATES } from "./settings.ts";
import type { VendorApi } from "./vendor-api.ts";

export interface LedgerSubject {
  readonly settings: LedgerSettings;
  readonly context: ConnectorContext;
  readonly api: VendorApi;
  readonly books: ReadonlyMap<string, PinnedForm>;
  readonly masters: Masters;
  readonly periods: LedgerPeriods;
}

/** Walks from the address to the fields of every form that the ledger uses. Whether the key may write shows only a voucher. */
export async function* checkLedger(subject: LedgerSubject): AsyncIterable<CheckStage> {
  const { settings, context, api, books, masters, periods } = subject;
  const stage = stageWith(context.now);
  if (!(yield* checkReach(settings.appId, context, api, stage))) return;
  for (const form of books.values()) {
    const rights = await stage("rights", form.name, () => readable(form));
    yield rights;
    if (rights.state !== "failed")
      yield await stage("key-field", form.name, async () => fieldsOf(settings, await form.look()));
  }
  for (const { form } of masters.forms.values())
    yield await stage("master-data", form.name, async () => {
      await form.look();
      return readable(form);
    });
  yield await stage("master-data", "periods", async () => {
    const open = (await periods.states()).filter((state) => state.open).map(({ period }) => period);
    return open.length === 0
      ? warn("没有开启的会计期间", "No period is open")
      : ok(`开启的期间：${open[0]} 至 ${open.at(-1)}`, `Open periods: ${open[0]} to ${open.at(-1)}`);
  });
  yield await stage("limits", "rates", async () =>
    ok(
      `每秒新建 ${settings.rates.create} 次（上限 ${VENDOR_RATES.create}），共 ${settings.rates.all} 次（上限 ${VENDOR_RATES.all}）`,
      `${settings.rates.create} creations/s (vendor's limit ${VENDOR_RATES.create}), ${settings.rates.all} calls/s in all (limit ${VENDOR_RATES.all})`,
    ),
  );
}

const readable = async (form: PinnedForm): Promise<Found> => {
  const [row] = await form.rows.list({ limit: 1 });
  return row === undefined
    ? warn("表单可读，但没有记录", "The form can be read but is empty")
    : ok("表单可读", "The form can be read");
};

const TEXT: ReadonlySet<string> = new Set(["text", "textarea", "radiogroup", "combo"]);
/** Types that keep what is written there exactly. Source: Jiandaoyun reference §5.1. */
const fieldsOf = (settings: LedgerSettings, pins: Pins): Found => {
  const { fields, lines } = settings;
  const doubts: string[] = [];
  const doubt = (field: string | undefined, types: ReadonlySet<string>, of: Pins["head"]): void => {
    const pin = field === undefined ? undefined : of.get(field);
    if (pin !== undefined && !types.has(pin.type)) doubts.push(`${pin.name} (${pin.type})`);
  };
  const numbers = new Set(["number", "text"]);
  // A choice or a long text takes the key as well, but only 单行文本 is surely found by it.
  doubt(fields.key, new Set(["text"]), pins.head);
  doubt(fields.date, new Set(["datetime", "text"]), pins.head);
  for (const field of [fields.word, fields.summary, fields.documents, fields.currency]) doubt(field, TEXT, pins.head);
  doubt(fields.number, new Set(["sn", "text"]), pins.head);
  doubt(fields.attachments, numbers, pins.head);
  for (const field of [lines.fields.summary, lines.fields.side, lines.fields.account, lines.fields.unit])
    doubt(field, TEXT, pins.line);
  for (const field of [lines.fields.amount, lines.fields.quantity, lines.fields.unitPrice])
    doubt(field, numbers, pins.line);
  for (const field of Object.values(lines.dimensions)) doubt(field, TEXT, pins.line);
  if (pins.subform?.type !== "subform") doubts.push(`${pins.subform?.name} (${pins.subform?.type})`);
  if (doubts.length === 0) return ok("凭证字段都在，类型合适", "All voucher fields are there with fitting types");
  return warn(`字段类型可疑：${doubts.join("；")}`, `Doubtful field types: ${doubts.join("; ")}`, {
    zh: "键、科目、编码用单行文本，金额与数量用数字，日期用日期时间",
    en: "Key, accounts and codes belong into 单行文本, amounts and quantities into 数字, the date into 日期时间",
  });
};
