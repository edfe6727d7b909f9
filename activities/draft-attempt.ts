import { setImmediate as turn } from "node:timers/promises";
import type { Block } from "../db/draft-store.ts";
import type { ArrivedMovement } from "../db/movement-log.ts";
import type { NewPosting } from "../db/voucher-store.ts";
import { lastDayOf } from "../domain/dates.ts";
import { type Decimal, multiply } from "../domain/decimal.ts";
import { type Companion, type Sorted, correctionsTakenBack } from "./draft-again.ts";
import { type DraftClient, type DraftingDependencies, type Desk, ONE, missingItems } from "./draft-desk.ts";
import { openPlacing } from "./draft-placing.ts";
import { type Costing, drawablesOf, receiptsBeforeInvoices, valuePage, workEstimates } from "./draft-values.ts";
import { type Drafted, draftCorrections, draftGroup, groupNameOf } from "./draft-vouchers.ts";
import type { Drawable, EstimateBook } from "./estimates.ts";

/*
 * One attempt at a page: its movements are valued, their vouchers drawn, and all of it written – or, where something
 * cannot be drawn, nothing.
 */

/** What an attempt is made at. */
export interface PageToDraft {
  readonly sorted: Sorted;
  readonly movements: readonly ArrivedMovement[];
  readonly companions: readonly Companion[];
  /** Receipts whose turn of the month has to wait. */
  readonly waitingReceipts: ReadonlySet<string>;
}

export interface Attempt {
  readonly vouchers: number;
  /** Where there are any, nothing was written. */
  readonly blocks: readonly Block[];
}

export const attemptPage = async (
  dependencies: DraftingDependencies,
  client: DraftClient,
  opened: Desk,
  page: PageToDraft,
): Promise<Attempt> => {
  const { stores } = dependencies;
  const items = page.companions.map(({ link }) => link.movement);
  const desk =
    items.length === 0 ? opened : { ...opened, items: await missingItems(dependencies, client, opened, items) };
  const worth = await workOut(dependencies, client, desk, page);
  const blocks = [...worth.blocks];
  const corrections = [...worth.costing.corrections, ...correctionsTakenBack(page.sorted, worth.live)];
  const corrected =
    blocks.length === 0 ? await draftCorrections(dependencies, client, desk, corrections, worth.byId) : undefined;
  blocks.push(...(corrected?.blocks ?? []));
  if (blocks.length > 0) {
    for (const { blocks: found } of drawGroups(dependencies, desk, worth)) blocks.push(...found);
    return { vouchers: 0, blocks };
  }
  return stores.drafts.undoWhereBlocked(client, async () => {
    const drafts = drawGroups(dependencies, desk, worth);
    return writeBehind(dependencies, client, page, worth, drafts, corrected?.postings ?? []);
  });
};

/** Every voucher of the page as it is drawn, or what is in its way. */
function* drawGroups(dependencies: DraftingDependencies, desk: Desk, worth: Worth): Generator<Drafted> {
  for (const [name, group] of worth.groups)
    yield draftGroup(dependencies, desk, name, group, worth.byId, worth.quantities);
}

/** So many vouchers go to the database together. */
const BATCH_VOUCHERS = 400;
/** So many batches may wait for the database. */
const BATCHES_WAITING_MAX = 2;
/** After so many vouchers the connection gets its turn: what waits for the database goes out. */
const TURN_VOUCHERS = 10;

/**
 * Writes what costing and estimates say, and the vouchers behind them batch by batch: the database works on one batch while
 * the next is drawn. After the first block nothing more is written; the rest is only drawn for what else is in the way.
 */
const writeBehind = async (
  dependencies: DraftingDependencies,
  client: DraftClient,
  page: PageToDraft,
  worth: Worth,
  drafts: Iterable<Drafted>,
  corrections: readonly NewPosting[],
): Promise<Attempt> => {
  const { stores, ledger } = dependencies;
  const { sorted, movements, companions } = page;
  const vouchersMax = worth.groups.size + corrections.length;
  const placing = await openPlacing(dependencies, client, sorted, movements, companions, vouchersMax);
  const writing = new Behind();
  await writing.put(async () => {
    await stores.costs.writeCosting(client, ledger.code, worth.costing);
    await stores.accruals.writeEstimates(client, ledger.code, worth.estimates.changed());
  });
  const blocks: Block[] = [];
  let vouchers = 0;
  const put = async (batch: readonly NewPosting[]): Promise<void> => {
    if (blocks.length > 0) return;
    vouchers += batch.length;
    const placed = await placing.prepare(batch);
    await writing.put(placed.write);
  };
  let batch: NewPosting[] = [];
  let drawn = 0;
  try {
    for (const draft of drafts) {
      blocks.push(...draft.blocks);
      if (draft.kind === "posting") batch.push(draft.posting);
      drawn += 1;
      if (drawn % TURN_VOUCHERS === 0) await turn();
      if (batch.length < BATCH_VOUCHERS) continue;
      await put(batch);
      batch = [];
    }
    await put([...batch, ...corrections]);
    await writing.done();
  } catch (error) {
    await writing.stop();
    throw error;
  }
  if (blocks.length === 0) await placing.finish();
  return { vouchers, blocks };
};

