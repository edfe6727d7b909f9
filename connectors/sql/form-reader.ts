import { createHash } from "node:crypto";
import { type Instant, instant } from "../../domain/dates.ts";
import { ZhangshiError } from "../../domain/errors.ts";
import type { SourceItem, SourcePage, SourceRecord, WarehouseBalance } from "../contract.ts";
import { digestOf } from "../row-source/digest.ts";
import { DocumentParser, type Fault, type RawDocument } from "../row-source/document.ts";
import { readInstant } from "../row-source/values.ts";
import {
  cursorOf,
  type Key,
  keylessSql,
  linesSql,
  newestSql,
  pageSql,
  quoted,
  relationOf,
  kindOfCursor,
  textOfCursor,
} from "./keyset.ts";
import type { ReadOnlyDatabase, ReadSession, SqlRow } from "./session.ts";
import type { SqlForm, SqlSettings } from "./settings.ts";

/** A document of a million lines is a mistake of the query. */
const LINES_MAX = 200_000;
/** Master data is read in one go of so many rows. */
const MASTER_ROWS_MAX = 500_000;
/** Rows without a key that are told one by one. */
const KEYLESS_MAX = 100;
const EPOCH = instant("1970-01-01T00:00:00.000Z");

export interface SqlReaderContext {
  readonly settings: SqlSettings;
  readonly source: string;
  readonly formName: string;
  readonly form: SqlForm;
  readonly log: (message: string, fields: Readonly<Record<string, string | number>>) => void;
}

/** Reads one form: walks through its rows by the time of their change, and hands documents over whole. */
export class SqlFormReader {
  readonly #database: ReadOnlyDatabase;
  readonly #context: SqlReaderContext;
  readonly #parser: DocumentParser;
  #key: Key | undefined;

