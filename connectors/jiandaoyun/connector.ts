import { ZhangshiError } from "../../domain/errors.ts";
import type {
  CheckStage,
  ConnectorContext,
  PushDelivery,
  RecordProblem,
  SourceCapabilities,
  SourceItem,
  SourcePage,
  SourceRecord,
  StockSource,
  WarehouseBalance,
} from "../contract.ts";
import { checkConnection } from "./check.ts";
import { FormReader } from "./form-reader.ts";
import { verifyPush } from "./push.ts";
import { JiandaoyunSecrets, JiandaoyunSettings } from "./settings.ts";
import { VendorApi } from "./vendor-api.ts";

/** Ten requests of a hundred rows: small enough to lose without regret, large enough to be worth one commit. */
const PAGE_MAX = 1_000;

/**
 * Builds the source for one Jiandaoyun app. Nothing is asked of the vendor before the first use.
 * @param settings  see `JiandaoyunSettings`
 * @throws ZhangshiError CONFIG_INVALID, SECRET_MISSING
 */
export const createJiandaoyun = (settings: unknown, context: ConnectorContext): StockSource => {
  const parsed = JiandaoyunSettings.safeParse(settings);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new ZhangshiError("CONFIG_INVALID", {
      connection: context.connection,
      field: issue?.path.join(".") ?? "",
      reason: issue?.message ?? "",
    });
  }
  const secrets = JiandaoyunSecrets.safeParse(context.secrets);
  if (!secrets.success) throw new ZhangshiError("SECRET_MISSING", { connection: context.connection, secret: "apiKey" });
  return new Jiandaoyun(parsed.data, secrets.data, context);
};

class Jiandaoyun implements StockSource {
  readonly capabilities: SourceCapabilities;
  readonly forms: readonly string[];
  readonly #settings: JiandaoyunSettings;
  readonly #webhookSecret: string | undefined;
  readonly #context: ConnectorContext;
  readonly #api: VendorApi;
  readonly #readers: ReadonlyMap<string, FormReader>;
  readonly #formByEntry: ReadonlyMap<string, string>;

  constructor(settings: JiandaoyunSettings, secrets: JiandaoyunSecrets, context: ConnectorContext) {
    this.#settings = settings;
    this.#webhookSecret = secrets.webhookSecret;
    this.#context = context;
    this.#api = new VendorApi(settings, secrets.apiKey, Object.values(context.secrets), context);
    const forms = Object.entries(settings.forms);
    this.forms = forms
      .filter(([, form]) => form.carries === "movements" || form.carries === "counts")
      .map(([name]) => name);
    this.#readers = new Map(
      forms.map(([name, form]) => [name, new FormReader(this.#api, settings, context.connection, name, form)]),
    );
    this.#formByEntry = new Map(forms.map(([name, form]) => [form.entryId, name]));
    this.capabilities = {
      modifiedSince: false,
      listsDeletions: false,
      pushes: secrets.webhookSecret !== undefined,
      pageMax: PAGE_MAX,
    };
  }

  check(): AsyncIterable<CheckStage> {
    return checkConnection(this.#settings, this.#context, this.#api, this.#readers);
  }

  async close(): Promise<void> {
    this.#api.http.close();
  }

  async changeMark(form: string): Promise<string | undefined> {
    return this.#reader(form).changeMark();
  }

  async readPage(form: string, cursor: string, sizeMax: number): Promise<SourcePage> {
    return this.#reader(form).readPage(cursor, Math.min(Math.max(1, sizeMax), PAGE_MAX));
  }

  async readRecords(form: string, recordIds: readonly string[]): Promise<ReadonlyMap<string, SourceRecord>> {
    return this.#reader(form).readRecords(recordIds);
  }

  async *items(): AsyncIterable<SourceItem> {
    for await (const { rows, parser } of this.#pagesOf("items"))
      for (const row of rows) {
        const { items, problems } = parser.item(row);
        this.#tell(problems);
        yield* items;
      }
  }

  async *balances(): AsyncIterable<WarehouseBalance> {
    for await (const { rows, parser } of this.#pagesOf("balances"))
      for (const row of rows) {
        const { items, problems } = parser.balance(row);
        this.#tell(problems);
        yield* items;
      }
  }

  verifyPush(
    headers: Readonly<Record<string, string>>,
    query: Readonly<Record<string, string>>,
    rawBody: Buffer,
  ): PushDelivery {
    return verifyPush({ headers, query, rawBody }, this.#webhookSecret, this.#context.now(), (entryId) =>
      this.#formByEntry.get(entryId),
    );
  }

  async *#pagesOf(carries: "items" | "balances") {
    for (const [name, form] of Object.entries(this.#settings.forms))
      if (form.carries === carries) yield* this.#reader(name).pages();
  }

  /** Master data has no exception list of its own: what is left out is said in the log. */
  #tell(problems: readonly RecordProblem[]): void {
    for (const { code, form, recordId, field, value } of problems)
      this.#context.log("a row of master data was left out", { code, form, recordId, field, value });
  }

  #reader(form: string): FormReader {
    const reader = this.#readers.get(form);
    if (reader === undefined) throw new ZhangshiError("CONFIG_INVALID", { connection: this.#context.connection, form });
    return reader;
  }
}
