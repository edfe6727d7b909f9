import type { Block, KnownLink, VoucherLink } from "../db/draft-store.ts";
import type { ArrivedMovement } from "../db/movement-log.ts";
import { isZero, negate, sum } from "../domain/decimal.ts";
import { groupBy } from "../domain/group-by.ts";
import { sentStates } from "../domain/posting.ts";
import { valuedFrom } from "./draft-basis.ts";
import type { DraftClient, DraftingDependencies } from "./draft-desk.ts";
import { type Correction, documentOf } from "./draft-vouchers.ts";
import type { Drawable } from "./estimates.ts";

/*
 * What a page meets that was drafted before: documents that changed, and whatever shares a voucher with them.
 */

/** A page, sorted by what may happen to each movement. */
export interface Sorted {
  /** New ones, and changed ones of which nothing stands in the ERP. */
  readonly toDraft: readonly ArrivedMovement[];
  /** Changed ones whose voucher is on its way. */
  readonly waiting: readonly Block[];
  /** Everything tried: what of it is blocked no more is forgotten. */
  readonly tried: readonly string[];
  /** Movements that may have been drafted or valued before. */
  readonly again: ReadonlySet<string>;
  /** Their vouchers, by movement. */
  readonly links: ReadonlyMap<string, readonly KnownLink[]>;
  /** Everything in vouchers that have to be drawn anew for one of their movements. */
  readonly shared: readonly VoucherLink[];
  /**
   * What was in reversed vouchers: it is drawn again as it was if it has not changed itself, or if what it says now cannot be
   * drawn yet.
   */
  readonly freed: readonly VoucherLink[];
}

const isUnsent = ({ state }: KnownLink): boolean => !sentStates.includes(state) && state !== "withdrawn";
const isCorrection = ({ purpose }: Pick<KnownLink, "purpose">): boolean => purpose === "cost-correction";

