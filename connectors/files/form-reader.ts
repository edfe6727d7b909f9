import { createHash } from "node:crypto";
import type { Instant } from "../../domain/dates.ts";
import type { SourceItem, SourcePage, SourceRecord, WarehouseBalance } from "../contract.ts";
import { digestOf } from "../row-source/digest.ts";
import type { Fault } from "../row-source/document.ts";
import { type FileOutcome, fileRecordId, type IntakeContext, takeIn, understand } from "./intake.ts";
import type { FileDocument } from "./sheet-file.ts";
import type { Entry, Shelf } from "./shelf.ts";

/** A parsed file is kept while its pages are asked for; a workbook takes seconds to read. */
interface Opened {
  readonly shelfName: string;
  readonly outcome: FileOutcome | undefined;
}

/** Problems of one file that are told one by one; the copy with the reasons has them all. */
const PROBLEMS_TOLD_MAX = 20;

/**
 * Serves the documents of one form out of the files on its shelf. A document that came in several files is what the newest
 * of them says; an older file is never served again, so that reading anew changes nothing.
 */
export class FileFormReader {
  readonly #shelf: Shelf;
  readonly #context: IntakeContext;
  #opened: Opened | undefined;

  constructor(shelf: Shelf, context: IntakeContext) {
    this.#shelf = shelf;
    this.#context = context;
  }

  get shelf(): Shelf {
    return this.#shelf;
  }

