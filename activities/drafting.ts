import type { ArrivedMovement, Block, EstimateRow, KnownPosting } from "../db/draft-store.ts";
import type { NewPosting } from "../db/posting-store.ts";
import { type Calendar, calendarOf } from "../domain/calendar.ts";
import { lastDayOf } from "../domain/dates.ts";
import { type Decimal, multiply } from "../domain/decimal.ts";
import { groupBy } from "../domain/group-by.ts";
import { postingKeyOf } from "../domain/posting-key.ts";
import { sentStates } from "../domain/posting.ts";
import type { ValuedMovement } from "../mappings/draft-types.ts";
import { type DraftingDependencies, type DraftClient, type Desk, openDesk, ONE } from "./draft-desk.ts";
import { type Costing, valuePage, receiptsBeforeInvoices, valuedOf } from "./draft-values.ts";
import { groupNameOf, draftGroup, draftCorrections, documentOf } from "./draft-vouchers.ts";
import type { EstimateBook, Estimated } from "./estimates.ts";

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
export const draftPage = async (dependencies: DraftingDependencies, sizeMax: number): Promise<DraftSummary> => {
  const { ledger, drafts } = dependencies;
  const calendar = calendarOf(await dependencies.periods());
  return dependencies.inTransaction(dependencies.database, async (client) => {
    await drafts.lockDrafting(client, ledger.code);
    await drafts.releaseHeld(client, ledger.code, calendar.openPeriods);
    const arrived = await takeArrivals(dependencies, client, sizeMax);
    const blocked = await drafts.readBlocked(client, ledger.code, BLOCKED_PER_PAGE_MAX);
    const freed = await drafts.takeReversed(client, ledger.code);
    const movements = newestFirstWins([...freed, ...blocked, ...arrived.movements]);
    const known = await knownPostings(dependencies, client, movements);
    const { toDraft, waiting } = await settleChanges(dependencies, client, movements, known);
    const plan = await planPage(dependencies, client, toDraft, calendar);
    const vouchers = await writePlan(dependencies, client, plan, known);
    const blocks = [...waiting, ...plan.blocks];
    await drafts.replaceBlocks(
      client,
      ledger.code,
      movements.map(({ movementId }) => movementId),
      blocks,
    );
    return { movements: arrived.movements.length, vouchers, blocked: blocks.length, more: arrived.more };
  });
};

const takeArrivals = async (
  { ledger, drafts, sources }: DraftingDependencies,
  client: DraftClient,
  sizeMax: number,
): Promise<{ readonly movements: readonly ArrivedMovement[]; readonly more: boolean }> => {
  const movements: ArrivedMovement[] = [];
  let more = false;
  for (const { source, arrival } of await drafts.draftCursors(client, ledger.code, sources)) {
    const page = await drafts.readArrivals(client, ledger.company, source, arrival, sizeMax);
    const last = page.at(-1);
    if (last === undefined) continue;
    await drafts.moveDraftCursor(client, ledger.code, source, last.arrival);
    movements.push(...page);
    more ||= page.length >= sizeMax;
  }
  return { movements, more };
};

/** Of several revisions of one movement only the newest counts; the order of arrival stays. */
const newestFirstWins = (movements: readonly ArrivedMovement[]): readonly ArrivedMovement[] => {
  const newest = new Map<string, ArrivedMovement>();
  for (const movement of movements) {
    const seen = newest.get(movement.movementId);
    if (seen === undefined || seen.revision <= movement.revision) newest.set(movement.movementId, movement);
  }
  return [...newest.values()];
};

type Known = ReadonlyMap<string, readonly KnownPosting[]>;

/** Existing postings per document; only documents with more than one revision, or cancelled ones, can have any. */
const knownPostings = async (
  { ledger, drafts }: DraftingDependencies,
  client: DraftClient,
  movements: readonly ArrivedMovement[],
): Promise<Known> => {
  const changed = movements.filter(({ revision, cancelled }) => revision > 1 || cancelled);
  if (changed.length === 0) return new Map();
  const rows = await drafts.readPostingsOf(
    client,
    ledger.code,
    ledger.company,
    changed.map(({ recordId }) => recordId),
    changed.map(({ movementId }) => movementId),
  );
  const byRecord = groupBy(rows, ({ form, recordId }) => JSON.stringify([form, recordId]));
  return new Map(
    changed.map((movement) => [
      documentOf(movement),
      byRecord.get(JSON.stringify([movement.form, movement.recordId])) ?? [],
    ]),
  );
};

