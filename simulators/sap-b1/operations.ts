/** What may be done with each entity set, whoever asks: create, change, remove, act. */

import {
  createCounting,
  createPosting,
  closeCounting,
  COUNTINGS,
  countingLines,
  POSTINGS,
  removeCounting,
} from "./counting.ts";
import { cancelDocument, closeDocument, createDocument, reopenDocument } from "./documents.ts";
import { DOCUMENT_KINDS } from "./document-kinds.ts";
import { enumMember } from "./enums.ts";
import { notFound, notSupported, ServiceError } from "./errors.ts";
import { checkChangedJournal, JOURNAL, postJournal, reverseJournal } from "./ledger.ts";
import { checkMaster, createMaster, removeMaster } from "./master-data.ts";
import { mergeRow, refuseFixedChanges, type UpdateMode } from "./merge.ts";
import { list, number, type Row, text } from "./model.ts";
import { cancelRevaluation, createRevaluation } from "./revaluation.ts";
import type { SetDefinition } from "./schema.ts";
import { createQuery } from "./sql-queries.ts";
import { cancelTransfer, closeTransfer, createTransfer } from "./transfers.ts";
import {
  checkUnique,
  createUserField,
  createUserKey,
  createUserRow,
  createUserTable,
  removeUserField,
  removeUserTable,
  USER_FIELDS,
  USER_KEYS,
  USER_TABLES,
} from "./user-objects.ts";
import { fillRow } from "./values.ts";
import type { Context } from "./world.ts";

const DRAFTS = "Drafts";
const REVALUATION = "MaterialRevaluation";
const TRANSFERS = "StockTransfers";

/** @returns the key of the new record */
export function create(context: Context, set: SetDefinition, input: Row): string {
  notify(context, set, input);
  if (set.table.startsWith("@")) return createUserRow(context, set.table.slice(1), input);
  if (DOCUMENT_KINDS.has(set.name)) return createDocument(context, set.name, input);
  switch (set.name) {
    case JOURNAL:
      return String(postJournal(context, input));
    case TRANSFERS:
      return createTransfer(context, input);
    case COUNTINGS:
      return createCounting(context, input);
    case POSTINGS:
      return createPosting(context, input);
    case REVALUATION:
      return createRevaluation(context, input);
    case DRAFTS:
      return createDraft(context, input, text(input, "DocObjectCode"));
    case USER_TABLES:
      return createUserTable(context, input);
    case USER_FIELDS:
      return createUserField(context, input);
    case USER_KEYS:
      return createUserKey(context, input);
    case "SQLQueries":
      return createQuery(context, input);
    default:
      return createMaster(context, set, input);
  }
}

/** Rejections by the customer's own procedure: `(n) text`, code -5002 (form: field note). */
function notify({ world }: Context, set: SetDefinition, input: Row): void {
  for (const rule of world.settings.notificationRules) {
    if (rule.set !== set.name) continue;
    if (rule.contains !== undefined && !JSON.stringify(input).includes(rule.contains)) continue;
    throw new ServiceError(-5002, `(${rule.number}) ${rule.text}`);
  }
}

/** A draft is kept as it was given: nothing is checked or posted. */
export function createDraft({ world, origin }: Context, input: Row, objectCode: string): string {
  const entry = world.next("Drafts.DocEntry", 1);
  const lines = list(input, "DocumentLines").map((line, index) => ({ ...line, LineNum: index }));
  const row = {
    ...input,
    DocEntry: entry,
    DocNum: entry,
    DocObjectCode: enumMember("BoObjectTypes", objectCode) ?? null,
    DocumentLines: lines,
  };
  world.store.put(DRAFTS, String(entry), fillRow(world.schema.type("Document"), row, world.schema), origin);
  return String(entry);
}

/** SaveDraftToDocument: the draft becomes the document it stands for, and goes. */
export function saveDraft(context: Context, key: string): string {
  const { world } = context;
  const draft = world.row(DRAFTS, key);
  const kind = [...DOCUMENT_KINDS.values()].find(
    ({ objectCode }) => enumMember("BoObjectTypes", objectCode) === text(draft, "DocObjectCode"),
  );
  if (draft === undefined || kind === undefined) throw notFound();
  const { DocEntry: _entry, DocNum: _number, ...rest } = draft;
  const created = createDocument(context, kind.set, rest);
  world.store.remove(DRAFTS, key);
  return created;
}

export function update(context: Context, set: SetDefinition, key: string, input: Row, mode: UpdateMode): void {
  const { world, origin } = context;
  const { schema } = world;
  const before = world.row(set.name, key);
  if (before === undefined) throw notFound();
  const type = schema.type(set.type);
  const after = mergeRow(type, before, input, schema, mode);
  refuseClosingWithChanges(before, input);
  const isOpenOrder = DOCUMENT_KINDS.get(set.name)?.transType === "";
  if (!isOpenOrder && set.name !== DRAFTS) refuseFixedChanges(type, before, after, schema);
  notify(context, set, after);
  if (set.name === JOURNAL) checkChangedJournal(world, before, after);
  if (set.table.startsWith("@")) checkUnique(world, set.table.slice(1), key, after);
  checkMaster(world, set, after);
  world.store.put(set.name, key, stamped(context, set, before, after), origin);
}