  /** Changes when the form is understood in another way: then everything is read again. */
  changeMark(): string {
    return createHash("sha256").update(JSON.stringify(this.#context.form)).digest("hex").slice(0, 16);
  }

  /**
   * Documents in the order of the files. A read that goes on over several pages ends with the file that was the newest when
   * it began: a document that comes again meanwhile is not met twice, and is met by the next read.
   */
  async readPage(cursor: string, sizeMax: number): Promise<SourcePage> {
    const place = placeOf(cursor);
    if (place.until === undefined) await takeIn(this.#shelf, this.#context);
    const all = await this.#shelf.entries();
    const until = place.until ?? all.at(-1)?.shelfName;
    if (until === undefined) return { records: [], cursor, last: true };
    const entries = all.filter(({ shelfName }) => shelfName >= place.shelfName && shelfName <= until);
    const newest = newestOf(all);
    const records: SourceRecord[] = [];
    for (const entry of entries) {
      const ids = idsOf(entry);
      let index = entry.shelfName === place.shelfName ? place.index : 0;
      const wanted: string[] = [];
      for (; index < ids.length && records.length + wanted.length < sizeMax; index += 1) {
        const id = ids[index];
        if (id !== undefined && newest.get(id) === entry.shelfName) wanted.push(id);
      }
      records.push(...(await this.#recordsOf(entry, wanted)));
      if (index < ids.length || (records.length >= sizeMax && entry.shelfName !== until))
        return { records, cursor: `${entry.shelfName}/${index}/${until}`, last: false };
    }
    const end = all.find(({ shelfName }) => shelfName === until);
    return { records, cursor: end === undefined ? cursor : `${until}/${idsOf(end).length}`, last: true };
  }

  async readRecords(ids: readonly string[]): Promise<ReadonlyMap<string, SourceRecord>> {
    const entries = await this.#shelf.entries();
    const newest = newestOf(entries);
    const found = new Map<string, SourceRecord>();
    for (const entry of entries) {
      const wanted = ids.filter((id) => newest.get(id) === entry.shelfName);
      if (wanted.length === 0) continue;
      for (const record of await this.#recordsOf(entry, wanted)) found.set(record.recordId, record);
    }
    return found;
  }

  async *items(): AsyncIterable<SourceItem> {
    for await (const document of this.#newestDocuments()) {
      const { item, faults } = this.#context.parser.item(document.raw);
      this.#tell(document, faults);
      if (item !== undefined) yield item;
    }
  }

  /** A balance is what the newest sheet says, all of it. */
  async *balances(): AsyncIterable<WarehouseBalance> {
    await takeIn(this.#shelf, this.#context);
    const last = (await this.#shelf.entries()).findLast(({ state }) => state === "archived");
    const opened = last && (await this.#open(last));
    if (opened?.kind !== "read") return;
    for (const document of opened.file.documents) {
      const { balances, faults } = this.#context.parser.balances(document.raw);
      this.#tell(document, faults);
      yield* balances;
    }
  }

  async *#newestDocuments(): AsyncIterable<FileDocument> {
    await takeIn(this.#shelf, this.#context);
    const entries = await this.#shelf.entries();
    const newest = newestOf(entries);
    for (const entry of entries) {
      const opened = await this.#open(entry);
      if (opened?.kind !== "read") continue;
      yield* opened.file.documents.filter(({ recordId }) => newest.get(recordId) === entry.shelfName);
    }
  }

  async #recordsOf(entry: Entry, ids: readonly string[]): Promise<readonly SourceRecord[]> {
    if (ids.length === 0) return [];
    const outcome = await this.#open(entry);
    if (outcome === undefined) return [];
    const own = fileRecordId(entry.name);
    const documents = new Map(
      outcome.kind === "read" ? outcome.file.documents.map((document) => [document.recordId, document]) : [],
    );
    return ids.flatMap((id) => {
      if (id === own) return [this.#fileRecord(entry, outcome)];
      const document = documents.get(id);
      return document === undefined ? [] : [this.#context.parser.parse(document.raw).record];
    });
  }

  /** Stands for the file: without movements, and with problems as long as something in it belongs to no document. */
  #fileRecord(entry: Entry, outcome: FileOutcome): SourceRecord {
    const told = (code: SourceRecord["problems"][number]["code"], field: string, value: string) => ({
      code,
      form: this.#context.formName,
      recordId: fileRecordId(entry.name),
      lineId: "",
      documentNumber: entry.name.slice(0, 200),
      field,
      value: value.slice(0, 200),
    });
    const problems =
      outcome.kind === "unreadable"
        ? [told(outcome.reason.code, entry.name, outcome.reason.reason)]
        : outcome.file.nameless.slice(0, PROBLEMS_TOLD_MAX).map((row) => told("FIELD_MISSING", `第 ${row} 行`, ""));
    return {
      form: this.#context.formName,
      recordId: fileRecordId(entry.name),
      documentNumber: entry.name.slice(0, 200),
      createdAt: entry.takenAt,
      updatedAt: entry.takenAt,
      digest: digestOf([], [], problems),
      movements: [],
      counts: [],
      problems,
    };
  }

  async #open(entry: Entry): Promise<FileOutcome | undefined> {
    if (this.#opened?.shelfName === entry.shelfName) return this.#opened.outcome;
    const bytes = await this.#shelf.bytesOf(entry, this.#context.limits.fileBytes);
    const at: Instant = entry.takenAt;
    const outcome = bytes === undefined ? undefined : understand(entry.name, bytes, this.#context, at);
    this.#opened = { shelfName: entry.shelfName, outcome };
    return outcome;
  }

  /** Master data has no exception list of its own: what is left out is said in the log, and in the copy with reasons. */
  #tell({ recordId, rows }: FileDocument, faults: readonly Fault[]): void {
    for (const { line, code, field, value } of faults)
      this.#context.connector.log("a row of master data was left out", {
        code,
        form: this.#context.formName,
        recordId,
        row: rows[Math.max(0, line)] ?? 0,
        field,
        value,
      });
  }
}

/** The documents of a file; its own record comes with them where there is, or was, something to say about it. */
const idsOf = (entry: Entry): readonly string[] => [...entry.documents, fileRecordId(entry.name)];

/** Which file speaks for each document: the newest that has it. */
const newestOf = (entries: readonly Entry[]): ReadonlyMap<string, string> => {
  const newest = new Map<string, string>();
  const troubledNames = new Set(entries.filter(({ troubled }) => troubled).map(({ name }) => name));
  for (const entry of entries) {
    for (const id of entry.documents) newest.set(id, entry.shelfName);
    if (troubledNames.has(entry.name)) newest.set(fileRecordId(entry.name), entry.shelfName);
  }
  return newest;
};

/** Shelf name, place in the file and, within a read of several pages, the file with which it ends. */
const placeOf = (
  cursor: string,
): { readonly shelfName: string; readonly index: number; readonly until: string | undefined } => {
  const [shelfName = "", index = "0", until] = cursor.split("/");
  return { shelfName, index: Number(index), until };
};
