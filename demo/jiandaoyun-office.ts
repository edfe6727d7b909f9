import { z } from "zod";
import {
  type DemoBalance,
  type DemoCompany,
  type DemoDocument,
  type DemoItem,
  type DocumentForm,
  documentForms,
} from "./document.ts";
import { postJson } from "./http.ts";
import { appNameOf, BALANCE_FORM, ENTRY_LOG_FORM, formLabels, ITEM_FORM, warehouseApp } from "./warehouse-app.ts";

/** Where the Jiandaoyun simulator is, and the key with which its forms may be read. */
export interface JiandaoyunAddress {
  /** Without the trailing slash and without `/api`. */
  readonly baseUrl: string;
  readonly apiKey: string;
}

const App = z.object({
  app_id: z.string(),
  name: z.string(),
  forms: z.array(z.object({ name: z.string(), entry_id: z.string() })),
});
type App = z.infer<typeof App>;
const Listed = z.object({ data: z.array(z.looseObject({ _id: z.string() })) });
type ListedRecord = z.infer<typeof Listed>["data"][number];
const Imported = z.object({ data_ids: z.array(z.string()) });

const LIST_ROWS = 100;
const IMPORT_ROWS = 500;
const LIST_PAGES_MAX = 1_000;

/**
 * The people of one company at their warehouse application: they draw it, fill in documents, correct and delete them.
 * Everything goes over HTTP.
 */
export class JiandaoyunOffice {
  readonly appId: string;
  readonly #address: JiandaoyunAddress;
  readonly #entryIds: ReadonlyMap<string, string>;

  private constructor(address: JiandaoyunAddress, app: App) {
    this.#address = address;
    this.appId = app.app_id;
    this.#entryIds = new Map(app.forms.map(({ name, entry_id }) => [name, entry_id]));
  }

  /** Finds the company's application, or draws it. */
  static async open(address: JiandaoyunAddress, company: string): Promise<JiandaoyunOffice> {
    const person = `${address.baseUrl}/_person`;
    const { apps } = await postJson(`${person}/apps/list`, {}, z.object({ apps: z.array(App) }));
    const known = apps.find(({ name }) => name === appNameOf(company));
    return new JiandaoyunOffice(address, known ?? (await postJson(`${person}/apps`, warehouseApp(company), App)));
  }

  /** The vendor's id of a form, by our name of the document form or by the label of a list. */
  entryId(form: DocumentForm | typeof ITEM_FORM | typeof BALANCE_FORM | typeof ENTRY_LOG_FORM): string {
    const label = isDocumentForm(form) ? formLabels[form] : form;
    const entryId = this.#entryIds.get(label);
    if (entryId === undefined) throw new Error(`the application has no form ${label}`);
    return entryId;
  }

  /**
   * Enters whatever is not there yet; each form is entered once and noted, so that what people deleted later stays deleted.
   *
   * @returns how many records were entered
   * @throws Error when the application holds the data of another seed
   */
  async enter(company: DemoCompany, seed: number): Promise<number> {
    const noted = await this.#noted(seed);
    let entered = 0;
    entered += await this.#enterForm(
      ITEM_FORM,
      noted,
      seed,
      company.items.map((item) => ({ key: item.code, data: itemData(item) })),
      "item_code",
    );
    for (const form of documentForms) {
      const rows = company.documents.filter((document) => document.form === form).map(documentRow);
      entered += await this.#enterForm(form, noted, seed, rows, "document_number", "happened_at");
    }
    const balances = company.balances.map((balance) => ({
      key: JSON.stringify([balance.item, balance.warehouse, balance.batch]),
      data: { ...balance },
    }));
    return entered + (await this.#enterForm(BALANCE_FORM, noted, seed, balances, "item", "warehouse", "batch"));
  }

