import { setImmediate as turn } from "node:timers/promises";
import type { ArrivedMovement } from "../db/movement-log.ts";
import type { NewPosting } from "../db/voucher-store.ts";
import { postingKeyOf } from "../domain/posting-key.ts";
import { type Companion, type Sorted, generationsOf, unsentOf } from "./draft-again.ts";
import type { DraftClient, DraftingDependencies } from "./draft-desk.ts";

/*
 * Where the vouchers of a page go: into postings of their own, as the next part or generation where the document or group
 * had some, or under the key of one that they replace.
 */

export interface Placing {
  /** Makes vouchers ready to be written. */
  readonly prepare: (postings: readonly NewPosting[]) => Promise<Placed>;
  /** Takes back the vouchers that nothing replaced. */
  readonly finish: () => Promise<void>;
}

/** After so many vouchers the connection gets its turn. */
const TURN_VOUCHERS = 10;

/** Vouchers with their places. */
export interface Placed {
  readonly write: () => Promise<void>;
}

/**
 * @param drafted  everything of the page that is drafted; what shared a voucher with it comes with it
 * @param vouchersMax  how many vouchers the page can have
 */
export const openPlacing = async (
  { stores, ledger }: DraftingDependencies,
  client: DraftClient,
  sorted: Sorted,
  drafted: readonly ArrivedMovement[],
  companions: readonly Companion[],
  vouchersMax: number,
): Promise<Placing> => {
  const { drafts, vouchers } = stores;
  const replaced = replacedBy(drafted, sorted);
  await drafts.clearLinks(client, idsOf(replaced));
  const generationOf = generationsOf(sorted, companions);
  const known = new Set([...sorted.again, ...companions.map(({ link }) => link.movement.movementId)]);
  const ids = (await vouchers.reservePostingIds(client, vouchersMax)).values();
  return {
    prepare: async (postings) => {
      const parts = await drafts.readGroupParts(client, ledger.code, repeatable(postings, known));
      const fresh = new vouchers.NewPostings();
      const redrawn: { readonly postingId: string; readonly posting: NewPosting }[] = [];
      for (const [index, posting] of postings.entries()) {
        if (index % TURN_VOUCHERS === 0) await turn();
        const generation = sorted.links.size === 0 ? 1 : reachedBy(posting, generationOf);
        const { postingId, generation: kept = generation } = takeSame(replaced, posting, generation) ?? {};
        if (postingId !== undefined) redrawn.push({ postingId, posting: { ...posting, generation: kept } });
        else {
          const part = parts.get(drafts.partsKey({ ...posting, generation })) ?? 0;
          fresh.add(nextOf(ids), renumber(posting, generation, part));
        }
      }
      return {
        write: async () => {
          for (const { postingId, posting } of redrawn) await vouchers.redrawPosting(client, postingId, posting);
          await fresh.insert(client);
        },
      };
    },
    finish: async () => {
      for (const postingId of idsOf(replaced)) await vouchers.withdrawPosting(client, postingId);
    },
  };
};

const nextOf = (ids: Iterator<string>): string => {
  const { value, done } = ids.next();
  if (done === true) throw new Error("a page has more vouchers than were counted");
  return value;
};

/** Vouchers of what is drafted again of which nothing is in the ERP: drawn anew under their own key, or withdrawn. */
interface Replaced {
  readonly postingId: string;
  readonly generation: number;
}

/** By purpose and document or group. */
const replacedBy = (drafted: readonly ArrivedMovement[], { links }: Sorted): ReadonlyMap<string, Replaced[]> => {
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
const repeatable = (postings: readonly NewPosting[], known: ReadonlySet<string>): readonly string[] =>
  postings
    .filter(
      ({ groupName, movements }) =>
        !groupName.startsWith("document:") ||
        (known.size > 0 && movements.some(({ movementId }) => known.has(movementId))),
    )
    .map(({ groupName }) => groupName);

/** A reversed voucher makes room for the next generation; a withdrawn one, and a sealed group, for the next part. */
const renumber = (posting: NewPosting, generation: number, parts: number): NewPosting => {
  const part = parts + 1;
  if (part === 1 && generation === 1) return posting;
  return { ...posting, part, generation, key: postingKeyOf({ ...posting, part, generation }) };
};
