/**
 * Records by table and key, changed in transactions: what a change set or a call began is taken back as a whole when any
 * part of it is refused. Journals what was committed, if there is a journal.
 */

import { z } from "zod";
import type { Journal } from "../shared/journal.ts";
import type { Entry, Origin, Row, Value } from "./model.ts";

type Undo = { readonly table: string; readonly key: string; readonly before: Entry | undefined };

const KeptValue: z.ZodType<Value> = z.lazy(() => z.union([z.string(), z.number(), z.null(), z.array(KeptRow)]));
const KeptRow: z.ZodType<Row> = z.record(z.string(), KeptValue);
const KeptEntry = z.object({
  row: KeptRow,
  meta: z.object({
    version: z.number(),
    origin: z.object({ kind: z.enum(["api", "person", "system"]), request: z.string(), user: z.string() }),
    createdSequence: z.number(),
    changedSequence: z.number(),
  }),
});

export class Table {
  readonly entries = new Map<string, Entry>();
  /** keys by the value of a property, made when a filter first asks for it */
  readonly #indexes = new Map<string, Map<Value | undefined, Set<string>>>();

  set(key: string, entry: Entry | undefined): void {
    const before = this.entries.get(key);
    for (const [property, index] of this.#indexes) {
      if (before !== undefined) index.get(before.row[property])?.delete(key);
      if (entry !== undefined) addTo(index, entry.row[property], key);
    }
    if (entry === undefined) this.entries.delete(key);
    else this.entries.set(key, entry);
  }

  /** @returns keys of the records whose property has exactly this value, in the order of their creation */
  keysWith(property: string, value: Value): readonly string[] {
    let index = this.#indexes.get(property);
    if (index === undefined) {
      index = new Map();
      for (const [key, { row }] of this.entries) addTo(index, row[property], key);
      this.#indexes.set(property, index);
    }
    return [...(index.get(value) ?? [])];
  }
}

function addTo(index: Map<Value | undefined, Set<string>>, value: Value | undefined, key: string): void {
  const keys = index.get(value);
  if (keys === undefined) index.set(value, new Set([key]));
  else keys.add(key);
}

export class Store {
  readonly #tables = new Map<string, Table>();
  readonly #undo: Undo[] = [];
  readonly #now: () => string;
  #depth = 0;
  #sequence = 0;
  #journal: Journal | undefined;

  constructor(now: () => string) {
    this.#now = now;
  }

  /** commits so far: every record says at which of them it was created and last changed */
  get sequence(): number {
    return this.#sequence;
  }

  now(): string {
    return this.#now();
  }

  /** Reads what a journal holds, and notes from now on. */
  attach(journal: Journal, kept: ReadonlyMap<string, unknown>): void {
    for (const [name, value] of kept) {
      const at = name.indexOf("|");
      if (at < 0) continue;
      const entry = KeptEntry.parse(value);
      this.table(name.slice(0, at)).set(name.slice(at + 1), entry);
      this.#sequence = Math.max(this.#sequence, entry.meta.changedSequence);
    }
    this.#journal = journal;
  }

  table(name: string): Table {
    const known = this.#tables.get(name);
    if (known !== undefined) return known;
    const table = new Table();
    this.#tables.set(name, table);
    return table;
  }

  get(table: string, key: string): Entry | undefined {
    return this.table(table).entries.get(key);
  }

  row(table: string, key: string): Row | undefined {
    return this.get(table, key)?.row;
  }

  rows(table: string): IterableIterator<[string, Entry]> {
    return this.table(table).entries.entries();
  }

  /** Writes a record, new or changed; only inside a transaction. */
  put(table: string, key: string, row: Row, origin: Origin): void {
    const before = this.get(table, key);
    const sequence = this.#sequence + 1;
    this.#set(table, key, {
      row,
      meta: {
        version: (before?.meta.version ?? 0) + 1,
        origin: before?.meta.origin ?? origin,
        createdSequence: before?.meta.createdSequence ?? sequence,
        changedSequence: sequence,
      },
    });
  }

  remove(table: string, key: string): void {
    this.#set(table, key, undefined);
  }

  /** Everything that `act` wrote stays, or nothing of it. Transactions nest: an inner one can fail alone. */
  transact<Result>(act: () => Result): Result {
    const mark = this.#undo.length;
    this.#depth += 1;
    try {
      const result = act();
      if (this.#depth === 1) this.#commit();
      return result;
    } catch (error) {
      this.#rollBack(mark);
      throw error;
    } finally {
      this.#depth -= 1;
    }
  }

  flush(): void {
    this.#journal?.flush();
  }

  close(): void {
    this.#journal?.close();
    this.#journal = undefined;
  }

  #set(table: string, key: string, entry: Entry | undefined): void {
    if (this.#depth === 0) throw new Error("Records change in transactions only.");
    this.#undo.push({ table, key, before: this.get(table, key) });
    this.table(table).set(key, entry);
  }

  #commit(): void {
    if (this.#undo.length > 0) this.#sequence += 1;
    const touched = new Map(this.#undo.map(({ table, key }) => [`${table}|${key}`, { table, key }]));
    for (const [name, { table, key }] of touched) this.#journal?.put(name, this.get(table, key) ?? null);
    this.#undo.length = 0;
  }

  #rollBack(mark: number): void {
    for (let at = this.#undo.length - 1; at >= mark; at -= 1) {
      const step = this.#undo[at];
      if (step !== undefined) this.table(step.table).set(step.key, step.before);
    }
    this.#undo.length = mark;
  }
}
