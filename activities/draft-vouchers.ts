import type { Block } from "../db/draft-store.ts";
import type { ArrivedMovement } from "../db/movement-log.ts";
import type { NewPosting } from "../db/voucher-store.ts";
import { placeInPeriod } from "../domain/calendar.ts";
import type { CostCorrection } from "../domain/costing.ts";
import type { BusinessDate } from "../domain/dates.ts";
import { type Decimal, ZERO } from "../domain/decimal.ts";
import { groupBy } from "../domain/group-by.ts";
import { postingKeyOf } from "../domain/posting-key.ts";
import type { ValuedMovement } from "../mappings/draft-types.ts";
import { draftVoucher } from "../mappings/draft.ts";
import { groupOf, selectRule } from "../mappings/select.ts";
import { basisOf } from "./draft-basis.ts";
import { type DraftingDependencies, type DraftClient, type Desk, contextOf, missingItems } from "./draft-desk.ts";
import type { Drawable } from "./estimates.ts";

/** Movements of one purpose and one group share a voucher. What no rule covers stays by document, and is reported there. */
export const groupNameOf = (
  dependencies: DraftingDependencies,
  desk: Desk,
  { movement, purpose, value, occurrence }: Drawable,
): string => {
  const rule = selectRule(dependencies.rules, movement, {
    purpose,
    itemClass: desk.items.get(movement.item)?.itemClass ?? "",
    negative: value?.startsWith("-") === true,
    on: movement.happenedOn,
  });
  const group =
    rule !== undefined && "lines" in rule ? groupOf(rule, movement, movement.happenedOn) : movement.recordId;
  return `${purpose}:${group === movement.recordId ? `${documentOf(movement)}${occurrence === undefined ? "" : `#${occurrence}`}` : group}`;
};

/** A voucher, or what is in its way. */
export type Drafted =
  | { readonly kind: "posting"; readonly posting: NewPosting; readonly blocks: readonly Block[] }
  | { readonly kind: "none"; readonly blocks: readonly Block[] };

export const draftGroup = (
  dependencies: DraftingDependencies,
  desk: Desk,
  name: string,
  group: readonly Drawable[],
  byId: ReadonlyMap<string, ArrivedMovement>,
  quantities: ReadonlyMap<string, Decimal>,
): Drafted => {
  const first = group[0];
  if (first === undefined) return { kind: "none", blocks: [] };
  const result = draftVoucher({ movements: group }, contextOf(dependencies, desk, first.movement.happenedOn));
  if (result.kind === "none") return { kind: "none", blocks: [] };
  if (result.kind === "problems") {
    return {
      kind: "none",
      blocks: result.problems.flatMap(({ code, subject, movementIds }) =>
        movementIds.flatMap((id) => {
          const movement = byId.get(id);
          return movement === undefined ? [] : [{ movement, code, subject: `${subject.table}/${subject.code}` }];
        }),
      ),
    };
  }
  const posting = postingOf(dependencies, desk, name, group, result, first.movement.happenedOn, (drawable) => ({
    occurrence: drawable.occurrence ?? "",
    quantity: drawable.linkQuantity ?? quantities.get(drawable.movement.movementId) ?? drawable.movement.quantity,
  }));
  return { kind: "posting", posting: inItsTurn(posting, first.occurrence), blocks: [] };
};

/** What may repeat for one document has each time a voucher, and a key, of its own. */
const inItsTurn = (posting: NewPosting, occurrence: string | undefined): NewPosting => {
  if (occurrence === undefined || posting.form === SEVERAL) return posting;
  const recordId = `${posting.recordId}#${occurrence}`;
  const groupName = `${posting.groupName}#${occurrence}`;
  return { ...posting, recordId, groupName, key: postingKeyOf({ ...posting, recordId }) };
};
const SEVERAL = "*";

const LATE = "补记 ";

/** The posting of a voucher just drawn, as part 1 of generation 1. */
export const postingOf = <Valued extends ValuedMovement>(
  { ledger }: DraftingDependencies,
  desk: Desk,
  name: string,
  group: readonly Valued[],
  result: Extract<ReturnType<typeof draftVoucher>, { kind: "voucher" }>,
  on: BusinessDate,
  linkOf: (valued: Valued) => { readonly occurrence: string; readonly quantity: Decimal },
): NewPosting => {
  const first = group[0];
  if (first === undefined) throw new Error("a voucher needs a movement");
  const { purpose } = first;
  const { company, code: ledgerCode } = ledger;
  const placed = placeInPeriod(ledger, desk.calendar, on);
  const { source, form: firstForm, recordId: firstRecord } = first.movement;
  const whole = group.every(
    ({ movement: { source: each, form, recordId } }) =>
      each === source && form === firstForm && recordId === firstRecord,
  );
  const form = whole ? firstForm : "*";
  const recordId = whole ? firstRecord : name;
  const lines = placed.late
    ? result.lines.map((line) => ({ ...line, summary: `${LATE}${line.summary}` }))
    : result.lines;
  return {
    key: postingKeyOf({ company, source, form, recordId, ledger: ledgerCode, purpose, part: 1, generation: 1 }),
    company,
    ledger: ledgerCode,
    book: ledger.book,
    source,
    form,
    recordId,
    purpose,
    part: 1,
    generation: 1,
    groupName: whole ? `document:${firstForm}/${firstRecord}` : name,
    state: placed.held ? "held" : "drafted",
    targetStage: ledger.targetStage,
    word: result.word,
    accountedOn: placed.date,
    late: placed.late,
    attachments: result.documents.length,
    currency: ledger.currency,
    documents: result.documents,
    summary: result.summary,
    ruleName: result.rules[0]?.name ?? "",
    ruleVersion: result.rules[0]?.version ?? 0,
    errorCode: placed.held ? "PERIOD_CLOSED" : undefined,
    reverses: undefined,
    lines,
    movements: group.map((valued) => {
      const { movement, value, net } = valued;
      const { occurrence, quantity } = linkOf(valued);
      return {
        movementId: movement.movementId,
        revision: movement.revision,
        occurrence,
        quantity,
        value: value ?? net ?? movement.amount ?? ZERO,
        basis: basisOf(valued),
      };
    }),
  };
};

