import { z } from "zod";
import type { EstimateChange, EstimateRow } from "../db/estimate-store.ts";
import type { ArrivedMovement } from "../db/movement-log.ts";
import type { Period } from "../domain/dates.ts";
import { type Decimal, ZERO, compare, divide, equal, multiply, subtract, toFixed } from "../domain/decimal.ts";
import type { ErrorCode } from "../domain/errors.ts";
import {
  type EstimateEvent,
  type EstimateState,
  type EstimateStyle,
  type Part,
  type Taken,
  advanceEstimate,
  dropEstimate,
  giveBack,
  openEstimate,
  receivedQuantity,
  reopenEstimate,
} from "../domain/estimate.ts";
import type { ValuedMovement } from "../mappings/draft-types.ts";
import { closestOf } from "./draft-origins.ts";

/** A movement with its amounts for one purpose. */
export type Drawable = ValuedMovement & {
  /** What sets it apart where the purpose may repeat for one movement. */
  readonly occurrence?: string;
  /** In stock units, where it is not simply what was moved. */
  readonly linkQuantity?: Decimal;
};

/** What the estimates have to do with a movement; most movements have nothing to do with them. */
export type EstimateEffect =
  | { readonly kind: "problem"; readonly code: ErrorCode; readonly subject: string }
  /** A receipt drawn anew: what its voucher books, and what its goods are worth. */
  | { readonly kind: "reopened"; readonly booked: Part; readonly worth: Decimal }
  /** A return of goods whose invoice has not come: its part of the estimate. */
  | { readonly kind: "returned"; readonly receiptId: string; readonly part: Taken }
  /** An invoice: everything it books, and what it adds to the value of its receipt. */
  | {
      readonly kind: "invoiced";
      readonly receiptId: string | undefined;
      readonly worth: Decimal | undefined;
      readonly drawables: readonly Drawable[];
    };

