import { createHash } from "node:crypto";
import type { ArrivedMovement, Block } from "../db/draft-store.ts";
import type { NewPosting } from "../db/posting-store.ts";
import { placeInPeriod } from "../domain/calendar.ts";
import type { CostCorrection } from "../domain/costing.ts";
import type { BusinessDate } from "../domain/dates.ts";
import { type Decimal, decimal } from "../domain/decimal.ts";
import { groupBy } from "../domain/group-by.ts";
import { postingKeyOf } from "../domain/posting-key.ts";
import type { Purpose } from "../domain/posting.ts";
import { totalsOf } from "../domain/voucher.ts";
import type { ValuedMovement } from "../mappings/draft-types.ts";
import { draftVoucher } from "../mappings/draft.ts";
import { groupOf, selectRule } from "../mappings/select.ts";
import { type DraftingDependencies, type DraftClient, type Desk, contextOf, missingItems } from "./draft-desk.ts";

/** Movements of one purpose and one group share a voucher. What no rule covers stays by document, and is reported there. */
export const groupNameOf = (dependencies: DraftingDependencies, desk: Desk, movement: ValuedMovement): string => {
  const rule = selectRule(dependencies.rules, movement, {
    purpose: movement.purpose,
    itemClass: desk.items.get(movement.item)?.itemClass ?? "",
    negative: movement.value?.startsWith("-") === true,
    on: movement.happenedOn,
  });
  const group =
    rule !== undefined && "lines" in rule ? groupOf(rule, movement, movement.happenedOn) : movement.recordId;
  const document = group === movement.recordId ? JSON.stringify([movement.source, movement.form, group]) : group;
  return `${movement.purpose}:${document}`;
};

type Drafted =
  | { readonly kind: "posting"; readonly posting: NewPosting; readonly blocks: readonly Block[] }
  | { readonly kind: "none"; readonly blocks: readonly Block[] };

export const draftGroup = (
  dependencies: DraftingDependencies,
  desk: Desk,
  name: string,
  group: readonly ValuedMovement[],
  byId: ReadonlyMap<string, ArrivedMovement>,
  quantities: ReadonlyMap<string, Decimal>,
): Drafted => {
  const first = group[0];
  if (first === undefined) return { kind: "none", blocks: [] };
  const result = draftVoucher({ movements: group }, contextOf(dependencies, desk, first.happenedOn));
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
  const posting = postingOf(dependencies, desk, name, group, result, first.happenedOn, (movement) => ({
    occurrence: occurrenceOf(movement),
    quantity: quantities.get(movement.movementId) ?? movement.quantity,
  }));
  return { kind: "posting", posting, blocks: [] };
};

/** Purposes that may repeat for one movement carry what makes them different. */
const occurrenceOf = (movement: ValuedMovement & { readonly occurrence?: string }): string => movement.occurrence ?? "";

const LATE = "补记 ";

const postingOf = (
  { ledger }: DraftingDependencies,
  desk: Desk,
  name: string,
  group: readonly ValuedMovement[],
  result: Extract<ReturnType<typeof draftVoucher>, { kind: "voucher" }>,
  on: BusinessDate,
  linkOf: (movement: ValuedMovement) => { readonly occurrence: string; readonly quantity: Decimal },
): NewPosting => {
  const first = group[0];
  if (first === undefined) throw new Error("a voucher needs a movement");
  const placed = placeInPeriod(ledger, desk.calendar, on);
  const whole = new Set(group.map(({ form, recordId }) => JSON.stringify([form, recordId]))).size === 1;
  const identity = {
    company: ledger.company,
    source: first.source,
    form: whole ? first.form : "*",
    recordId: whole ? first.recordId : name,
    ledger: ledger.code,
    purpose: first.purpose,
  };
  const lines = result.lines.map((line, index) => ({
    ...line,
    summary: placed.late ? `${LATE}${line.summary}` : line.summary,
    movementIds: result.movementsOfLine[index] ?? [],
  }));
  const head = { word: result.word, accountedOn: placed.date, documents: result.documents };
  return {
    ...identity,
    ...head,
    key: postingKeyOf({ ...identity, part: 1, generation: 1 }),
    book: ledger.book,
    part: 1,
    generation: 1,
    groupName: whole ? `document:${first.form}/${first.recordId}` : name,
    state: placed.held ? "held" : "drafted",
    targetStage: ledger.targetStage,
    late: placed.late,
    attachments: result.documents.length,
    currency: ledger.currency,
    summary: result.summary,
    ruleName: result.rules[0]?.name ?? "",
    ruleVersion: result.rules[0]?.version ?? 0,
    total: totalsOf(lines).debit,
    fingerprint: fingerprintOf(head, lines),
    errorCode: placed.held ? "PERIOD_CLOSED" : undefined,
    reverses: undefined,
    lines,
    movements: group.map((movement) => ({
      movementId: movement.movementId,
      revision: movement.revision,
      ...linkOf(movement),
      value: movement.value ?? movement.net ?? movement.amount ?? decimal("0"),
    })),
  };
};

const fingerprintOf = (head: unknown, lines: unknown): string =>
  createHash("sha256")
    .update(JSON.stringify([head, lines]))
    .digest("hex");

/**
 * What an arrival changed in the cost of earlier movements is posted in the open period, one voucher per arriving
 * document. The rule of the corrected movement draws it, with the difference as value and no quantity.
 */
export const draftCorrections = async (
  dependencies: DraftingDependencies,
  client: DraftClient,
  desk: Desk,
  corrections: readonly CostCorrection[],
  byId: ReadonlyMap<string, ArrivedMovement>,
): Promise<readonly NewPosting[]> => {
  if (corrections.length === 0) return [];
  const corrected = await dependencies.drafts.readMovements(client, [
    ...new Set(corrections.map(({ eventId }) => eventId)),
  ]);
  const movementOf = new Map(corrected.map((movement) => [movement.movementId, movement]));
  const byCause = groupBy(corrections, ({ because }) => {
    const arriving = byId.get(because);
    return arriving === undefined ? because : documentOf(arriving);
  });
  const items = await missingItems(dependencies, client, desk, corrected);
  const full: Desk = { ...desk, items };
  const postings: NewPosting[] = [];
  for (const [cause, list] of byCause) {
    const arriving = byId.get(list[0]?.because ?? "");
    if (arriving === undefined) continue;
    const group = list.flatMap(({ eventId, delta }) => {
      const movement = movementOf.get(eventId);
      return movement === undefined
        ? []
        : [{ ...movement, purpose: "cost-correction" as Purpose, value: delta, quantity: decimal("0") }];
    });
    // Never before the goods it corrects, and never in a closed period.
    const on = group.reduce(
      (latest, movement) => (movement.happenedOn > latest ? movement.happenedOn : latest),
      arriving.happenedOn,
    );
    const open = placeInPeriod({ ...dependencies.ledger, closedPeriod: "next-open" }, desk.calendar, on).date;
    const result = draftVoucher({ movements: group }, contextOf(dependencies, full, open));
    if (result.kind !== "voucher") continue;
    const posting = postingOf(dependencies, full, `correction:${cause}`, group, result, open, () => ({
      occurrence: arriving.arrival,
      quantity: decimal("0"),
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
  return postings;
};

export const documentOf = (movement: Pick<ArrivedMovement, "source" | "form" | "recordId">): string =>
  JSON.stringify([movement.source, movement.form, movement.recordId]);