  /** Fills in one document now. @returns the record's id */
  async fillIn(document: DemoDocument): Promise<string> {
    const { data } = documentRow(document);
    const created = await this.#person(
      "records/create",
      { entry_id: this.entryId(document.form), data },
      z.object({ data: z.looseObject({ _id: z.string() }) }),
    );
    await this.#moveBalances(document, 1);
    return created.data._id;
  }

  /** Deletes a document; the goods it brought are not there. */
  async remove(document: DemoDocument): Promise<void> {
    const record = await this.#find(document);
    await this.#person("records/delete", { entry_id: this.entryId(document.form), data_id: record._id }, z.unknown());
    await this.#moveBalances(document, -1);
  }

  /** Replaces the lines of a document. Row ids stay, as they do when a person edits. */
  async correctAmounts(document: DemoDocument, amounts: readonly string[]): Promise<void> {
    const record = await this.#find(document);
    const rows = z.array(z.looseObject({ _id: z.string() })).parse(record["lines"]);
    const lines = rows.map((row, at) => ({ ...row, amount: amounts[at] ?? "" }));
    await this.#person(
      "records/update",
      { entry_id: this.entryId(document.form), data_id: record._id, data: { lines } },
      z.unknown(),
    );
  }

  /** Says that the document concerns somebody else; its lines stay as they are. */
  async correctPartner(document: DemoDocument, partner: string): Promise<void> {
    const record = await this.#find(document);
    await this.#person(
      "records/update",
      { entry_id: this.entryId(document.form), data_id: record._id, data: { partner } },
      z.unknown(),
    );
  }

  // ------------------------------------------------------------------------------------------- within

  #person<T>(act: string, body: unknown, shape: z.ZodType<T>): Promise<T> {
    return postJson(`${this.#address.baseUrl}/_person/${act}`, body, shape);
  }

  async *#records(entryId: string): AsyncGenerator<ListedRecord> {
    let after: string | undefined;
    for (let page = 0; page < LIST_PAGES_MAX; page += 1) {
      const body = {
        app_id: this.appId,
        entry_id: entryId,
        limit: LIST_ROWS,
        ...(after === undefined ? {} : { data_id: after }),
      };
      const headers = { authorization: `Bearer ${this.#address.apiKey}` };
      const { data } = await postJson(`${this.#address.baseUrl}/api/v5/app/entry/data/list`, body, Listed, headers);
      yield* data;
      after = data.at(-1)?._id;
      if (data.length < LIST_ROWS) return;
    }
    throw new Error(`form ${entryId} has more than ${LIST_PAGES_MAX * LIST_ROWS} records`);
  }

  async #noted(seed: number): Promise<ReadonlySet<string>> {
    const noted = new Set<string>();
    for await (const record of this.#records(this.entryId(ENTRY_LOG_FORM))) {
      if (record["seed"] !== String(seed)) {
        throw new Error(
          `${this.appId} holds the company of seed ${String(record["seed"])}: start with an empty data folder`,
        );
      }
      noted.add(String(record["entry_key"]));
    }
    return noted;
  }

  async #enterForm(
    form: DocumentForm | typeof ITEM_FORM | typeof BALANCE_FORM,
    noted: ReadonlySet<string>,
    seed: number,
    rows: readonly EntryRow[],
    ...keyFields: readonly string[]
  ): Promise<number> {
    if (noted.has(form) || rows.length === 0) return 0;
    const entry_id = this.entryId(form);
    const present = new Set<string>();
    for await (const record of this.#records(entry_id)) present.add(keyOf(keyFields, record));
    const missing = rows.filter(({ key }) => !present.has(key));
    for (let at = 0; at < missing.length; at += IMPORT_ROWS) {
      const part = missing.slice(at, at + IMPORT_ROWS);
      const timed = part.flatMap((row) => (row.at === undefined ? [] : [{ at: row.at, data: row.data }]));
      const untimed = part.flatMap((row) => (row.at === undefined ? [row.data] : []));
      await this.#person("records/import", { entry_id, rows: untimed, timed }, Imported);
    }
    const log = { entry_id: this.entryId(ENTRY_LOG_FORM), data: { entry_key: form, seed: String(seed) } };
    await this.#person("records/create", log, z.unknown());
    return missing.length;
  }

  async #find({ form, documentNumber }: DemoDocument): Promise<ListedRecord> {
    for await (const record of this.#records(this.entryId(form))) {
      if (record["document_number"] === documentNumber) return record;
    }
    throw new Error(`${formLabels[form]} has no ${documentNumber}`);
  }

  /** Keeps the list of what is physically there true. Only documents in stock units that bring goods in are planted. */
  async #moveBalances(document: DemoDocument, sign: 1 | -1): Promise<void> {
    const entry_id = this.entryId(BALANCE_FORM);
    for (const line of document.lines) {
      let found: ListedRecord | undefined;
      for await (const record of this.#records(entry_id)) {
        const same =
          record["item"] === line.item && record["warehouse"] === document.warehouse && record["batch"] === line.batch;
        if (same) found = record;
      }
      const change = sign * Number(line.quantity);
      const { item, batch } = line;
      if (found === undefined) {
        const data: DemoBalance = { item, warehouse: document.warehouse, batch, quantity: String(change) };
        await this.#person("records/create", { entry_id, data }, z.unknown());
      } else {
        const quantity = Number(found["quantity"]) + change;
        await this.#person("records/update", { entry_id, data_id: found._id, data: { quantity } }, z.unknown());
      }
    }
  }
}

interface EntryRow {
  readonly key: string;
  /** Local time at which somebody typed it in; now when absent. */
  readonly at?: string;
  readonly data: Readonly<Record<string, unknown>>;
}

const isDocumentForm = (form: string): form is DocumentForm => Object.hasOwn(formLabels, form);

/** Times come back from the vendor as instants in UTC: both spellings are brought to one. */
const keyOf = (fields: readonly string[], values: Readonly<Record<string, unknown>>): string => {
  const parts = fields.map((field) => {
    const text = z.string().catch("").parse(values[field]);
    return field === "happened_at" ? new Date(text).toISOString() : text;
  });
  return parts.length === 1 ? (parts[0] ?? "") : JSON.stringify(parts);
};

/** The company's people are in Shanghai. */
const instantOf = (local: string): string => new Date(`${local.replace(" ", "T")}+08:00`).toISOString();

const itemData = (item: DemoItem): Readonly<Record<string, unknown>> => ({
  item_code: item.code,
  item_name: item.name,
  item_class: item.itemClass,
  unit: item.unit,
  conversions: item.conversions.map(({ unit, factor }) => ({ other_unit: unit, factor })),
});

const documentRow = (document: DemoDocument): EntryRow => ({
  key: JSON.stringify([document.documentNumber, instantOf(document.happenedAt)]),
  at: instantOf(document.recordedAt ?? document.happenedAt),
  data: {
    document_number: document.documentNumber,
    happened_at: instantOf(document.happenedAt),
    warehouse: document.warehouse,
    counter_warehouse: document.counterWarehouse,
    partner: document.partner,
    department: document.department,
    order_number: document.order,
    cause: document.cause,
    invoiced: document.invoiced ? "是" : "否",
    origin_document: document.originDocument,
    status: "已完成",
    lines: document.lines.map((line) =>
      line.bookQuantity === undefined
        ? {
            item: line.item,
            batch: line.batch,
            unit: line.unit,
            quantity: line.quantity,
            amount: line.amount ?? "",
            tax_amount: line.taxAmount ?? "",
            sales_amount: line.salesAmount ?? "",
          }
        : {
            item: line.item,
            batch: line.batch,
            unit: line.unit,
            book_quantity: line.bookQuantity,
            counted_quantity: line.quantity,
          },
    ),
  },
});
