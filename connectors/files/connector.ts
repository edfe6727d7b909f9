import { fileURLToPath } from "node:url";
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
import { DocumentParser } from "../row-source/document.ts";
import { checkFolders } from "./check.ts";
import { FileFormReader } from "./form-reader.ts";
import { rootOf } from "./intake.ts";
import { type FileForm, FilesSettings } from "./settings.ts";
import { Shelf } from "./shelf.ts";

const PAGE_MAX = 1_000;

/**
 * Builds the source for one drop folder (`baseUrl` file:///…). Nothing is touched before the first use.
 * @param settings  see `FilesSettings`
 * @throws ZhangshiError CONFIG_INVALID
 */
export const createFiles = (settings: unknown, context: ConnectorContext): StockSource => {
  const parsed = FilesSettings.safeParse(settings);
  if (parsed.success) return new Files(parsed.data, context);
  const [issue] = parsed.error.issues;
  throw new ZhangshiError("CONFIG_INVALID", {
    connection: context.connection,
    field: issue?.path.join(".") ?? "",
    reason: issue?.message ?? "",
  });
};

class Files implements StockSource {
  readonly capabilities: SourceCapabilities = {
    modifiedSince: true,
    listsDeletions: false,
    pushes: false,
    pageMax: PAGE_MAX,
  };
  readonly forms: readonly string[];
  readonly #settings: FilesSettings;
  readonly #root: string;
  readonly #context: ConnectorContext;
  readonly #readers: ReadonlyMap<string, FileFormReader>;

  constructor(settings: FilesSettings, context: ConnectorContext) {
    this.#settings = settings;
    this.#context = context;
    this.#root = fileURLToPath(rootOf(context.baseUrl, context.connection));
    const forms = Object.entries(settings.forms);
    this.forms = forms
      .filter(([, { carries }]) => carries === "movements" || carries === "counts")
      .map(([name]) => name);
    this.#readers = new Map(forms.map(([name, form]) => [name, this.#readerOf(name, form)]));
  }

  check(): AsyncIterable<CheckStage> {
    return checkFolders(this.#root, this.#settings, this.#context, this.#readers);
  }

  async close(): Promise<void> {
    // Nothing is held open between two reads.
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
    for (const reader of this.#carrying("items")) yield* reader.items();
  }

  async *balances(): AsyncIterable<WarehouseBalance> {
    for (const reader of this.#carrying("balances")) yield* reader.balances();
  }

  verifyPush(): PushDelivery {
    throw new ZhangshiError("PUSH_SIGNATURE_WRONG", { reason: "a drop folder sends no pushes" });
  }

  *#carrying(carries: FileForm["carries"]): Iterable<FileFormReader> {
    for (const [name, form] of Object.entries(this.#settings.forms))
      if (form.carries === carries) yield this.#reader(name);
  }

  #readerOf(formName: string, form: FileForm): FileFormReader {
    const { company, zone, limits, settleMs } = this.#settings;
    const parser = new DocumentParser({
      company,
      source: this.#settings.source || this.#context.connection,
      formName,
      form,
      lineFields: form.fields,
      headFields: {},
      conditionsIn: "line",
      zone,
      typedByPeople: true,
    });
    const shelf = new Shelf(this.#root, formName, form.folder ?? formName);
    return new FileFormReader(shelf, { formName, form, limits, settleMs, parser, connector: this.#context });
  }

  #reader(form: string): FileFormReader {
    const reader = this.#readers.get(form);
    if (reader === undefined) throw new ZhangshiError("CONFIG_INVALID", { connection: this.#context.connection, form });
    return reader;
  }
}
