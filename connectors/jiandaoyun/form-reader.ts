import { ZhangshiError } from "../../domain/errors.ts";
import type { SourcePage, SourceRecord } from "../contract.ts";
import { FormRows } from "./form-rows.ts";
import { type Pins, lacksAKey, pinFields } from "./pins.ts";
import { RecordParser } from "./record.ts";
import type { FormSettings, JiandaoyunSettings } from "./settings.ts";
import type { VendorApi } from "./vendor-api.ts";
import type { Row } from "./wire.ts";

interface Understanding {
  readonly pins: Pins;
  readonly parser: RecordParser;
}

/** Reads one form: knows its fields, walks its rows in the vendor's only order, and distrusts every answer a little. */
export class FormReader {
  readonly #rows: FormRows;
  readonly #settings: JiandaoyunSettings;
  readonly #source: string;
  readonly #name: string;
  readonly #form: FormSettings;
  #understanding: Understanding | undefined;

  constructor(api: VendorApi, settings: JiandaoyunSettings, source: string, name: string, form: FormSettings) {
    this.#rows = new FormRows(api, settings.appId, form.entryId, name);
    this.#settings = settings;
    this.#source = source;
    this.#name = name;
    this.#form = form;
  }

  /**
   * Time of the newest change inside the form, plus what our fields are called at present.
   * @throws ZhangshiError FORM_FIELD_GONE
   */
  async changeMark(): Promise<string | undefined> {
    const { dataModifyTime, pins } = await this.look();
    return dataModifyTime === undefined ? undefined : `${dataModifyTime} ${pins.mark}`;
  }

  /** Asks for the form's fields and finds ours among them. @throws ZhangshiError FORM_FIELD_GONE */
  async look(): Promise<{ readonly dataModifyTime: string | undefined; readonly pins: Pins }> {
    const body = await this.#rows.fields();
    const pins = pinFields(this.#name, this.#form, body, this.#understanding?.pins);
    if (pins.mark !== this.#understanding?.pins.mark)
      this.#understanding = {
        pins,
        parser: new RecordParser({
          company: this.#settings.company ?? "",
          source: this.#settings.source ?? this.#source,
          zone: this.#settings.zone,
          formName: this.#name,
          form: this.#form,
          pins,
        }),
      };
    return { dataModifyTime: body.dataModifyTime, pins };
  }

  async readPage(cursor: string, sizeMax: number): Promise<SourcePage> {
    // An alias may have moved to another field since the last scan; within a scan it is enough to watch for missing keys.
    if (cursor === "") await this.look();
    const records: SourceRecord[] = [];
    let after = cursor;
    let last = false;
    for await (const page of this.#rows.pages(cursor, sizeMax)) {
      // Understood page by page, with the names that were in force when the page was read.
      const parser = await this.#parserFor(page.rows);
      records.push(...page.rows.map((row) => parser.parse(row)).filter((record) => record !== undefined));
      after = page.rows.at(-1)?._id ?? after;
      last = page.last;
    }
    return { records, cursor: after, last };
  }

  /** Whether the form can be read and holds anything. */
  async isEmpty(): Promise<boolean> {
    return (await this.#rows.list({ limit: 1 })).length === 0;
  }

  /** Records as they are now; what lies in the recycle bin is absent. */
  async readRecords(ids: readonly string[]): Promise<ReadonlyMap<string, SourceRecord>> {
    const records = new Map<string, SourceRecord>();
    const rows = await this.#rows.byIds(ids);
    if (rows.length === 0) return records;
    const parser = await this.#parserFor(rows);
    for (const row of rows) {
      const record = parser.parse(row);
      if (record !== undefined) records.set(row._id, record);
    }
    return records;
  }

  /** Every row of the form, page by page. */
  async *pages(): AsyncIterable<{ readonly rows: readonly Row[]; readonly parser: RecordParser }> {
    await this.look();
    for await (const { rows } of this.#rows.pages("", Number.POSITIVE_INFINITY))
      yield { rows, parser: await this.#parserFor(rows) };
  }

  /**
   * Someone may rename an alias while we read, and then the key is simply not there: where no row of a page has a key that
   * we look for, the form is looked at again before the rows are understood.
   */
  async #parserFor(rows: readonly Row[]): Promise<RecordParser> {
    const known = this.#understanding;
    if (known === undefined || (rows.length > 0 && lacksAKey(known.pins, rows))) await this.look();
    const { parser } = this.#understanding ?? {};
    if (parser === undefined) throw new ZhangshiError("READ_FAILED", { form: this.#name });
    return parser;
  }
}
