import { z } from "zod";
import { type Journal, openJournal } from "../shared/journal.ts";
import type { SimClock } from "./clock.ts";
import { type App, type Field, type Form, isHidden } from "./forms.ts";
import { type IdFactory, IdState } from "./ids.ts";
import type { Json } from "./json.ts";

/** Values of one record or one subform row, by field id; a field without a value is absent. */
export type Values = { [widgetName: string]: Json };

export type FlowState = 0 | 1 | 2 | 3;

export interface FormRecord {
  readonly id: string;
  readonly values: Values;
  readonly creator: string;
  readonly updater: string;
  readonly deleter: string | null;
  readonly createAt: number;
  readonly updateAt: number;
  readonly deleteAt: number | null;
  readonly flowState: FlowState | null;
}

export interface Member {
  readonly id: string;
  readonly username: string;
  readonly name: string;
  readonly departments: readonly number[];
  /** −1 left, 0 not joined, 1 joined. */
  readonly status: -1 | 0 | 1;
  /** 0 internal, 2 of a connected company. */
  readonly type: 0 | 2;
}

export interface Department {
  readonly dept_no: number;
  readonly name: string;
  readonly parent_no: number;
}

export interface ApiKey {
  readonly apiKey: string;
  readonly name: string;
  readonly enabled: boolean;
  /** App ids it may touch; undefined means all of them. */
  readonly apps?: readonly string[] | undefined;
  /** Interface paths (`v5/app/entry/data/list`) it may call; undefined means all of them. */
  readonly interfaces?: readonly string[] | undefined;
  /** IPv4 addresses with at most one `*` each; empty means any. */
  readonly ips: readonly string[];
}

export interface PushConfig {
  readonly id: string;
  readonly entryId: string;
  readonly url: string;
  readonly secret: string;
  readonly events: readonly string[];
  readonly enabled: boolean;
  readonly failures: number;
}

export interface Attempt {
  readonly at: number;
  readonly outcome: string;
}

export interface Delivery {
  readonly deliverId: string;
  readonly pushId: string;
  readonly op: string;
  readonly body: string;
  readonly attempts: readonly Attempt[];
  readonly dueAt: number;
  readonly state: "pending" | "delivered" | "given-up" | "dropped";
  /** Kept for a retry that is not signed anew. */
  readonly signedWith?: { readonly nonce: string; readonly timestamp: string } | undefined;
}

export interface StoredFile {
  readonly key: string;
  readonly transactionId: string | null;
  readonly name: string;
  readonly mime: string;
  readonly base64: string;
  readonly size: number;
}

export interface Task {
  readonly taskId: string;
  readonly flowId: number;
  readonly flowName: string;
  readonly assignee: string;
  readonly creator: string;
  readonly createAt: number;
  readonly createAction: string;
  readonly finishAt: number | null;
  readonly finishAction: string | null;
  /** 0 open, 1 done, 2 closed, 4 activated, 5 suspended. */
  readonly status: 0 | 1 | 2 | 4 | 5;
  readonly comment: string | null;
}

export interface Instance {
  readonly id: string;
  readonly entryId: string;
  readonly creator: string;
  readonly createAt: number;
  readonly updateAt: number;
  readonly finishAt: number | null;
  /** 0 running, 1 finished, 2 closed by hand. */
  readonly status: 0 | 1 | 2;
  /** 0 rejected, 1 passed; only when finished. */
  readonly result: 0 | 1 | null;
  readonly tasks: readonly Task[];
}

export interface Transaction {
  readonly id: string;
  readonly entryId: string;
  readonly rows: readonly string[];
  readonly at: number;
}

