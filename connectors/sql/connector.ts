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
import { checkDatabase } from "./check.ts";
import { SqlFormReader } from "./form-reader.ts";
import { ReadOnlyDatabase } from "./session.ts";
import { SqlSecrets, SqlSettings, type SqlForm } from "./settings.ts";

const PAGE_MAX = 1_000;

/**
 * Builds the source for one PostgreSQL database (`baseUrl` postgres://host/database). Nothing is asked before the first use.
 * @param settings  see `SqlSettings`
 * @throws ZhangshiError CONFIG_INVALID, SECRET_MISSING
 */
export const createSql = (settings: unknown, context: ConnectorContext): StockSource => {
  const parsed = SqlSettings.safeParse(settings);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new ZhangshiError("CONFIG_INVALID", {
      connection: context.connection,
      field: issue?.path.join(".") ?? "",
      reason: issue?.message ?? "",
    });
  }
  const secrets = SqlSecrets.safeParse(context.secrets);
  if (!secrets.success) throw new ZhangshiError("SECRET_MISSING", { connection: context.connection, secret: "user" });
  return new Sql(parsed.data, new ReadOnlyDatabase(parsed.data, secrets.data, context), context);
};

class Sql implements StockSource {
  readonly capabilities: SourceCapabilities = {
    modifiedSince: true,
    listsDeletions: false,
    pushes: false,
    pageMax: PAGE_MAX,
  };
  readonly forms: readonly string[];
  readonly #settings: SqlSettings;
  readonly #database: ReadOnlyDatabase;
  readonly #context: ConnectorContext;
  readonly #readers: ReadonlyMap<string, SqlFormReader>;

  constructor(settings: SqlSettings, database: ReadOnlyDatabase, context: ConnectorContext) {
    this.#settings = settings;
    this.#database = database;
    this.#context = context;
    const forms = Object.entries(settings.forms);
    this.forms = forms
      .filter(([, { carries }]) => carries === "movements" || carries === "counts")
      .map(([name]) => name);
    const source = settings.source || context.connection;
    this.#readers = new Map(
      forms.map(([formName, form]) => [
        formName,
        new SqlFormReader(database, { settings, source, formName, form, log: context.log }),
      ]),
    );
  }

  check(): AsyncIterable<CheckStage> {
    return checkDatabase(this.#settings, this.#context, this.#database, this.#readers);
  }

  async close(): Promise<void> {
    await this.#database.close();
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
    for (const reader of this.#carrying("items")) yield* await reader.items();
  }

  async *balances(): AsyncIterable<WarehouseBalance> {
    for (const reader of this.#carrying("balances")) yield* await reader.balances();
  }

  verifyPush(): PushDelivery {
    throw new ZhangshiError("PUSH_SIGNATURE_WRONG", { reason: "a database sends no pushes" });
  }

  *#carrying(carries: SqlForm["carries"]): Iterable<SqlFormReader> {
    for (const [name, form] of Object.entries(this.#settings.forms))
      if (form.carries === carries) yield this.#reader(name);
  }

  #reader(form: string): SqlFormReader {
    const reader = this.#readers.get(form);
    if (reader === undefined) throw new ZhangshiError("CONFIG_INVALID", { connection: this.#context.connection, form });
    return reader;
  }
}
