import type { Block } from "../db/draft-store.ts";
import type { EstimateRow } from "../db/estimate-store.ts";
import type { ArrivedMovement } from "../db/movement-log.ts";
import type { NewPosting } from "../db/voucher-store.ts";
import { type Calendar, calendarOf } from "../domain/calendar.ts";
import { lastDayOf } from "../domain/dates.ts";
import { type Decimal, multiply } from "../domain/decimal.ts";
import { postingKeyOf } from "../domain/posting-key.ts";
import {
  type Companion,
  type Sorted,
  companionsOf,
  correctionsTakenBack,
  generationsOf,
  sortPage,
  unsentOf,
} from "./draft-again.ts";
import { type DraftingDependencies, type DraftClient, type Desk, missingItems, openDesk, ONE } from "./draft-desk.ts";
import { type Costing, drawablesOf, receiptsBeforeInvoices, valuePage, workEstimates } from "./draft-values.ts";
import { groupNameOf, draftGroup, draftCorrections, documentOf } from "./draft-vouchers.ts";
import type { Drawable, EstimateBook } from "./estimates.ts";
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
    const plan = await planPage(dependencies, client, sorted, calendar);
    const vouchers = await writePlan(dependencies, client, plan, sorted);
    const blocks = [...sorted.waiting, ...plan.blocks];
    await stores.drafts.replaceBlocks(client, ledger.code, sorted.tried, blocks);
    return {
      movements: arrived.movements.length,
      vouchers: vouchers + redrawn.vouchers,
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

interface Plan {
  /** What is drafted of the page. */
  readonly drafted: readonly ArrivedMovement[];
  readonly companions: readonly Companion[];
  readonly costing: Costing;
  readonly postings: readonly NewPosting[];
  readonly estimates: readonly EstimateRow[];
  readonly blocks: readonly Block[];
  /** Reversed vouchers of which something could not be drawn again yet. */
  readonly stuck: ReadonlySet<string>;
}

const planPage = async (
  dependencies: DraftingDependencies,
  client: DraftClient,
  sorted: Sorted,
  calendar: Calendar,
): Promise<Plan> => {
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
    const attempt = await attemptPage(dependencies, client, desk, sorted, rest, companions, aside.receipts);
    if (attempt.blocks.length === 0) return { ...attempt, drafted: rest, companions, blocks, stuck: aside.stuck };
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

type Attempt = Pick<Plan, "costing" | "postings" | "estimates" | "blocks">;

const attemptPage = async (
  dependencies: DraftingDependencies,
  client: DraftClient,
  opened: Desk,
  sorted: Sorted,
  movements: readonly ArrivedMovement[],
  companions: readonly Companion[],
  waitingReceipts: ReadonlySet<string>,
): Promise<Attempt> => {
  const items = companions.map(({ link }) => link.movement);
  const desk =
    items.length === 0 ? opened : { ...opened, items: await missingItems(dependencies, client, opened, items) };
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
  const postings: NewPosting[] = [];
  for (const [name, group] of groups) {
    const drafted = draftGroup(dependencies, desk, name, group, byId, quantities);
    if (drafted.kind === "posting") postings.push(drafted.posting);
    blocks.push(...drafted.blocks);
  }
  if (blocks.length === 0) {
    const corrections = [...costing.corrections, ...correctionsTakenBack(sorted, live)];
    const corrected = await draftCorrections(dependencies, client, desk, corrections, byId);
    postings.push(...corrected.postings);
    blocks.push(...corrected.blocks);
  }
  return { costing, postings, estimates: estimates.changed(), blocks };
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

const writePlan = async (
  { stores, ledger }: DraftingDependencies,
  client: DraftClient,
  plan: Plan,
  sorted: Sorted,
): Promise<number> => {
  await stores.costs.writeCosting(client, ledger.code, plan.costing);
  await stores.accruals.writeEstimates(client, ledger.code, plan.estimates);
  const replaced = replacedBy(plan, sorted);
  await stores.drafts.clearLinks(client, idsOf(replaced));
  const generationOf = generationsOf(sorted, plan.companions);
  const parts = await stores.drafts.readGroupParts(client, ledger.code, repeatable(plan, sorted));
  const fresh: NewPosting[] = [];
  for (const posting of plan.postings) {
    const generation = sorted.links.size === 0 ? 1 : reachedBy(posting, generationOf);
    const existing = takeSame(replaced, posting, generation);
    if (existing === undefined)
      fresh.push(renumber(posting, generation, parts.get(stores.drafts.partsKey({ ...posting, generation })) ?? 0));
    else
      await stores.vouchers.redrawPosting(client, existing.postingId, { ...posting, generation: existing.generation });
  }
  for (const postingId of idsOf(replaced)) await stores.vouchers.withdrawPosting(client, postingId);
  await stores.vouchers.insertPostings(client, fresh);
  await stores.drafts.keepFromSending(client, ledger.code, held(plan, sorted));
  await stores.drafts.markSourceChanged(
    client,
    [...plan.stuck].filter((id) => sorted.freed.some((link) => link.postingId === id)),
  );
  return plan.postings.length;
};

/** Vouchers of what is drafted again of which nothing is in the ERP: drawn anew under their own key, or withdrawn. */
interface Replaced {
  readonly postingId: string;
  readonly generation: number;
}

/** By purpose and document or group. */
const replacedBy = ({ drafted }: Plan, { links }: Sorted): ReadonlyMap<string, Replaced[]> => {
  const replaced = new Map<string, Replaced[]>();
  const unsent = new Set(unsentOf(drafted, links));
  if (unsent.size === 0) return replaced;
  for (const list of links.values())
    for (const { postingId, purpose, groupName, generation } of list) {
      if (!unsent.delete(postingId)) continue;
      const name = nameOf({ purpose, groupName });
      const same = replaced.get(name);
      if (same === undefined) replaced.set(name, [{ postingId, generation }]);
      else same.push({ postingId, generation });
    }
  return replaced;
};
const nameOf = ({ purpose, groupName }: Pick<NewPosting, "purpose" | "groupName">): string => `${purpose} ${groupName}`;
const idsOf = (replaced: ReadonlyMap<string, readonly Replaced[]>): readonly string[] =>
  [...replaced.values()].flat().map(({ postingId }) => postingId);

/** Takes out the voucher of the same document or group, unless one of its movements has got beyond its generation. */
const takeSame = (
  replaced: ReadonlyMap<string, Replaced[]>,
  posting: NewPosting,
  generation: number,
): Replaced | undefined => {
  const same = replaced.get(nameOf(posting));
  const at = same?.findIndex((each) => each.generation >= generation) ?? -1;
  return at < 0 ? undefined : same?.splice(at, 1)[0];
};

const reachedBy = ({ purpose, movements }: NewPosting, generationOf: ReturnType<typeof generationsOf>): number =>
  movements.reduce((reached, { movementId }) => Math.max(reached, generationOf(movementId, purpose)), 1);

/** Groups, and documents that come again: others have no voucher yet. */
const repeatable = ({ postings, companions }: Plan, { again }: Sorted): readonly string[] => {
  const known = new Set([...again, ...companions.map(({ link }) => link.movement.movementId)]);
  return postings
    .filter(
      ({ groupName, movements }) =>
        !groupName.startsWith("document:") ||
        (known.size > 0 && movements.some(({ movementId }) => known.has(movementId))),
    )
    .map(({ groupName }) => groupName);
};

/** What was drafted before and cannot be drawn as it is now. */
const held = ({ blocks }: Plan, { again }: Sorted): readonly string[] =>
  blocks.map(({ movement }) => movement.movementId).filter((movementId) => again.has(movementId));

/** A reversed voucher makes room for the next generation; a withdrawn one, and a sealed group, for the next part. */
const renumber = (posting: NewPosting, generation: number, parts: number): NewPosting => {
  const part = parts + 1;
  if (part === 1 && generation === 1) return posting;
  return { ...posting, part, generation, key: postingKeyOf({ ...posting, part, generation }) };
};