/** The estimates that one page of movements touches; what it changes is written with the page, or not at all. */
export interface EstimateBook {
  /** A book of its own for one attempt at the page. */
  readonly copy: () => EstimateBook;
  /** What arrives again, changed or taken back, first gives back what it took of a receipt, if it took anything. */
  readonly giveBack: (movementId: string, receiptId: string) => void;
  /**
   * Lets a receipt, return or invoice work on the estimates, and a movement that has ceased to be a receipt.
   * @param origins  movements of the document it refers to
   * @returns undefined where the movement is valued like any other
   */
  readonly take: (
    movement: ArrivedMovement,
    stockQuantity: Decimal,
    origins: readonly ArrivedMovement[],
  ) => EstimateEffect | undefined;
  /** What the turn of the month does to the estimates of receipts: reversals and renewed estimates. */
  readonly turnMonth: (receipts: readonly ArrivedMovement[], turn: MonthTurn) => readonly Drawable[];
  readonly changed: () => EstimateChange;
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
const stateOf = (row: EstimateRow): EstimateState => StoredState.parse(row.state);

export const estimateBook = (style: EstimateStyle, rows: readonly EstimateRow[]): EstimateBook => {
  const known = new Map(rows.map((row) => [row.movementId, row]));
  const stored = new Set(known.keys());
  const inDocument = new Map<string, Set<string>>();
  const file = ({ documentNumber, movementId }: Pick<EstimateRow, "documentNumber" | "movementId">): void => {
    const same = inDocument.get(documentNumber);
    if (same === undefined) inDocument.set(documentNumber, new Set([movementId]));
    else same.add(movementId);
  };
  for (const row of rows) file(row);
  const changes = new Map<string, EstimateRow>();

  const store = (row: Omit<EstimateRow, "closed" | "state">, state: EstimateState): void => {
    const { movementId, documentNumber, item } = row;
    const next: EstimateRow = { movementId, documentNumber, item, state, closed: state.stage === "closed" };
    known.set(movementId, next);
    file(next);
    changes.set(movementId, next);
  };

  /** The line it means, of those with room for the quantity; undefined where none has. */
  const findRoom = (
    movement: ArrivedMovement,
    quantity: Decimal,
    origins: readonly ArrivedMovement[],
  ): EstimateRow | undefined => {
    const roomy = [...(inDocument.get(movement.originDocument) ?? [])]
      .flatMap((movementId) => known.get(movementId) ?? [])
      .filter(
        (row) =>
          row.documentNumber === movement.originDocument &&
          row.item === movement.item &&
          !row.closed &&
          compare(stateOf(row).openQuantity, quantity) >= 0,
      );
    const receiptId = closestOf(
      movement,
      origins.filter(({ movementId }) => roomy.some((row) => row.movementId === movementId)),
    )?.movementId;
    return roomy.find((row) => row.movementId === receiptId) ?? roomy[0];
  };

  const open = (movement: ArrivedMovement, stockQuantity: Decimal): EstimateEffect | undefined => {
    const { movementId, documentNumber, item, amount } = movement;
    const before = known.get(movementId);
    const isEstimate =
      movement.kind === "purchase-receipt" &&
      !movement.invoiced &&
      movement.originDocument === "" &&
      !movement.cancelled &&
      amount !== undefined;
    if (before === undefined) {
      if (!isEstimate) return undefined;
      const receipt = { id: movementId, date: movement.happenedOn, quantity: stockQuantity, value: amount };
      store({ movementId, documentNumber, item }, openEstimate(style, receipt).state);
      return undefined;
    }
    const state = stateOf(before);
    const inUse = {
      kind: "problem" as const,
      code: "ORIGIN_MISSING" as const,
      subject: `document/${documentNumber}`,
    };
    // What refers to it refers to goods of that item.
    if (!isEstimate || before.item !== item) {
      const dropped = dropEstimate(state);
      if (dropped === undefined) return inUse;
      store(before, dropped);
      if (!isEstimate) return undefined;
    }
    const receipt = { id: movementId, date: movement.happenedOn, quantity: stockQuantity, value: amount ?? ZERO };
    const reopened = reopenEstimate(state, style, receipt);
    if (!reopened.ok) return inUse;
    store({ movementId, documentNumber, item }, reopened.state);
    const [booked] = reopened.events;
    if (state.taken === undefined || booked === undefined) return undefined;
    return { kind: "reopened", booked, worth: reopened.worth };
  };

  const missing = ({ originDocument }: ArrivedMovement): EstimateEffect => ({
    kind: "problem",
    code: "ORIGIN_MISSING",
    subject: `document/${originDocument}`,
  });

  const sendBack = (
    movement: ArrivedMovement,
    stockQuantity: Decimal,
    origins: readonly ArrivedMovement[],
  ): EstimateEffect | undefined => {
    const row = findRoom(movement, stockQuantity, origins);
    if (row === undefined) return missing(movement);
    const { movementId: id, happenedOn: date } = movement;
    const result = advanceEstimate(stateOf(row), { kind: "return", id, date, quantity: stockQuantity });
    const part = result.ok ? result.state.taken?.[id] : undefined;
    if (!result.ok || part === undefined) return missing(movement);
    store(row, result.state);
    return { kind: "returned", receiptId: row.movementId, part };
  };

  const invoice = (
    movement: ArrivedMovement,
    stockQuantity: Decimal,
    origins: readonly ArrivedMovement[],
  ): EstimateEffect => {
    const { movementId: id, amount = ZERO, taxAmount } = movement;
    if (movement.originDocument === "") {
      const drawables = [{ movement, purpose: "invoice" as const, value: movement.amount }];
      return { kind: "invoiced", receiptId: undefined, worth: undefined, drawables };
    }
    const row = findRoom(movement, stockQuantity, origins);
    if (row === undefined) return missing(movement);
    const result = advanceEstimate(stateOf(row), {
      kind: "invoice",
      id,
      date: movement.happenedOn,
      quantity: stockQuantity,
      net: amount,
      tax: taxAmount ?? ZERO,
    });
    const part = result.ok ? result.state.taken?.[id] : undefined;
    if (!result.ok || part === undefined) return missing(movement);
    store(row, result.state);
    const receipt = origins.find(({ movementId }) => movementId === row.movementId);
    return {
      kind: "invoiced",
      receiptId: row.movementId,
      worth: subtract(toFixed(amount, result.state.places), part.value),
      drawables: result.events.map((event) => drawableOf(movement, stockQuantity, event, receipt)),
    };
  };

  return {
    copy: () => estimateBook(style, [...known.values()]),
    changed: () => {
      const all = [...changes.values()];
      return {
        added: all.filter(({ movementId }) => !stored.has(movementId)),
        changed: all.filter(({ movementId }) => stored.has(movementId)),
      };
    },
    giveBack: (movementId, receiptId) => {
      const row = known.get(receiptId);
      if (row === undefined) return;
      const state = stateOf(row);
      const given = giveBack(state, movementId);
      if (given !== state) store(row, given);
    },
    take: (movement, stockQuantity, origins) => {
      const effect = open(movement, stockQuantity);
      if (effect !== undefined || movement.cancelled) return effect;
      if (movement.kind === "purchase-invoice") return invoice(movement, stockQuantity, origins);
      if (movement.kind === "purchase-return" && !movement.invoiced && movement.originDocument !== "")
        return sendBack(movement, stockQuantity, origins);
      return undefined;
    },
    turnMonth: (receipts, turn) =>
      receipts.flatMap((receipt) => {
        const row = known.get(receipt.movementId);
        if (row === undefined || row.closed) return [];
        const started = advanceEstimate(stateOf(row), { kind: "month-start", period: turn.started });
        const first = started.ok ? started : { state: stateOf(row), events: [] };
        const ended =
          turn.ended === undefined
            ? undefined
            : advanceEstimate(first.state, { kind: "month-end", period: turn.ended });
        const last = ended?.ok === true ? ended : { state: first.state, events: [] };
        const received = receivedQuantity(last.state);
        const events = [...first.events, ...last.events];
        if (events.length > 0) store(row, last.state);
        return events.map((event) => ({
          ...drawableOf({ ...receipt, happenedOn: event.date }, received, event, undefined),
          occurrence: String(event.turn ?? event.estimate),
          linkQuantity: event.quantity,
        }));
      }),
  };
};

/** An event of the life cycle as the rules see it; goods of the invoice are where the receipt put them. */
const drawableOf = (
  movement: ArrivedMovement,
  stockQuantity: Decimal,
  event: EstimateEvent,
  receipt: ArrivedMovement | undefined,
): ValuedMovement => {
  const part = inPart(movement, event.quantity, stockQuantity);
  return {
    movement: receipt === undefined ? part : { ...part, warehouse: receipt.warehouse, batch: receipt.batch },
    purpose: event.purpose,
    value: event.value,
    net: event.net,
    tax: event.tax,
  };
};

const QUANTITY_PLACES = 12;

/** The movement with only a part of its quantity, in its own unit. */
export const inPart = (movement: ArrivedMovement, part: Decimal, whole: Decimal): ArrivedMovement =>
  equal(part, whole)
    ? movement
    : { ...movement, quantity: divide(multiply(movement.quantity, part), whole, QUANTITY_PLACES) };
