import { ZhangshiError } from "../../domain/errors.ts";
import { RECORD_UNKNOWN } from "./errors.ts";
import { CallFailed, type VendorApi } from "./vendor-api.ts";
import { Fields, OneRow, type Row, RowList } from "./wire.ts";

/** The vendor's largest page; without a limit it would answer ten rows. */
export const PAGE_ROWS = 100;
/** Ids that a filtered read did not return are asked for one by one, up to so many per call, before they count as gone. */
const ABSENCES_CHECKED_MAX = 20;

/** One condition of the vendor's filter language. Source: Jiandaoyun reference §4.4. */
export interface FilterCondition {
  readonly field: string;
  readonly type: string;
  readonly method: "in" | "range";
  readonly value: readonly (string | null)[];
}

/** Calls for the rows of one form, each answer distrusted a little. */
export class FormRows {
  readonly #api: VendorApi;
  readonly #appId: string;
  readonly #entryId: string;
  readonly #name: string;

  constructor(api: VendorApi, appId: string, entryId: string, name: string) {
    this.#api = api;
    this.#appId = appId;
    this.#entryId = entryId;
    this.#name = name;
  }

  async fields(deadlineAt?: Date): Promise<Fields> {
    return (await this.#api.read("fields", this.address(), Fields, deadlineAt)).body;
  }

  /**
   * Rows after `cursor`, ascending by id, in requests of a hundred. An end is believed when two answers in a row say so:
   * a page that came back short or empty by mistake would otherwise look like a deletion.
   * @throws ZhangshiError SNAPSHOT_REPEATS when the vendor's pages do not move forward
   */
  async *pages(
    cursor: string,
    sizeMax: number,
  ): AsyncIterable<{ readonly rows: readonly Row[]; readonly last: boolean }> {
    let after = cursor;
    let left = sizeMax;
    let endSeen = false;
    // Each turn brings a row with a larger id, or is one of at most two in a row that bring none: so this ends.
    while (left > 0) {
      const limit = Math.min(PAGE_ROWS, left);
      const rows = await this.list({ limit, ...(after === "" ? {} : { data_id: after }) });
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

  /**
   * Every row that the vendor finds under these conditions, each answer in any order. A condition that the vendor does not
   * like is ignored in silence, so the caller compares the rows. An end is believed when two answers in a row say so.
   * @throws ZhangshiError SNAPSHOT_REPEATS
   */
  async *matching(conditions: readonly FilterCondition[]): AsyncIterable<readonly Row[]> {
    const filter = conditions.length === 0 ? {} : { filter: { rel: "and", cond: conditions } };
    let after = "";
    let endSeen = false;
    // As in `pages`: each turn brings a larger id, or is one of two in a row that bring none.
    for (;;) {
      const rows = await this.list({ limit: PAGE_ROWS, ...filter, ...(after === "" ? {} : { data_id: after }) });
      const last = rows.map((row) => row._id).reduce((high, id) => (id > high ? id : high), after);
      if (rows.length > 0 && last === after)
        throw new ZhangshiError("SNAPSHOT_REPEATS", { form: this.#name, recordId: last });
      yield rows.toSorted((a, b) => (a._id < b._id ? -1 : 1)).filter((row) => row._id > after);
      after = last;
      if (rows.length === 0 && endSeen) return;
      endSeen = rows.length < PAGE_ROWS;
    }
  }

  /** Rows as they are now, by id; what lies in the recycle bin is absent. */
  async byIds(ids: readonly string[]): Promise<readonly Row[]> {
    const rows: Row[] = [];
    const wanted = [...new Set(ids)];
    for (let start = 0; start < wanted.length; start += PAGE_ROWS)
      rows.push(...(await this.#byIds(wanted.slice(start, start + PAGE_ROWS))));
    return rows;
  }

  /** A filter that the vendor does not like is ignored in silence and answers the whole form, so every row is compared. */
  async #byIds(ids: readonly string[]): Promise<readonly Row[]> {
    const condition = { field: "data_id", type: "dataid", method: "in", value: ids };
    const rows = await this.list({ limit: PAGE_ROWS, filter: { rel: "and", cond: [condition] } });
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
      const row = await this.get(id);
      if (row !== undefined) rows.push(row);
    }
    return rows;
  }

  async get(id: string, deadlineAt?: Date): Promise<Row | undefined> {
    try {
      const { body } = await this.#api.read("get", { ...this.address(), data_id: id }, OneRow, deadlineAt);
      if (body.data._id !== id)
        throw new ZhangshiError("READ_FAILED", { form: this.#name, recordId: id, answered: body.data._id });
      return body.data;
    } catch (error) {
      if (error instanceof CallFailed && error.vendorCode === RECORD_UNKNOWN) return undefined;
      throw error;
    }
  }

  async list(body: object, deadlineAt?: Date): Promise<readonly Row[]> {
    const rows = (await this.#api.read("list", { ...this.address(), ...body }, RowList, deadlineAt)).body.data;
    const strange = rows.find((row) => row.entryId !== undefined && row.entryId !== this.#entryId);
    if (strange !== undefined)
      throw new ZhangshiError("READ_FAILED", {
        form: this.#name,
        reason: "a record of another form",
        recordId: strange._id,
      });
    return rows;
  }

  address(): { readonly app_id: string; readonly entry_id: string } {
    return { app_id: this.#appId, entry_id: this.#entryId };
  }
}