/** Pieces of writing in their order, behind the back of whoever makes the next. */
class Behind {
  readonly #waiting: Promise<void>[] = [];
  #stopped = false;

  /** Takes a piece as soon as there is room for it. */
  async put(write: () => Promise<void>): Promise<void> {
    const before = this.#waiting.at(-1) ?? Promise.resolve();
    const writing = before.then(() => (this.#stopped ? undefined : write()));
    // Whoever waits for it later meets the failure; until then it must not end the process.
    writing.catch(() => undefined);
    this.#waiting.push(writing);
    if (this.#waiting.length > BATCHES_WAITING_MAX) await this.#waiting.shift();
  }

  async done(): Promise<void> {
    await this.#waiting.at(-1);
  }

  /** Nothing is begun any more: what was written behind the end of the transaction would stand. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.done().catch(() => undefined);
  }
}

/** What a page is worth, and which of its movements share a voucher. */
interface Worth {
  readonly costing: Costing;
  readonly estimates: EstimateBook;
  readonly quantities: ReadonlyMap<string, Decimal>;
  /** By the name of the document or group. */
  readonly groups: ReadonlyMap<string, readonly Drawable[]>;
  /** What is valued and drawn. */
  readonly live: readonly ArrivedMovement[];
  /** The same with companions and receipts at the turn of the month. */
  readonly byId: ReadonlyMap<string, ArrivedMovement>;
  readonly blocks: readonly Block[];
}

const workOut = async (
  dependencies: DraftingDependencies,
  client: DraftClient,
  desk: Desk,
  { movements, companions, waitingReceipts }: PageToDraft,
): Promise<Worth> => {
  const blocks: Block[] = [];
  const estimates = desk.estimates.copy();
  const quantities = stockQuantities(desk, movements, blocks);
  const live = receiptsBeforeInvoices(movements.filter(({ movementId }) => quantities.has(movementId)));
  const effects = workEstimates(desk, estimates, live, quantities);
  const costing = await valuePage(dependencies, client, desk, live, quantities, effects);
  const groups = new Map<string, Drawable[]>();
  const put = (drawable: Drawable): void => {
    if (drawable.movement.cancelled) return;
    const name = groupNameOf(dependencies, desk, drawable);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [drawable]);
    else group.push(drawable);
  };
  const byId = new Map<string, ArrivedMovement>();
  for (const { link, drawable } of companions) {
    byId.set(link.movement.movementId, link.movement);
    put(drawable);
  }
  for (const movement of live) {
    const effect = effects.get(movement.movementId);
    if (effect?.kind === "problem") blocks.push({ movement, code: effect.code, subject: effect.subject });
    for (const drawable of drawablesOf(movement, costing, effects, quantities.get(movement.movementId) ?? ONE))
      put(drawable);
  }
  const receiptOf = new Map(desk.openReceipts.map((receipt) => [receipt.movementId, receipt]));
  for (const drawable of monthTurn(dependencies, desk, estimates, waitingReceipts)) {
    const receipt = receiptOf.get(drawable.movement.movementId);
    if (receipt !== undefined) byId.set(receipt.movementId, receipt);
    put(drawable);
  }
  for (const movement of live) byId.set(movement.movementId, movement);
  return { costing, estimates, quantities, groups, live, byId, blocks };
};

/** Reversals on the first of the month and renewed estimates at its end, where the ledger works that way. */
const monthTurn = (
  { today }: DraftingDependencies,
  desk: Desk,
  estimates: EstimateBook,
  waiting: ReadonlySet<string>,
): readonly Drawable[] => {
  const started = desk.calendar.openPeriods[0];
  if (desk.openReceipts.length === 0 || started === undefined) return [];
  return estimates.turnMonth(
    waiting.size === 0 ? desk.openReceipts : desk.openReceipts.filter(({ movementId }) => !waiting.has(movementId)),
    { started, ended: today() >= lastDayOf(started) ? started : undefined },
  );
};

/** Every quantity in the item's stock unit; what has none is blocked. */
const stockQuantities = (
  desk: Desk,
  movements: readonly ArrivedMovement[],
  blocks: Block[],
): ReadonlyMap<string, Decimal> => {
  const quantities = new Map<string, Decimal>();
  for (const movement of movements) {
    const item = desk.items.get(movement.item);
    const factor = item?.factorOf(movement.unit);
    // What was taken back needs no quantity, and must not wait for an item that nobody will enter any more.
    if (movement.kind === "provision" || movement.kind === "subcontract-fee" || movement.cancelled)
      quantities.set(movement.movementId, movement.quantity);
    else if (item === undefined) blocks.push({ movement, code: "ITEM_UNKNOWN", subject: `item/${movement.item}` });
    else if (factor === undefined)
      blocks.push({ movement, code: "UNIT_UNKNOWN", subject: `unit/${movement.item}/${movement.unit}` });
    else quantities.set(movement.movementId, factor === ONE ? movement.quantity : multiply(movement.quantity, factor));
  }
  return quantities;
};
