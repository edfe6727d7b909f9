import { ZhangshiError } from "../../domain/errors.ts";
import type {
  CheckStage,
  ConnectorContext,
  PushDelivery,
  SourceCapabilities,
  SourceItem,
  SourcePage,
  SourceRecord,
  StockSource,
  WarehouseBalance,
} from "../contract.ts";
import { RestApi } from "./api.ts";
import { checkApi } from "./check.ts";
import { RestFormReader } from "./form-reader.ts";
import { verifyPush } from "./push.ts";
import { type RestForm, RestSettings } from "./settings.ts";

const PAGE_MAX = 1_000;

/**
 * Builds the source for one JSON interface. Nothing is asked before the first use.
 * @param settings  see `RestSettings`
 * @throws ZhangshiError CONFIG_INVALID, SECRET_MISSING
 */
export const createRest = (settings: unknown, context: ConnectorContext): StockSource => {
  const parsed = RestSettings.safeParse(settings);
  if (parsed.success) return new Rest(parsed.data, context);
  const [issue] = parsed.error.issues;
  throw new ZhangshiError("CONFIG_INVALID", {
    connection: context.connection,
    field: issue?.path.join(".") ?? "",
    reason: issue?.message ?? "",
  });
};

class Rest implements StockSource {
  readonly capabilities: SourceCapabilities;
  readonly forms: readonly string[];
  readonly #settings: RestSettings;
  readonly #context: ConnectorContext;
  readonly #api: RestApi;
  readonly #readers: ReadonlyMap<string, RestFormReader>;

  constructor(settings: RestSettings, context: ConnectorContext) {
    this.#settings = settings;
    this.#context = context;
    this.#api = new RestApi(settings, context);
    const forms = Object.entries(settings.forms);
    const carrying = forms.filter(([, { carries }]) => carries === "movements" || carries === "counts");
    this.forms = carrying.map(([name]) => name);
    this.capabilities = {
      modifiedSince: carrying.every(([, { window }]) => window !== undefined),
      listsDeletions: false,
      pushes: settings.push !== undefined,
      pageMax: PAGE_MAX,
    };
    const source = settings.source || context.connection;
    this.#readers = new Map(
      forms.map(([formName, form]) => [
        formName,
        new RestFormReader(this.#api, { settings, source, formName, form, now: context.now, log: context.log }),
      ]),
    );
  }

  check(): AsyncIterable<CheckStage> {
    return checkApi(this.#settings, this.#context, this.#api, this.#readers);
  }

  async close(): Promise<void> {
    this.#api.close();
  }

  async changeMark(form: string): Promise<string | undefined> {
    return this.#reader(form).changeMark();
  }

  async readPage(form: string, cursor: string): Promise<SourcePage> {
    return this.#reader(form).readPage(cursor);
  }

  async readRecords(form: string, recordIds: readonly string[]): Promise<ReadonlyMap<string, SourceRecord>> {
    return this.#reader(form).readRecords(recordIds);
  }

  async *items(): AsyncIterable<SourceItem> {
    for (const reader of this.#carrying("items")) yield* reader.items();
  }

  async *balances(): AsyncIterable<WarehouseBalance> {
    for (const reader of this.#carrying("balances")) yield* reader.balances();
  }

  verifyPush(
    headers: Readonly<Record<string, string>>,
    query: Readonly<Record<string, string>>,
    rawBody: Buffer,
  ): PushDelivery {
    const { push, zone } = this.#settings;
    const secret = this.#context.secrets["pushSecret"] ?? "";
    return verifyPush(push, secret, zone, this.#context.now(), { headers, query, rawBody });
  }

  *#carrying(carries: RestForm["carries"]): Iterable<RestFormReader> {
    for (const [name, form] of Object.entries(this.#settings.forms))
      if (form.carries === carries) yield this.#reader(name);
  }

  #reader(form: string): RestFormReader {
    const reader = this.#readers.get(form);
    if (reader === undefined) throw new ZhangshiError("CONFIG_INVALID", { connection: this.#context.connection, form });
    return reader;
  }
}
