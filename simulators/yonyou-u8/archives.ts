/** Base data of one 账套: what exists, what is stopped, and what an account demands. Codes compare as SQL Server compares. */

import { parentCode, type AccountSeed, accountFields } from "./charts.ts";
import { type Archive, foldText } from "./model.ts";

/** Fields of an archive that say from which day on it is stopped (停用). */
const STOP_FIELDS: Record<string, string> = {
  inventory: "end_date",
  warehouse: "dWhEndDate",
  customer: "end_date",
  vendor: "end_date",
  department: "ddependdate",
};

/** Items of these classes have a code of their own per class: fitem is kept as "class|code". */
export const ITEM_KIND = "fitem";

export class Archives {
  readonly #kinds = new Map<string, Map<string, Archive>>();
  readonly #note: (archive: Archive, gone: boolean) => void;

  constructor(note: (archive: Archive, gone: boolean) => void) {
    this.#note = note;
  }

  /** Adds a record, or lays what is given over the one that is there. */
  put(archive: { kind: string; code: string; name?: string | undefined; fields?: Record<string, string> }): Archive {
    const old = this.find(archive.kind, archive.code);
    const merged: Archive = {
      kind: archive.kind,
      code: old?.code ?? archive.code,
      name: archive.name ?? old?.name ?? archive.code,
      fields: { ...old?.fields, ...archive.fields },
    };
    this.restore(merged);
    this.#note(merged, false);
    return merged;
  }

  restore(archive: Archive): void {
    const kind = this.#kinds.get(archive.kind) ?? new Map<string, Archive>();
    kind.set(foldText(archive.code), archive);
    this.#kinds.set(archive.kind, kind);
  }

  remove(archive: Archive): void {
    this.#kinds.get(archive.kind)?.delete(foldText(archive.code));
    this.#note(archive, true);
  }

  find(kind: string, code: string): Archive | undefined {
    return this.#kinds.get(kind)?.get(foldText(code));
  }

  /** @returns the records of one kind in the order of their codes */
  list(kind: string): Archive[] {
    const records = [...(this.#kinds.get(kind)?.values() ?? [])];
    return records.sort((left, right) => (left.code < right.code ? -1 : left.code > right.code ? 1 : 0));
  }

  /** @returns the record when it exists and is not stopped on that day */
  usable(kind: string, code: string, date: string): Archive | undefined {
    const found = this.find(kind, code);
    if (!found) return undefined;
    const stopped = found.fields[STOP_FIELDS[kind] ?? ""] ?? "";
    if (stopped !== "" && stopped.slice(0, 10) <= date) return undefined;
    return found.fields["disabled"] === "1" ? undefined : found;
  }

  /** Whether an item belongs to a 项目大类; a class may take the 存货 as its items. */
  hasItem(itemClass: string, item: string, date: string): boolean {
    const found = this.find("fitemclass", itemClass);
    if (!found) return false;
    if (found.fields["source"] === "inventory") return this.usable("inventory", item, date) !== undefined;
    return this.usable(ITEM_KIND, `${itemClass}|${item}`, date) !== undefined;
  }

  /** Adds an account, or changes what is given of one; its parent stops being a 末级 account. */
  putAccount(seed: AccountSeed): Archive {
    const old = this.find("code", seed.code);
    const fields = accountFields(seed);
    if (!old) {
      fields["end_item_flag"] = "1";
      fields["prop"] ??= "1";
    }
    const account = this.put({ kind: "code", code: seed.code, name: seed.name, fields });
    const parent = this.find("code", parentCode(seed.code));
    if (parent && parent.fields["end_item_flag"] !== "0") {
      this.put({ kind: "code", code: parent.code, fields: { end_item_flag: "0" } });
    }
    return account;
  }
}

/** Reads a flag of a template, where 1, true, TRUE and Y all mean yes. */
export function isOn(value: string | undefined): boolean {
  return value !== undefined && /^(1|true|y|yes)$/i.test(value.trim());
}