/** A correction to be drawn. */
export type Correction = CostCorrection & {
  /** The revision that was corrected, where it is not the one that was drawn last. */
  readonly revision?: number;
};

/**
 * What an arrival changed in the cost of earlier movements is posted in the open period, one voucher per arriving
 * document. The rule of the corrected movement draws it, as its own voucher was drawn, with the difference as value and
 * no quantity. What cannot be drawn holds the arriving document back.
 */
export const draftCorrections = async (
  dependencies: DraftingDependencies,
  client: DraftClient,
  desk: Desk,
  corrections: readonly Correction[],
  byId: ReadonlyMap<string, ArrivedMovement>,
): Promise<{ readonly postings: readonly NewPosting[]; readonly blocks: readonly Block[] }> => {
  const postings: NewPosting[] = [];
  const blocks: Block[] = [];
  if (corrections.length === 0) return { postings, blocks };
  const corrected = await readCorrected(dependencies, client, corrections);
  const byCause = groupBy(corrections, ({ because }) => documentOf(arrivingOf(byId, because)));
  const full: Desk = { ...desk, items: await missingItems(dependencies, client, desk, [...corrected.values()]) };
  for (const [cause, list] of byCause) {
    const [first] = list;
    if (first === undefined) continue;
    const arriving = arrivingOf(byId, first.because);
    const group = list.map((correction): Drawable => {
      const movement = corrected.get(correction);
      if (movement === undefined) throw new Error(`movement ${correction.eventId} was valued and is not there`);
      const { arrival } = arriving;
      return {
        movement: { ...movement, quantity: ZERO },
        purpose: "cost-correction",
        value: correction.delta,
        occurrence: correction.revision === undefined ? arrival : `${arrival}/${correction.revision}`,
        linkQuantity: ZERO,
      };
    });
    // Never before the goods it corrects, and never in a closed period.
    const on = group.reduce(
      (latest, { movement: { happenedOn } }) => (happenedOn > latest ? happenedOn : latest),
      arriving.happenedOn,
    );
    const open = placeInPeriod({ ...dependencies.ledger, closedPeriod: "next-open" }, desk.calendar, on).date;
    const result = draftVoucher({ movements: group }, contextOf(dependencies, full, open));
    if (result.kind === "problems")
      blocks.push(
        ...result.problems.map(({ code, subject }) => ({
          movement: arriving,
          code,
          subject: `${subject.table}/${subject.code}`,
        })),
      );
    if (result.kind !== "voucher") continue;
    const posting = postingOf(dependencies, full, `correction:${cause}`, group, result, open, (drawable) => ({
      occurrence: drawable.occurrence ?? "",
      quantity: ZERO,
    }));
    const identity = {
      company: posting.company,
      source: arriving.source,
      form: arriving.form,
      recordId: `${arriving.recordId}#${arriving.arrival}`,
      ledger: posting.ledger,
      purpose: posting.purpose,
    };
    postings.push({
      ...posting,
      ...identity,
      key: postingKeyOf({ ...identity, part: 1, generation: 1 }),
      groupName: `correction:${arriving.form}/${arriving.recordId}`,
    });
  }
  return { postings, blocks };
};

const arrivingOf = (byId: ReadonlyMap<string, ArrivedMovement>, because: string): ArrivedMovement => {
  const arriving = byId.get(because);
  if (arriving === undefined) throw new Error(`movement ${because} changed costs and is not in the page`);
  return arriving;
};

const readCorrected = async (
  { stores, ledger }: DraftingDependencies,
  client: DraftClient,
  corrections: readonly Correction[],
): Promise<ReadonlyMap<Correction, ArrivedMovement>> => {
  const plain = corrections.filter(({ revision }) => revision === undefined).map(({ eventId }) => eventId);
  const exact = corrections.flatMap(({ eventId, revision }) =>
    revision === undefined ? [] : [{ movementId: eventId, revision }],
  );
  const drawn = plain.length === 0 ? [] : await stores.log.readDrawn(client, ledger.code, [...new Set(plain)]);
  const drawnOf = new Map(drawn.map((movement) => [movement.movementId, movement]));
  const exactOf = new Map(
    (await stores.log.readRevisions(client, exact)).map((each) => [`${each.movementId}/${each.revision}`, each]),
  );
  return new Map(
    corrections.flatMap((correction) => {
      const { eventId, revision } = correction;
      const movement = revision === undefined ? drawnOf.get(eventId) : exactOf.get(`${eventId}/${revision}`);
      return movement === undefined ? [] : [[correction, movement] as const];
    }),
  );
};

/** One name per document; the lengths keep two documents from sharing one. */
export const documentOf = ({ source, form, recordId }: Pick<ArrivedMovement, "source" | "form" | "recordId">): string =>
  `${source.length}.${form.length}.${source}${form}${recordId}`;