/** Everything that can happen to the state. The journal holds these, and a restart applies them again. */
export type Change =
  | { readonly kind: "app"; readonly app: App }
  | { readonly kind: "form"; readonly form: Form; readonly at: number }
  | { readonly kind: "record"; readonly entryId: string; readonly record: FormRecord; readonly at: number }
  | { readonly kind: "removal"; readonly entryId: string; readonly record: FormRecord; readonly at: number }
  | { readonly kind: "transaction"; readonly transaction: Transaction }
  | { readonly kind: "key"; readonly key: ApiKey }
  | { readonly kind: "key-gone"; readonly apiKey: string }
  | { readonly kind: "member"; readonly member: Member }
  | { readonly kind: "department"; readonly department: Department }
  | { readonly kind: "push"; readonly push: PushConfig }
  | { readonly kind: "push-gone"; readonly id: string }
  | { readonly kind: "delivery"; readonly delivery: Delivery }
  | { readonly kind: "instance"; readonly instance: Instance }
  | { readonly kind: "file"; readonly file: StoredFile };

/** One form's records: live ones in id order, deleted ones in the bin. */
export class FormTable {
  form: Form;
  /** Time of the newest change inside the form; strictly rising, so that no change hides behind another one. */
  modifiedAt: number;
  readonly ids: string[] = [];
  readonly live = new Map<string, FormRecord>();
  readonly bin = new Map<string, FormRecord>();
  #byName = new Map<string, Field>();
  #serials: Field[] = [];
  readonly #lastSerial = new Map<string, number>();

  constructor(form: Form) {
    this.form = form;
    this.modifiedAt = form.createAt;
    this.redefine(form, form.createAt);
  }

  redefine(form: Form, at: number): void {
    this.form = form;
    this.modifiedAt = Math.max(this.modifiedAt, at);
    this.#byName = fieldsByName(form.fields);
    this.#serials = form.fields.filter((field) => field.type === "sn");
  }

  /** The fields by every name that a request may use for them. */
  get byName(): ReadonlyMap<string, Field> {
    return this.#byName;
  }

  field(name: string): Field | undefined {
    return this.#byName.get(name);
  }

  /** Position of the first id greater than `cursor`; a cursor that no longer exists is compared all the same. */
  positionAfter(cursor: string | undefined): number {
    return cursor === undefined ? 0 : this.#lowerBound(`${cursor}\u0000`);
  }