/**
 * A change waits while its posting is sending or uncertain. What stands in the ERP already is left standing, marked, and
 * shown as a mismatch: only a confirmed reversal makes room for a new voucher.
 */
const settleChanges = async (
  { drafts }: DraftingDependencies,
  client: DraftClient,
  movements: readonly ArrivedMovement[],
  known: Known,
): Promise<{ readonly toDraft: readonly ArrivedMovement[]; readonly waiting: readonly Block[] }> => {
  const waiting: Block[] = [];
  const marked = new Set<string>();
  const toDraft = movements.filter((movement) => {
    const postings = known.get(documentOf(movement)) ?? [];
    const onTheWay = postings.filter(({ state }) => state === "sending" || state === "uncertain");
    const standing = postings.filter(({ state }) => sentStates.includes(state) && state !== "reversed");
    for (const { postingId } of standing) marked.add(postingId);
    if (onTheWay.length > 0)
      waiting.push({ movement, code: "NO_ANSWER", subject: `posting/${onTheWay[0]?.key ?? ""}` });
    return standing.length === 0;
  });
  await drafts.markSourceChanged(client, [...marked]);
  return { toDraft, waiting };
};

interface Plan {
  readonly costing: Costing;
  readonly postings: readonly NewPosting[];
  readonly estimates: readonly EstimateRow[];
  readonly blocks: readonly Block[];
}

const planPage = async (
  dependencies: DraftingDependencies,
  client: DraftClient,
  movements: readonly ArrivedMovement[],
  calendar: Calendar,
): Promise<Plan> => {
  const desk = await openDesk(dependencies, client, movements, calendar);
  const blocks: Block[] = [];
  let rest = movements;
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const attempt = await attemptPage(dependencies, client, desk, rest);
    if (attempt.blocks.length === 0) return { ...attempt, blocks };
    // A document enters whole or not at all: one missing code keeps all of its lines waiting.
    const reasons = new Map(attempt.blocks.map((block) => [documentOf(block.movement), block]));
    const direct = new Set(attempt.blocks.map(({ movement }) => movement.movementId));
    blocks.push(...attempt.blocks);
    for (const movement of rest) {
      const reason = reasons.get(documentOf(movement));
      if (reason !== undefined && !direct.has(movement.movementId)) blocks.push({ ...reason, movement });
    }
    rest = rest.filter((movement) => !reasons.has(documentOf(movement)));
  }
  throw new Error(`drafting of ${dependencies.ledger.code} finds new problems after ${ROUNDS_MAX} rounds`);
};

/** Reversals on the first of the month and renewed estimates at its end, where the ledger works that way. */
const monthTurn = ({ today }: DraftingDependencies, desk: Desk, estimates: EstimateBook): readonly Estimated[] => {
  const started = desk.calendar.openPeriods[0];
  if (desk.openReceipts.length === 0 || started === undefined) return [];
  return estimates.turnMonth(desk.openReceipts, {
    started,
    ended: today() >= lastDayOf(started) ? started : undefined,
  });
};

