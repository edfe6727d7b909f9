import type { Block } from "../db/draft-store.ts";
import type { ArrivedMovement } from "../db/movement-log.ts";
import { type Calendar, calendarOf } from "../domain/calendar.ts";
import { type Companion, type Sorted, companionsOf, sortPage } from "./draft-again.ts";
import { attemptPage } from "./draft-attempt.ts";
import { type DraftClient, type DraftingDependencies, openDesk } from "./draft-desk.ts";
import { documentOf } from "./draft-vouchers.ts";
import { redrawMarked } from "./redraw.ts";
import { asTaxpayer } from "./taxpayer.ts";

export interface DraftSummary {
  readonly movements: number;
  readonly vouchers: number;
  readonly blocked: number;
  /** True when a further page waits. */
  readonly more: boolean;
}

/** Each round takes out the documents with problems and values the rest again; problems do not breed for ever. */
const ROUNDS_MAX = 20;

const BLOCKED_PER_PAGE_MAX = 20_000;

/** Values and drafts what arrived since the last page, and tries again what was blocked. One transaction: all or nothing. */
export const draftPage = async (given: DraftingDependencies, sizeMax: number): Promise<DraftSummary> => {
  const dependencies = asTaxpayer(given);
  const { ledger, stores } = dependencies;
  const calendar = calendarOf(await dependencies.periods());
  return dependencies.inTransaction(dependencies.database, async (client) => {
    await stores.drafts.lockDrafting(client, ledger.code);
    await stores.drafts.releaseHeld(client, ledger.code, calendar.openPeriods);
    const redrawn = await redrawMarked(dependencies, client, calendar);
    const arrived = await takeArrivals(dependencies, client, sizeMax);
    const blocked = await stores.drafts.readBlocked(client, ledger.code, BLOCKED_PER_PAGE_MAX);
    const sorted = await sortPage(dependencies, client, arrived.movements, blocked);
    const drafted = await draftSorted(dependencies, client, sorted, calendar);
    await stores.drafts.keepFromSending(client, ledger.code, held(drafted, sorted));
    await stores.drafts.markSourceChanged(client, stillFreed(drafted, sorted));
    const blocks = [...sorted.waiting, ...drafted.blocks];
    await stores.drafts.replaceBlocks(client, ledger.code, blocked.length === 0 ? [] : sorted.tried, blocks);
    return {
      movements: arrived.movements.length,
      vouchers: drafted.vouchers + redrawn.vouchers,
      blocked: blocks.length,
      more: arrived.more || redrawn.more,
    };
  });
};

const takeArrivals = async (
  { ledger, stores, sources }: DraftingDependencies,
  client: DraftClient,
  sizeMax: number,
): Promise<{ readonly movements: readonly ArrivedMovement[]; readonly more: boolean }> => {
  const movements: ArrivedMovement[] = [];
  let more = false;
  for (const { source, arrival } of await stores.drafts.draftCursors(client, ledger.code, sources)) {
    const page = await stores.log.readArrivals(client, ledger.company, source, arrival, sizeMax);
    const last = page.at(-1);
    if (last === undefined) continue;
    await stores.drafts.moveDraftCursor(client, ledger.code, source, last.arrival);
    movements.push(...page);
    more ||= page.length >= sizeMax;
  }
  return { movements, more };
};

/** What became of a page. */
interface Drafted {
  readonly vouchers: number;
  readonly blocks: readonly Block[];
  /** Reversed vouchers of which something could not be drawn again yet. */
  readonly stuck: ReadonlySet<string>;
}

const draftSorted = async (
  dependencies: DraftingDependencies,
  client: DraftClient,
  sorted: Sorted,
  calendar: Calendar,
): Promise<Drafted> => {
  const again = sorted.again.size === 0 ? [] : sorted.toDraft.map(({ movementId }) => movementId);
  const desk = await openDesk(
    dependencies,
    client,
    sorted.toDraft,
    calendar,
    again.filter((id) => sorted.again.has(id)),
  );
  const blocks: Block[] = [];
  const aside: Aside = { stuck: new Set(), receipts: new Set() };
  let rest = sorted.toDraft;
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const companions = companionsOf(sorted, rest, aside.stuck);
    const page = { sorted, movements: rest, companions, waitingReceipts: aside.receipts };
    const attempt = await attemptPage(dependencies, client, desk, page);
    if (attempt.blocks.length === 0) return { vouchers: attempt.vouchers, blocks, stuck: aside.stuck };
    const found = ownBlocks(sorted, rest, companions, attempt.blocks, aside);
    // A document enters whole or not at all: one missing code keeps all of its lines waiting.
    const reasons = new Map(found.own.map((block) => [documentOf(block.movement), block]));
    const direct = new Set(found.own.map(({ movement }) => movement.movementId));
    blocks.push(...found.own, ...found.others);
    for (const movement of rest) {
      const reason = reasons.get(documentOf(movement));
      if (reason !== undefined && !direct.has(movement.movementId)) blocks.push({ ...reason, movement });
    }
    rest = rest.filter((movement) => !reasons.has(documentOf(movement)));
  }
  throw new Error(`drafting of ${dependencies.ledger.code} finds new problems after ${ROUNDS_MAX} rounds`);
};

/** What the rounds leave out besides documents of the page. */
interface Aside {
  readonly stuck: Set<string>;
  /** Receipts whose turn of the month has to wait. */
  readonly receipts: Set<string>;
}

/**
 * What keeps a companion from being drawn keeps the document that makes it necessary: its voucher stays as it is. Nothing
 * of the page is kept by what was reversed beside it, or by receipts at the turn of the month.
 */
const ownBlocks = (
  { links }: Sorted,
  rest: readonly ArrivedMovement[],
  companions: readonly Companion[],
  blocks: readonly Block[],
  aside: Aside,
): { readonly own: readonly Block[]; readonly others: readonly Block[] } => {
  const inRest = new Set(rest.map(({ movementId }) => movementId));
  const own: Block[] = [];
  const others: Block[] = [];
  for (const block of blocks) {
    const { movementId } = block.movement;
    if (inRest.has(movementId)) {
      own.push(block);
      continue;
    }
    aside.receipts.add(movementId);
    const vouchers = new Set(
      companions.filter(({ link }) => link.movement.movementId === movementId).map(({ link }) => link.postingId),
    );
    const pulling = rest.filter((each) => links.get(each.movementId)?.some(({ postingId }) => vouchers.has(postingId)));
    for (const voucher of vouchers) aside.stuck.add(voucher);
    if (pulling.length === 0) others.push(block);
    else own.push(...pulling.map((movement) => ({ ...block, movement })));
  }
  return { own, others };
};

/** What was drafted before and cannot be drawn as it is now. */
const held = ({ blocks }: Drafted, { again }: Sorted): readonly string[] =>
  blocks.map(({ movement }) => movement.movementId).filter((movementId) => again.has(movementId));

/** Reversed vouchers that are handed out once more. */
const stillFreed = ({ stuck }: Drafted, { freed }: Sorted): readonly string[] =>
  [...stuck].filter((id) => freed.some((link) => link.postingId === id));