  constructor(database: ReadOnlyDatabase, context: SqlReaderContext) {
    this.#database = database;
    this.#context = context;
    this.#parser = new DocumentParser({
      company: context.settings.company,
      source: context.source,
      formName: context.formName,
      form: context.form,
      lineFields: context.form.fields,
      headFields: {},
      conditionsIn: "line",
      zone: context.settings.zone,
      typedByPeople: false,
    });
  }

  /** Changes when the form is understood in another way: then everything is read again. */
  changeMark(): string {
    return createHash("sha256").update(JSON.stringify(this.#context.form)).digest("hex").slice(0, 16);
  }

  /**
   * Documents after the cursor. A read begins a little before it (`overlapMs`), for rows of a long transaction become
   * visible late, with a time of change that has passed. It ends with what was the newest row when it began, so that a
   * document that changes meanwhile is not met twice, and is met by the next read.
   */
  async readPage(cursor: string, sizeMax: number): Promise<SourcePage> {
    const place = cursorOf(cursor);
    return this.#read(async (session, key) => {
      const until = place?.until ?? (await session.query(newestSql(key))).rows[0]?.["newest"] ?? undefined;
      const keyless = place === undefined ? await this.#keyless(session, key) : [];
      if (until === undefined) return { records: keyless, cursor, last: true };
      const start = place === undefined ? "beginning" : place.until === undefined ? "overlap" : "after";
      const values = [place?.at ?? "", place?.row ?? "", until, sizeMax, this.#overlap(key)];
      const { rows } = await session.query(pageSql(key, start), values);
      const ids = rows.map((row) => row["zs_document"] ?? "");
      const documents = await this.#documents(session, key, ids);
      const records = ids.flatMap((id) => {
        const document = documents.get(id);
        return document === undefined ? [] : [this.#parser.parse(document).record];
      });
      const end = rows.at(-1);
      const last = rows.length < sizeMax;
      const at = { at: end?.["zs_at"] ?? place?.at ?? until, row: end?.["zs_row"] ?? place?.row ?? "" };
      // An empty read with nothing behind it has no row to stand on.
      if (end === undefined && place === undefined) return { records: keyless, cursor, last: true };
      return { records: [...keyless, ...records], cursor: textOfCursor(last ? at : { ...at, until }), last };
    });
  }

  async readRecords(ids: readonly string[]): Promise<ReadonlyMap<string, SourceRecord>> {
    return this.#read(async (session, key) => {
      const documents = await this.#documents(session, key, ids);
      return new Map([...documents].map(([id, document]) => [id, this.#parser.parse(document).record]));
    });
  }

  async items(): Promise<readonly SourceItem[]> {
    const documents = await this.#masterRows(this.#context.form.fields.item ?? "");
    return documents.flatMap((document) => {
      const { item, faults } = this.#parser.item(document);
      this.#tell(document, faults);
      return item === undefined ? [] : [item];
    });
  }

  async balances(): Promise<readonly WarehouseBalance[]> {
    const documents = await this.#masterRows(this.#context.form.fields.item ?? "");
    return documents.flatMap((document) => {
      const { balances, faults } = this.#parser.balances(document);
      this.#tell(document, faults);
      return balances;
    });
  }

  /** What `check` says of the form. @throws ZhangshiError FORM_FIELD_GONE and those of a read */
  async look(): Promise<{ readonly cursorType: string; readonly hasRows: boolean; readonly keyless: number }> {
    const { form } = this.#context;
    if (form.key === undefined) {
      const rows = await this.#masterRows(form.fields.item ?? "", 1);
      return { cursorType: "", hasRows: rows.length > 0, keyless: 0 };
    }
    return this.#read(async (session, key) => {
      const hasRows = (await session.query(`SELECT FROM ${key.relation} AS q LIMIT 1`)).rows.length > 0;
      const keyless = (await session.query(keylessSql(key), [KEYLESS_MAX])).rows.length;
      return { cursorType: key.changedAtType, hasRows, keyless };
    });
  }

  #overlap(key: Key): number {
    const { overlapMs, overlapCount } = this.#context.form;
    return kindOfCursor(key.changedAtType) === "counter" ? overlapCount : overlapMs;
  }

  async #read<T>(work: (session: ReadSession, key: Key) => Promise<T>): Promise<T> {
    return this.#database.read("query", async (session) => work(session, (this.#key ??= await this.#keyOf(session))));
  }

  /** Looks the columns up, and what types the key has: the cursor is compared by the database, in its own types. */
  async #keyOf(session: ReadSession): Promise<Key> {
    const { form } = this.#context;
    const types = await this.#columns(session);
    const { key } = form;
    if (key === undefined) throw new ZhangshiError("CONFIG_INVALID", { form: this.#context.formName, field: "key" });
    const document = key.document ?? key.row;
    return {
      relation: relationOf(form),
      changedAt: quoted(key.changedAt),
      changedAtType: types.get(key.changedAt) ?? "text",
      row: quoted(key.row),
      rowType: types.get(key.row) ?? "text",
      document: quoted(document),
      documentType: types.get(document) ?? "text",
      grouped: document !== key.row,
    };
  }

  async #columns(session: ReadSession): Promise<ReadonlyMap<string, string>> {
    const { form, formName } = this.#context;
    const { fields } = await session.query(`SELECT q.* FROM ${relationOf(form)} AS q LIMIT 0`);
    const wanted = [
      ...Object.values(form.fields),
      ...Object.values(form.key ?? {}),
      ...[...form.onlyWhen, ...form.reversedWhen].map(({ field }) => field),
    ];
    const gone = wanted.filter((name) => !fields.some((field) => field.name === name));
    if (gone.length > 0)
      throw new ZhangshiError("FORM_FIELD_GONE", { form: formName, field: [...new Set(gone)].join(" ") });
    const { rows } = await session.query(
      "SELECT o::text AS oid, format_type(o, NULL) AS type FROM unnest($1::text[]::oid[]) AS o",
      [fields.map(({ dataTypeID }) => String(dataTypeID))],
    );
    const byOid = new Map(rows.map((row) => [row["oid"], row["type"] ?? "text"]));
    return new Map(fields.map(({ name, dataTypeID }) => [name, byOid.get(String(dataTypeID)) ?? "text"]));
  }

  async #documents(session: ReadSession, key: Key, ids: readonly string[]): Promise<ReadonlyMap<string, RawDocument>> {
    if (ids.length === 0) return new Map();
    const { rows } = await session.query(linesSql(key), [[...new Set(ids)], LINES_MAX + 1]);
    if (rows.length > LINES_MAX)
      throw new ZhangshiError("RESULT_TRUNCATED", { form: this.#context.formName, lines: String(rows.length) });
    return new Map(
      groupedBy(rows, (row) => row["zs_document"] ?? "").map(([id, lines]) => [id, this.#document(id, lines)]),
    );
  }

  #document(recordId: string, lines: readonly SqlRow[]): RawDocument {
    const updatedAt = lines.map((line) => this.#timeOf(line["zs_at"] ?? "")).reduce((a, b) => (a > b ? a : b), EPOCH);
    return {
      recordId,
      head: cellsOf(lines[0] ?? {}),
      lines: lines.map((line, index) => ({ id: line["zs_row"] ?? String(index + 1), cells: cellsOf(line) })),
      createdAt: updatedAt,
      updatedAt,
    };
  }

  /** A cursor that counts says no time. */
  #timeOf(text: string): Instant {
    const habits = { zone: this.#context.settings.zone, timeFormat: "auto", typedByPeople: false } as const;
    const read = readInstant(text, habits);
    return read.ok ? (read.value ?? EPOCH) : EPOCH;
  }

  /** A row without a time of change would never come up: it is reported where everything is read. */
  async #keyless(session: ReadSession, key: Key): Promise<readonly SourceRecord[]> {
    const { formName, form } = this.#context;
    const { rows } = await session.query(keylessSql(key), [KEYLESS_MAX]);
    return rows.map((row) => {
      const recordId = `row/${row["zs_row"] ?? ""}`.slice(0, 200);
      const field = row["zs_document"] === null ? (form.key?.document ?? "") : (form.key?.changedAt ?? "");
      const problems = [
        { code: "FIELD_MISSING" as const, form: formName, recordId, lineId: "", documentNumber: "", field, value: "" },
      ];
      return {
        form: formName,
        recordId,
        documentNumber: "",
        createdAt: EPOCH,
        updatedAt: EPOCH,
        digest: digestOf([], [], problems),
        movements: [],
        counts: [],
        problems,
      };
    });
  }

  async #masterRows(groupColumn: string, rowsMax = MASTER_ROWS_MAX): Promise<readonly RawDocument[]> {
    const { form, formName } = this.#context;
    const rows = await this.#database.read("query", async (session) => {
      await this.#columns(session);
      const text = `SELECT q.* FROM ${relationOf(form)} AS q ORDER BY q.${quoted(groupColumn)} LIMIT $1`;
      return (await session.query(text, [rowsMax + (rowsMax === MASTER_ROWS_MAX ? 1 : 0)])).rows;
    });
    if (rows.length > MASTER_ROWS_MAX)
      throw new ZhangshiError("RESULT_TRUNCATED", { form: formName, rows: String(rows.length) });
    return groupedBy(rows, (row) => row[groupColumn] ?? "").map(([id, lines]) => this.#document(id, lines));
  }

  /** Master data has no exception list of its own: what is left out is said in the log. */
  #tell({ recordId }: RawDocument, faults: readonly Fault[]): void {
    for (const { code, field, value } of faults)
      this.#context.log("a row of master data was left out", {
        code,
        form: this.#context.formName,
        recordId,
        field,
        value,
      });
  }
}

const cellsOf =
  (row: SqlRow) =>
  (column: string): string | undefined =>
    Object.hasOwn(row, column) ? (row[column] ?? undefined) : undefined;

const groupedBy = (rows: readonly SqlRow[], idOf: (row: SqlRow) => string): [string, SqlRow[]][] => {
  const groups = new Map<string, SqlRow[]>();
  for (const row of rows) {
    const id = idOf(row);
    const group = groups.get(id);
    if (group === undefined) groups.set(id, [row]);
    else group.push(row);
  }
  return [...groups];
};