const attemptPage = async (
  dependencies: DraftingDependencies,
  client: DraftClient,
  desk: Desk,
  movements: readonly ArrivedMovement[],
): Promise<Plan> => {
  const blocks: Block[] = [];
  const estimates = desk.estimates.copy();
  const quantities = new Map<string, Decimal>();
  for (const movement of movements) {
    const item = desk.items.get(movement.item);
    const factor = item?.factorOf(movement.unit);
    if (movement.kind === "provision" || movement.kind === "subcontract-fee")
      quantities.set(movement.movementId, movement.quantity);
    else if (item === undefined) blocks.push({ movement, code: "ITEM_UNKNOWN", subject: `item/${movement.item}` });
    else if (factor === undefined)
      blocks.push({ movement, code: "UNIT_UNKNOWN", subject: `unit/${movement.item}/${movement.unit}` });
    else quantities.set(movement.movementId, factor === ONE ? movement.quantity : multiply(movement.quantity, factor));
  }
  const live = movements.filter(({ movementId }) => quantities.has(movementId));
  const costing = await valuePage(dependencies, client, desk, live, quantities);
  const inPage = groupBy(live, ({ documentNumber }) => documentNumber);
  const groups = new Map<string, ValuedMovement[]>();
  const put = (movement: ValuedMovement, arrived: ArrivedMovement): void => {
    if (arrived.cancelled) return;
    const name = groupNameOf(dependencies, desk, movement);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [movement]);
    else group.push(movement);
  };
  for (const movement of receiptsBeforeInvoices(live)) {
    for (const valued of valuedOf(
      movement,
      costing,
      estimates,
      desk,
      inPage,
      quantities.get(movement.movementId) ?? ONE,
    )) {
      if ("problem" in valued) blocks.push({ movement, code: valued.problem, subject: valued.subject });
      else put(valued, movement);
    }
  }
  const byId = new Map(live.map((movement) => [movement.movementId, movement]));
  for (const valued of monthTurn(dependencies, desk, estimates)) {
    if ("problem" in valued) continue;
    const receipt = desk.openReceipts.find(({ movementId }) => movementId === valued.movementId);
    if (receipt === undefined) continue;
    byId.set(receipt.movementId, receipt);
    put(valued, receipt);
  }
  const postings: NewPosting[] = [];
  for (const [name, group] of groups) {
    const drafted = draftGroup(dependencies, desk, name, group, byId, quantities);
    if (drafted.kind === "posting") postings.push(drafted.posting);
    blocks.push(...drafted.blocks);
  }
  if (blocks.length === 0) {
    const corrected = await draftCorrections(dependencies, client, desk, costing.corrections, byId);
    postings.push(...corrected);
  }
  return { costing, postings, estimates: estimates.changed(), blocks };
};

const writePlan = async (
  { drafts, postings, ledger }: DraftingDependencies,
  client: DraftClient,
  plan: Plan,
  known: Known,
): Promise<number> => {
  await drafts.writeCosting(client, ledger.code, plan.costing.running, plan.costing.entries);
  await drafts.writeEstimates(client, ledger.code, plan.estimates);
  const grouped = plan.postings.filter(({ groupName }) => !groupName.startsWith("document:"));
  const parts = await drafts.readGroupParts(
    client,
    ledger.code,
    grouped.map(({ groupName }) => groupName),
  );
  const fresh: NewPosting[] = [];
  const redrawn = new Set<string>();
  for (const posting of plan.postings) {
    const existing = (known.get(documentOf(posting)) ?? []).filter(({ purpose }) => purpose === posting.purpose);
    const unsent = existing.find(({ state }) => !sentStates.includes(state) && state !== "withdrawn");
    if (unsent !== undefined) {
      await postings.redrawPosting(client, unsent.postingId, posting);
      redrawn.add(unsent.postingId);
      continue;
    }
    fresh.push(renumber(posting, existing, parts.get(posting.groupName) ?? 0));
  }
  await postings.insertPostings(client, fresh);
  for (const existing of new Set([...known.values()].flat())) {
    const gone =
      !redrawn.has(existing.postingId) && !sentStates.includes(existing.state) && existing.state !== "withdrawn";
    if (gone) await postings.withdrawPosting(client, existing.postingId);
  }
  return fresh.length + redrawn.size;
};

/** A reversed voucher makes room for the next generation; a withdrawn one, and a sealed group, for the next part. */
const renumber = (posting: NewPosting, existing: readonly KnownPosting[], groupParts: number): NewPosting => {
  const reversed = existing.filter(({ state }) => state === "reversed").map(({ generation }) => generation);
  const generation = Math.max(0, ...reversed) + 1;
  const withdrawn = existing.filter((each) => each.generation === generation).map(({ part }) => part);
  const part = Math.max(0, groupParts, ...withdrawn) + 1;
  if (part === 1 && generation === 1) return posting;
  return { ...posting, part, generation, key: postingKeyOf({ ...posting, part, generation }) };
};