function stamped({ world }: Context, set: SetDefinition, before: Row, after: Row): Row {
  if (set.name === COUNTINGS) {
    if (before["DocumentStatus"] === "cdsClosed") throw new ServiceError(-5002, "Document is already closed");
    const lines = countingLines(world, list(after, "InventoryCountingLines"), number(before, "DocumentEntry") ?? 0);
    const filled = lines.map((line) => fillRow(world.schema.type("InventoryCountingLine"), line, world.schema));
    return { ...after, InventoryCountingLines: filled };
  }
  const isDocument = set.type === "Document" || set.type === "Item" || set.type === "BusinessPartner";
  return isDocument ? { ...after, UpdateDate: world.today(), UpdateTime: world.timeOfDay() } : after;
}

/** Field note on PATCH of orders: a line is closed alone or not at all. */
function refuseClosingWithChanges(before: Row, input: Row): void {
  const old = list(before, "DocumentLines");
  list(input, "DocumentLines").forEach((line, index) => {
    if (line["LineStatus"] !== "bost_Close") return;
    const at = number(line, "LineNum") ?? index;
    if (old.find((one) => one["LineNum"] === at)?.["LineStatus"] === "bost_Close") return;
    const others = Object.keys(line).filter((name) => name !== "LineNum" && name !== "LineStatus");
    if (others.length === 0 && Object.keys(input).length === 1) return;
    throw new ServiceError(
      -5002,
      `Document rows cannot be closed concurrently with the other document modifications you have made [DocumentLines.LineStatus][line: ${at}]`,
    );
  });
}

/** what was removed, and by whom */
export const DELETED = "deleted";

export function remove(context: Context, set: SetDefinition, key: string): void {
  const { world, origin } = context;
  const before = world.row(set.name, key);
  removeRecord(context, set, key);
  const note = { Set: set.name, Key: key, Record: before === undefined ? [] : [before] };
  world.store.put(DELETED, String(world.next(DELETED, 1)), note, origin);
}

function removeRecord(context: Context, set: SetDefinition, key: string): void {
  const { world } = context;
  if (set.table.startsWith("@")) {
    if (world.row(set.name, key) === undefined) throw notFound();
    return world.store.remove(set.name, key);
  }
  switch (set.name) {
    case DRAFTS:
    case USER_KEYS:
    case "SQLQueries":
      if (world.row(set.name, key) === undefined) throw notFound();
      return world.store.remove(set.name, key);
    case COUNTINGS:
      return removeCounting(context, key);
    case USER_TABLES:
      return removeUserTable(context, key);
    case USER_FIELDS:
      return removeUserField(context, key);
    default:
      if (set.type === "Document" || SETTLED.has(set.name)) throw notSupported();
      return removeMaster(context, set, key);
  }
}

/** What has posted never goes (guide §3.5.4); for transfers, postings and revaluations the simulator's choice. */
const SETTLED = new Set([JOURNAL, TRANSFERS, POSTINGS, REVALUATION, "BatchNumberDetails", "SerialNumberDetails"]);

/** @returns the key of a document that the action made and the answer shows; undefined where the answer is empty */
export function act(context: Context, set: SetDefinition, key: string, action: string): string | undefined {
  const { world, origin } = context;
  if (world.row(set.name, key) === undefined) throw notFound();
  if (set.type === "Document" && set.name !== DRAFTS) {
    switch (action) {
      case "Cancel":
        cancelDocument(context, set.name, key);
        return undefined;
      case "CreateCancellationDocument":
        return cancelDocument(context, set.name, key);
      case "Close":
        closeDocument(context, set.name, key);
        return undefined;
      default:
        reopenDocument(context, set.name, key);
        return undefined;
    }
  }
  switch (`${set.name}.${action}`) {
    case `${JOURNAL}.Cancel`:
      reverseJournal(context, Number(key));
      return undefined;
    case `${TRANSFERS}.Cancel`:
      cancelTransfer(context, key);
      return undefined;
    case `${TRANSFERS}.Close`:
      closeTransfer(context, key);
      return undefined;
    case `${COUNTINGS}.Close`:
      closeCounting(context, key);
      return undefined;
    case `${REVALUATION}.Cancel`:
      cancelRevaluation(context, key);
      return undefined;
    case "Items.Cancel":
      world.store.put("Items", key, { ...world.row("Items", key), Valid: "tNO", Frozen: "tYES" }, origin);
      return undefined;
    default:
      throw notSupported();
  }
}