  put(record: FormRecord): void {
    if (!this.live.has(record.id)) {
      const last = this.ids.at(-1);
      if (last === undefined || last < record.id) this.ids.push(record.id);
      else this.ids.splice(this.#lowerBound(record.id), 0, record.id);
    }
    this.bin.delete(record.id);
    this.live.set(record.id, record);
    for (const field of this.#serials) this.#noteSerial(field, record);
  }

  remove(record: FormRecord): void {
    if (this.live.delete(record.id)) this.ids.splice(this.#lowerBound(record.id), 1);
    this.bin.set(record.id, record);
  }

  /** The next numbers of the form's 流水号 fields. */
  nextSerials(ahead: number): Values {
    const values: Values = {};
    for (const { widgetName } of this.#serials) {
      values[widgetName] = String((this.#lastSerial.get(widgetName) ?? 0) + ahead + 1).padStart(5, "0");
    }
    return values;
  }

  /** What the vendor's counter can do after an import: start below numbers that exist already. */
  resetSerials(): void {
    this.#lastSerial.clear();
  }

  #noteSerial(field: Field, record: FormRecord): void {
    const number = Number(record.values[field.widgetName]);
    if (Number.isSafeInteger(number)) {
      this.#lastSerial.set(field.widgetName, Math.max(this.#lastSerial.get(field.widgetName) ?? 0, number));
    }
  }

  #lowerBound(id: string): number {
    let low = 0;
    let high = this.ids.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.ids[middle] ?? "") < id) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Fields by alias and by id; what the vendor hides is left out. */
export function fieldsByName(fields: readonly Field[]): Map<string, Field> {
  const byName = new Map<string, Field>();
  for (const field of fields) {
    if (isHidden(field.type)) continue;
    byName.set(field.widgetName, field);
    if (field.alias !== undefined) byName.set(field.alias, field);
  }
  return byName;
}

/** What the journal holds was written by this class, so its shape is believed. */
const JournaledChange = z.custom<Change>();
const IDS_KEY = "ids";

/** All that the simulated company holds. It changes through `commit` only, so that the journal misses nothing. */
export class Store {
  readonly clock: SimClock;
  readonly ids: IdFactory;
  readonly apps = new Map<string, App>();
  readonly tables = new Map<string, FormTable>();
  readonly keys = new Map<string, ApiKey>();
  readonly members = new Map<string, Member>();
  readonly departments = new Map<number, Department>();
  readonly pushes = new Map<string, PushConfig>();
  readonly deliveries = new Map<string, Delivery>();
  readonly instances = new Map<string, Instance>();
  readonly transactions = new Map<string, Transaction>();
  readonly files = new Map<string, StoredFile>();
  readonly #journal: Journal | undefined;

  /** @param folder  where the state is kept; undefined keeps it in memory only */
  constructor(clock: SimClock, ids: IdFactory, folder: string | undefined) {
    this.clock = clock;
    this.ids = ids;
    if (folder === undefined) return;
    const { journal, entries } = openJournal(folder, "jiandaoyun");
    this.#journal = journal;
    for (const [key, value] of entries) {
      if (key === IDS_KEY) ids.restore(IdState.parse(value));
      else this.#apply(JournaledChange.parse(value));
    }
  }

  /** Writes the changes down in one go, before the request that made them is answered, and applies them. */
  commit(changes: readonly Change[]): void {
    if (changes.length === 0) return;
    for (const change of changes) {
      this.#journal?.put(keyOf(change), change.kind === "key-gone" || change.kind === "push-gone" ? null : change);
      this.#apply(change);
    }
    this.#journal?.put(IDS_KEY, this.ids.state());
    this.#journal?.flush();
  }

  /** The time to stamp on a change of this form: now, but later than the change before it. */
  touch(table: FormTable): number {
    return Math.max(this.clock.now(), table.modifiedAt + 1);
  }

  close(): void {
    this.#journal?.close();
  }

  #apply(change: Change): void {
    switch (change.kind) {
      case "app":
        this.apps.set(change.app.appId, change.app);
        return;
      case "form": {
        const table = this.tables.get(change.form.entryId);
        if (table === undefined) this.tables.set(change.form.entryId, new FormTable(change.form));
        else table.redefine(change.form, change.at);
        return;
      }
      case "record":
      case "removal": {
        const table = this.tables.get(change.entryId);
        if (table === undefined) throw new Error(`no form ${change.entryId}`);
        if (change.kind === "record") table.put(change.record);
        else table.remove(change.record);
        table.modifiedAt = Math.max(table.modifiedAt, change.at);
        return;
      }
      case "transaction":
        this.transactions.set(change.transaction.id, change.transaction);
        return;
      case "key":
        this.keys.set(change.key.apiKey, change.key);
        return;
      case "key-gone":
        this.keys.delete(change.apiKey);
        return;
      case "member":
        this.members.set(change.member.username, change.member);
        return;
      case "department":
        this.departments.set(change.department.dept_no, change.department);
        return;
      case "push":
        this.pushes.set(change.push.id, change.push);
        return;
      case "push-gone":
        this.pushes.delete(change.id);
        return;
      case "delivery":
        this.deliveries.set(change.delivery.deliverId, change.delivery);
        return;
      case "instance":
        this.instances.set(change.instance.id, change.instance);
        return;
      case "file":
        this.files.set(change.file.key, change.file);
        return;
    }
  }
}

/** Under one key the journal keeps the latest change only. */
function keyOf(change: Change): string {
  switch (change.kind) {
    case "app":
      return `app/${change.app.appId}`;
    case "form":
      return `form/${change.form.entryId}`;
    case "record":
    case "removal":
      return `record/${change.entryId}/${change.record.id}`;
    case "transaction":
      return `transaction/${change.transaction.id}`;
    case "key":
      return `key/${change.key.apiKey}`;
    case "key-gone":
      return `key/${change.apiKey}`;
    case "member":
      return `member/${change.member.username}`;
    case "department":
      return `department/${change.department.dept_no}`;
    case "push":
      return `push/${change.push.id}`;
    case "push-gone":
      return `push/${change.id}`;
    case "delivery":
      return `delivery/${change.delivery.deliverId}`;
    case "instance":
      return `instance/${change.instance.id}`;
    case "file":
      return `file/${change.file.key}`;
  }
}
