import { ZhangshiError } from "../../domain/errors.ts";
import type { SourcePage, SourceRecord } from "../contract.ts";
import { RECORD_UNKNOWN } from "./errors.ts";
import { type Pins, pinFields } from "./pins.ts";
import { RecordParser } from "./record.ts";
import type { FormSettings, JiandaoyunSettings } from "./settings.ts";
import { CallFailed, type VendorApi } from "./vendor-api.ts";
import { Fields, OneRow, type Row, RowList } from "./wire.ts";

/** The vendor's largest page; without a limit it would answer ten rows. */
const PAGE_ROWS = 100;
/** Ids that a filtered read did not return are asked for one by one, up to so many per call, before they count as gone. */
const ABSENCES_CHECKED_MAX = 20;

interface Understanding {
  readonly pins: Pins;
  readonly parser: RecordParser;
}

/** Reads one form: knows its fields, walks its rows in the vendor's only order, and distrusts every answer a little. */
export class FormReader {
  readonly #api: VendorApi;
  readonly #settings: JiandaoyunSettings;
  readonly #source: string;
  readonly #name: string;
  readonly #form: FormSettings;
  #understanding: Understanding | undefined;

  constructor(api: VendorApi, settings: JiandaoyunSettings, source: string, name: string, form: FormSettings) {
    this.#api = api;
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
    const { body } = await this.#api.read("fields", this.#address(), Fields);
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
    for await (const page of this.#requests(cursor, sizeMax)) {
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
    return (await this.#list({ limit: 1 })).length === 0;
  }

  /** Records as they are now; what lies in the recycle bin is absent. */
  async readRecords(ids: readonly string[]): Promise<ReadonlyMap<string, SourceRecord>> {
    const records = new Map<string, SourceRecord>();
    const wanted = [...new Set(ids)];
    for (let start = 0; start < wanted.length; start += PAGE_ROWS) {
      const rows = await this.#rowsByIds(wanted.slice(start, start + PAGE_ROWS));
      const parser = await this.#parserFor(rows);
      for (const row of rows) {
        const record = parser.parse(row);
        if (record !== undefined) records.set(row._id, record);
      }
    }
    return records;
  }

  /** Every row of the form, page by page. */
  async *pages(): AsyncIterable<{ readonly rows: readonly Row[]; readonly parser: RecordParser }> {
    await this.look();
    for await (const { rows } of this.#requests("", Number.POSITIVE_INFINITY))
      yield { rows, parser: await this.#parserFor(rows) };
  }

  /**
   * Rows after `cursor`, ascending by id, in requests of a hundred. An end is believed when two answers in a row say so:
   * a page that came back short or empty by mistake would otherwise look like a deletion.
   * @throws ZhangshiError SNAPSHOT_REPEATS when the vendor's pages do not move forward
   */
  async *#requests(
    cursor: string,
    sizeMax: number,
  ): AsyncIterable<{ readonly rows: readonly Row[]; readonly last: boolean }> {
    let after = cursor;
    let left = sizeMax;
    let endSeen = false;
    // Each turn brings a row with a larger id, or is one of at most two in a row that bring none: so this ends.
    while (left > 0) {
      const limit = Math.min(PAGE_ROWS, left);
      const rows = await this.#list({ limit, ...(after === "" ? {} : { data_id: after }) });
      this.#mustMoveForward(rows, after);
      after = rows.at(-1)?._id ?? after;
      left -= rows.length;
      const last = rows.length === 0 && endSeen;
      yield { rows, last };
      if (last) return;
      endSeen = rows.length < limit;
    }
  }

  #mustMoveForward(page: readonly Row[], cursor: string): void {
    let before = cursor;
    for (const row of page) {
      // Ids are hexadecimal of one length, so their order as text is their order.
      if (row._id <= before) throw new ZhangshiError("SNAPSHOT_REPEATS", { form: this.#name, recordId: row._id });
      before = row._id;
    }
  }

  /** A filter that the vendor does not like is ignored in silence and answers the whole form, so every row is compared. */
  async #rowsByIds(ids: readonly string[]): Promise<readonly Row[]> {
    const condition = { field: "data_id", type: "dataid", method: "in", value: ids };
    const rows = await this.#list({ limit: PAGE_ROWS, filter: { rel: "and", cond: [condition] } });
    const asked = new Set(ids);
    const found = new Map(rows.map((row) => [row._id, row]));
    if (rows.some((row) => !asked.has(row._id))) return this.#oneByOne(ids);
    const absent = ids.filter((id) => !found.has(id));
    const checked = await this.#oneByOne(absent.slice(0, ABSENCES_CHECKED_MAX));
    // One that is there after all shows that the filtered answer was not complete.
    const rest = absent.slice(ABSENCES_CHECKED_MAX);
    return [...rows, ...checked, ...(checked.length > 0 ? await this.#oneByOne(rest) : [])];
  }

  async #oneByOne(ids: readonly string[]): Promise<readonly Row[]> {
    const rows: Row[] = [];
    for (const id of ids) {
      const row = await this.#get(id);
      if (row !== undefined) rows.push(row);
    }
    return rows;
  }

  async #get(id: string): Promise<Row | undefined> {
    try {
      const { body } = await this.#api.read("get", { ...this.#address(), data_id: id }, OneRow);
      if (body.data._id !== id)
        throw new ZhangshiError("READ_FAILED", { form: this.#name, recordId: id, answered: body.data._id });
      return body.data;
    } catch (error) {
      if (error instanceof CallFailed && error.vendorCode === RECORD_UNKNOWN) return undefined;
      throw error;
    }
  }

  async #list(body: object): Promise<readonly Row[]> {
    const rows = (await this.#api.read("list", { ...this.#address(), ...body }, RowList)).body.data;
    const strange = rows.find((row) => row.entryId !== undefined && row.entryId !== this.#form.entryId);
    if (strange !== undefined)
      throw new ZhangshiError("READ_FAILED", {
        form: this.#name,
        reason: "a record of another form",
        recordId: strange._id,
      });
    return rows;
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

  #address(): { readonly app_id: string; readonly entry_id: string } {
    return { app_id: this.#settings.appId, entry_id: this.#form.entryId };
  }
}

const lacksAKey = (pins: Pins, rows: readonly Row[]): boolean => {
  const headKeys = [...pins.head.values(), ...(pins.subform === undefined ? [] : [pins.subform])];
  if (headKeys.some((pin) => rows.every((row) => !Object.hasOwn(row, pin.name)))) return true;
  const { subform } = pins;
  if (subform === undefined) return false;
  const lines = rows.flatMap((row) => {
    const value = row[subform.name];
    return Array.isArray(value) ? value.filter((line: unknown) => typeof line === "object" && line !== null) : [];
  });
  return (
    lines.length > 0 &&
    [...pins.line.values()].some((pin) => lines.every((line: object) => !Object.hasOwn(line, pin.name)))
  );
};
