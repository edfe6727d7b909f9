import { z } from "zod";
import type { ArrivedMovement, EstimateRow } from "../db/draft-store.ts";
import type { Period } from "../domain/dates.ts";
import { type Decimal, ZERO, compare } from "../domain/decimal.ts";
import type { ErrorCode } from "../domain/errors.ts";
import {
  type EstimateEvent,
  type EstimateState,
  type EstimateStyle,
  advanceEstimate,
  openEstimate,
} from "../domain/estimate.ts";
import type { ValuedMovement } from "../mappings/draft-types.ts";

/** A movement with its amounts for one purpose, or why it cannot have them. */
export type Estimated =
  | (ValuedMovement & { readonly occurrence?: string })
  | { readonly problem: ErrorCode; readonly subject: string };

/** The estimates that one page of movements touches; what it changes is written with the page, or not at all. */
export interface EstimateBook {
  /** A book of its own for one attempt at the page. */
  readonly copy: () => EstimateBook;
  /**
   * Lets a receipt, return or invoice work on the estimates.
   * @returns the purposes of an invoice; undefined where the movement is valued like any other
   */
  readonly take: (
    movement: ArrivedMovement,
    stockQuantity: Decimal,
    origins: readonly ArrivedMovement[],
  ) => readonly Estimated[] | undefined;
  /** What the turn of the month does to the estimates of receipts: reversals and renewed estimates. */
  readonly turnMonth: (receipts: readonly ArrivedMovement[], turn: MonthTurn) => readonly Estimated[];
  readonly changed: () => readonly EstimateRow[];
}

export interface MonthTurn {
  /** Estimates of earlier periods are reversed on the first day after theirs. */
  readonly started: Period;
  /** Open parts are estimated again at the end of this period; undefined while it lasts. */
  readonly ended: Period | undefined;
}

// The state is our own JSON, written by this file; the schema only guards the column against foreign hands.
const StoredState = z.custom<EstimateState>(
  (value) =>
    z.looseObject({ receipt: z.string(), openQuantity: z.string(), stage: z.string() }).safeParse(value).success,
);

export const estimateBook = (style: EstimateStyle, rows: readonly EstimateRow[]): EstimateBook => {
  const known = new Map(rows.map((row) => [row.movementId, row]));
  const changes = new Map<string, EstimateRow>();

  const store = (row: Omit<EstimateRow, "closed">, state: EstimateState): void => {
    const next: EstimateRow = { ...row, state, closed: state.stage === "closed" };
    known.set(row.movementId, next);
    changes.set(row.movementId, next);
  };

  /** Open parts of that document and item, the ones with room for the quantity first. */
  const findOpen = (document: string, item: string, quantity: Decimal): EstimateRow | undefined => {
    const open = [...known.values()].filter(
      (row) => row.documentNumber === document && row.item === item && !row.closed,
    );
    return open.find((row) => compare(StoredState.parse(row.state).openQuantity, quantity) >= 0) ?? open[0];
  };

  const open = (movement: ArrivedMovement, stockQuantity: Decimal): void => {
    if (movement.amount === undefined || movement.cancelled) return;
    const { state } = openEstimate(style, {
      id: movement.movementId,
      date: movement.happenedOn,
      quantity: stockQuantity,
      value: movement.amount,
    });
    store(
      { movementId: movement.movementId, documentNumber: movement.documentNumber, item: movement.item, state },
      state,
    );
  };

  const giveBack = (movement: ArrivedMovement, stockQuantity: Decimal): void => {
    const row = findOpen(movement.originDocument, movement.item, stockQuantity);
    if (row === undefined) return;
    const result = advanceEstimate(StoredState.parse(row.state), {
      kind: "return",
      id: movement.movementId,
      date: movement.happenedOn,
      quantity: stockQuantity,
    });
    // The return has a voucher of its own at its own price; here it only takes its part out of what is open.
    if (result.ok) store(row, result.state);
  };

  const invoice = (
    movement: ArrivedMovement,
    stockQuantity: Decimal,
    origins: readonly ArrivedMovement[],
  ): readonly Estimated[] => {
    if (movement.originDocument === "") return [{ ...movement, purpose: "invoice", value: movement.amount }];
    const row = findOpen(movement.originDocument, movement.item, stockQuantity);
    const missing = { problem: "ORIGIN_MISSING" as const, subject: `document/${movement.originDocument}` };
    if (row === undefined) return [missing];
    const result = advanceEstimate(StoredState.parse(row.state), {
      kind: "invoice",
      id: movement.movementId,
      date: movement.happenedOn,
      quantity: stockQuantity,
      net: movement.amount ?? ZERO,
      tax: movement.taxAmount ?? ZERO,
    });
    if (!result.ok) return [missing];
    store(row, result.state);
    const receipt = origins.find(({ movementId }) => movementId === row.movementId);
    return result.events.map((event) => valuedAs(movement, event, receipt));
  };

  return {
    copy: () => estimateBook(style, [...known.values()]),
    changed: () => [...changes.values()],
    take: (movement, stockQuantity, origins) => {
      if (movement.kind === "purchase-invoice")
        return movement.cancelled ? [] : invoice(movement, stockQuantity, origins);
      if (movement.kind === "purchase-return" && !movement.invoiced) giveBack(movement, stockQuantity);
      const estimated = movement.kind === "purchase-receipt" && !movement.invoiced && movement.originDocument === "";
      if (estimated) open(movement, stockQuantity);
      return undefined;
    },
    turnMonth: (receipts, turn) =>
      receipts.flatMap((receipt) => {
        const row = known.get(receipt.movementId);
        if (row === undefined || row.closed) return [];
        const started = advanceEstimate(StoredState.parse(row.state), { kind: "month-start", period: turn.started });
        const first = started.ok ? started : { state: StoredState.parse(row.state), events: [] };
        const ended =
          turn.ended === undefined
            ? undefined
            : advanceEstimate(first.state, { kind: "month-end", period: turn.ended });
        const last = ended?.ok === true ? ended : { state: first.state, events: [] };
        const events = [...first.events, ...last.events];
        if (events.length > 0) store(row, last.state);
        return events.map((event) => ({
          ...valuedAs(receipt, event, undefined),
          happenedOn: event.date,
          occurrence: String(event.estimate),
        }));
      }),
  };
};

/** An event of the life cycle as the rules see it; goods of the invoice are where the receipt put them. */
const valuedAs = (
  movement: ArrivedMovement,
  event: EstimateEvent,
  receipt: ArrivedMovement | undefined,
): ValuedMovement => ({
  ...movement,
  ...(receipt === undefined ? {} : { warehouse: receipt.warehouse, batch: receipt.batch }),
  purpose: event.purpose,
  value: event.value,
  ...(event.net === undefined ? {} : { net: event.net }),
  ...(event.tax === undefined ? {} : { tax: event.tax }),
});