export const sortPage = async (
  { stores, ledger }: DraftingDependencies,
  client: DraftClient,
  arrived: readonly ArrivedMovement[],
  blocked: readonly ArrivedMovement[],
): Promise<Sorted> => {
  const inReversed = await stores.drafts.readVoucherLinks(
    client,
    await stores.drafts.takeReversed(client, ledger.code),
  );
  const reversed = inReversed.filter((link) => !isCorrection(link));
  const newest = await stores.log.readMovements(client, [
    ...new Set(reversed.map(({ movement }) => movement.movementId)),
  ]);
  const newestOf = new Map(newest.map((movement) => [movement.movementId, movement]));
  const unchanged = reversed.filter(
    ({ movement }) => newestOf.get(movement.movementId)?.revision === movement.revision,
  );
  const asTheyWere = new Set(unchanged.map(({ movement }) => movement.movementId));
  const changed = newest.filter(({ movementId }) => !asTheyWere.has(movementId));

  const movements = newestFirstWins([...changed, ...blocked, ...arrived]);
  const again = new Set([...changed, ...blocked].map(({ movementId }) => movementId));
  for (const { movementId, revision, cancelled } of arrived) if (revision > 1 || cancelled) again.add(movementId);
  const known = await stores.drafts.readLinks(client, ledger.code, [...again, ...asTheyWere]);
  const links = groupBy(known, ({ movementId }) => movementId);

  const { toDraft, waiting, standing } = settleChanges(
    movements.filter((movement) => !isDrawn(movement, links)),
    links,
  );
  await stores.drafts.markSourceChanged(client, standing);
  const shared = await stores.drafts.readVoucherLinks(client, unsentOf(toDraft, links));
  const drafted = new Set(toDraft.map(({ movementId }) => movementId));
  return {
    toDraft,
    waiting,
    tried: movements.map(({ movementId }) => movementId),
    again,
    links,
    shared,
    freed: reversed.filter(
      (link) =>
        !isOvertaken(link, links) &&
        (asTheyWere.has(link.movement.movementId) || drafted.has(link.movement.movementId)),
    ),
  };
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

type Links = Sorted["links"];

/** A voucher shows it in this revision, or a later one, already: it was drafted before its turn came. */
const isDrawn = ({ movementId, revision, cancelled }: ArrivedMovement, links: Links): boolean =>
  links
    .get(movementId)
    ?.some(
      (link) =>
        (link.revision > revision || (link.revision === revision && !cancelled)) &&
        link.state !== "reversed" &&
        !isCorrection(link),
    ) === true;

const isOvertaken = ({ movement, purpose, occurrence, generation }: VoucherLink, links: Links): boolean =>
  links
    .get(movement.movementId)
    ?.some((link) => link.purpose === purpose && link.occurrence === occurrence && link.generation > generation) ===
  true;

/**
 * A change waits while its posting is sending or uncertain. What stands in the ERP already is left standing, marked, and
 * shown as a mismatch: only a confirmed reversal makes room for a new voucher.
 */
const settleChanges = (
  movements: readonly ArrivedMovement[],
  links: Links,
): {
  readonly toDraft: readonly ArrivedMovement[];
  readonly waiting: readonly Block[];
  readonly standing: string[];
} => {
  if (links.size === 0) return { toDraft: movements, waiting: [], standing: [] };
  const sentOf = new Map<string, KnownLink[]>();
  for (const movement of movements) {
    const sent = links
      .get(movement.movementId)
      ?.filter((link) => !isCorrection(link) && sentStates.includes(link.state) && link.state !== "reversed");
    if (sent === undefined || sent.length === 0) continue;
    const document = documentOf(movement);
    sentOf.set(document, [...(sentOf.get(document) ?? []), ...sent]);
  }
  if (sentOf.size === 0) return { toDraft: movements, waiting: [], standing: [] };
  const toDraft: ArrivedMovement[] = [];
  const waiting: Block[] = [];
  for (const movement of movements) {
    const sent = sentOf.get(documentOf(movement));
    const onTheWay = sent?.find(({ state }) => state === "sending" || state === "uncertain");
    if (sent === undefined) toDraft.push(movement);
    else if (onTheWay !== undefined) waiting.push({ movement, code: "NO_ANSWER", subject: `posting/${onTheWay.key}` });
  }
  return { toDraft, waiting, standing: [...new Set([...sentOf.values()].flat().map(({ postingId }) => postingId))] };
};

/** Vouchers of these movements that may still be drawn anew or withdrawn. */
export const unsentOf = (movements: readonly ArrivedMovement[], links: Links): readonly string[] => {
  if (links.size === 0) return [];
  const found = new Set<string>();
  for (const { movementId } of movements)
    for (const link of links.get(movementId) ?? [])
      if (isUnsent(link) && !isCorrection(link)) found.add(link.postingId);
  return [...found];
};

/** What shares a voucher with the movements of a page, and is drawn again with them as it was. */
export interface Companion {
  readonly link: VoucherLink;
  readonly drawable: Drawable;
}

/** @param stuck  reversed vouchers whose other movements cannot be drawn at present */
export const companionsOf = (
  { shared, freed, links }: Sorted,
  rest: readonly ArrivedMovement[],
  stuck: ReadonlySet<string>,
): readonly Companion[] => {
  if (shared.length === 0 && freed.length === 0) return [];
  const inRest = new Set(rest.map(({ movementId }) => movementId));
  const redrawn = new Set(unsentOf(rest, links));
  const found = [
    ...shared.filter(({ postingId, movement }) => redrawn.has(postingId) && !inRest.has(movement.movementId)),
    ...freed.filter(({ postingId, movement }) => !stuck.has(postingId) && !inRest.has(movement.movementId)),
  ];
  return found.map((link) => {
    const { occurrence, ...valued } = valuedFrom(link, link.purpose);
    const drawable = { ...valued, linkQuantity: link.quantity };
    return { link, drawable: occurrence === "" ? drawable : { ...drawable, occurrence } };
  });
};

/** Corrections of cost that stand go with the voucher they corrected: what comes again is booked at its full cost. */
export const correctionsTakenBack = ({ links }: Sorted, rest: readonly ArrivedMovement[]): readonly Correction[] =>
  links.size === 0
    ? []
    : rest.flatMap(({ movementId }) => {
        const standing = links.get(movementId)?.filter((link) => isCorrection(link) && link.state !== "reversed") ?? [];
        return [...groupBy(standing, ({ revision }) => String(revision))].flatMap(([revision, list]) => {
          const booked = sum(list.map(({ value }) => value));
          return isZero(booked)
            ? []
            : [{ eventId: movementId, delta: negate(booked), because: movementId, revision: Number(revision) }];
        });
      });

/** The generation that each movement has reached per purpose: the next voucher must not fall behind it. */
export const generationsOf = (
  { links }: Sorted,
  companions: readonly Companion[],
): ((movementId: string, purpose: KnownLink["purpose"]) => number) => {
  const reached = new Map<string, number>();
  const raise = (movementId: string, purpose: string, generation: number): void => {
    const key = `${movementId} ${purpose}`;
    reached.set(key, Math.max(reached.get(key) ?? 1, generation));
  };
  for (const [movementId, list] of links)
    for (const { purpose, generation, state } of list)
      if (state === "reversed") raise(movementId, purpose, generation + 1);
  for (const { link } of companions) raise(link.movement.movementId, link.purpose, link.generation);
  return (movementId, purpose) => reached.get(`${movementId} ${purpose}`) ?? 1;
};
