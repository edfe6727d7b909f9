import type { Redraw, RedrawLink } from "../db/redraw-store.ts";
import type { NewPosting } from "../db/voucher-store.ts";
import { type Calendar, placeInPeriod } from "../domain/calendar.ts";
import { type BusinessDate, firstDayOf, periodOf } from "../domain/dates.ts";
import { postingKeyOf } from "../domain/posting-key.ts";
import { draftVoucher } from "../mappings/draft.ts";
import { valuedFrom } from "./draft-basis.ts";
import { type Desk, type DraftClient, type DraftingDependencies, contextOf, openDesk } from "./draft-desk.ts";
import { postingOf } from "./draft-vouchers.ts";

export interface Redrawn {
  readonly vouchers: number;
  readonly more: boolean;
}

const REDRAWS_PER_PAGE_MAX = 1_000;

/**
 * Draws vouchers anew because a person asked for it: those of which nothing is in the ERP under their own key, those whose
 * reversal is verified as the next generation. Movements and values stay as they were, so costing and estimates do not
 * move; rules, accounts and codes are today's. What cannot be drawn stays where it is, says why, and is tried again.
 */
export const redrawMarked = async (
  dependencies: DraftingDependencies,
  client: DraftClient,
  calendar: Calendar,
): Promise<Redrawn> => {
  const { stores, ledger } = dependencies;
  const redraws = await stores.redraws.readRedraws(client, ledger.code, REDRAWS_PER_PAGE_MAX);
  if (redraws.length === 0) return { vouchers: 0, more: false };
  const movements = redraws.flatMap(({ links }) => links.map(({ movement }) => movement));
  const desk = await openDesk(dependencies, client, movements, calendar);
  let vouchers = 0;
  for (const redraw of redraws) if (await drawAnew(dependencies, client, desk, redraw)) vouchers += 1;
  return { vouchers, more: vouchers > 0 && redraws.length === REDRAWS_PER_PAGE_MAX };
};

/** @returns whether a voucher was drawn */
const drawAnew = async (
  dependencies: DraftingDependencies,
  client: DraftClient,
  desk: Desk,
  redraw: Redraw,
): Promise<boolean> => {
  const { stores } = dependencies;
  const { postingId, purpose, state } = redraw;
  const isReversed = state === "reversed";
  if (purpose === "reversal") {
    await stores.redraws.draftReversalAgain(client, postingId, openDayFrom(desk.calendar, redraw.accountedOn));
    return true;
  }
  if (redraw.overtakenBy !== undefined) {
    if (redraw.overtakenBy === "revision") await stores.redraws.leaveToChange(client, postingId);
    else await stores.redraws.concludeRedraw(client, postingId);
    return false;
  }
  const drawn = draw(dependencies, desk, redraw);
  switch (drawn.kind) {
    case "problem":
      await stores.redraws.noteRedrawProblem(client, postingId, drawn.code, drawn.subject);
      return false;
    case "none":
      if (isReversed) await stores.redraws.concludeRedraw(client, postingId);
      else await stores.vouchers.withdrawPosting(client, postingId);
      return false;
    case "voucher":
      if (isReversed) {
        await stores.vouchers.insertPostings(client, [drawn.posting]);
        await stores.redraws.concludeRedraw(client, postingId);
      } else await stores.vouchers.redrawPosting(client, postingId, drawn.posting);
      return true;
  }
};

type Drawn =
  | { readonly kind: "voucher"; readonly posting: NewPosting }
  | { readonly kind: "none" }
  | { readonly kind: "problem"; readonly code: string; readonly subject: string };

const draw = (dependencies: DraftingDependencies, desk: Desk, redraw: Redraw): Drawn => {
  const { purpose, source, form, recordId, part, generation, groupName } = redraw;
  const links = [...redraw.links].sort(asArrived);
  const group = links.map((link) => ({ ...valuedFrom(link, purpose), link }));
  const [first] = group;
  if (first === undefined) return { kind: "none" };
  const on = purpose === "cost-correction" ? correctionDay(dependencies, desk, redraw) : first.movement.happenedOn;
  const result = draftVoucher({ movements: group }, contextOf(dependencies, desk, on));
  if (result.kind === "none") return { kind: "none" };
  if (result.kind === "problems") {
    const [problem] = result.problems;
    return {
      kind: "problem",
      code: problem?.code ?? "RULE_MISSING",
      subject: `${problem?.subject.table ?? ""}/${problem?.subject.code ?? ""}`,
    };
  }
  const posting = postingOf(dependencies, desk, groupName, group, result, on, ({ link }) => link);
  const identity = { source, form, recordId, part, generation };
  const key = postingKeyOf({ ...posting, ...identity });
  return { kind: "voucher", posting: { ...posting, ...identity, groupName, key } };
};

/** The order in which drafting saw them. */
const asArrived = (a: RedrawLink, b: RedrawLink): number => {
  const [left, right] = [BigInt(a.movement.arrival), BigInt(b.movement.arrival)];
  return left < right ? -1 : left > right ? 1 : 0;
};

/** A correction of cost goes into an open period, whatever the ledger does with others. */
const correctionDay = ({ ledger }: DraftingDependencies, desk: Desk, { accountedOn }: Redraw): BusinessDate =>
  placeInPeriod({ ...ledger, closedPeriod: "next-open" }, desk.calendar, accountedOn).date;

/** A reversal may move to a later open period, never to one before it. */
const openDayFrom = ({ isOpen, openPeriods }: Calendar, on: BusinessDate): BusinessDate => {
  if (isOpen(periodOf(on))) return on;
  const next = openPeriods.find((each) => each > periodOf(on));
  return next === undefined ? on : firstDayOf(next);
};
