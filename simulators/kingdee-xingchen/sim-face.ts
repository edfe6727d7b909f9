/** The simulator's own face under `/_sim/`: the books as they are, faults, counted requests, the clock. */

import { type FaultPlan, parseFaultFile } from "../shared/faults.ts";
import type { Answer, Exchange } from "../shared/http.ts";
import { parseJson } from "../shared/json.ts";
import type { LateWork } from "../shared/misbehave.ts";
import type { RequestLog } from "../shared/request-log.ts";
import type { AccountSet } from "./account-set.ts";
import { plainBill, plainVoucher } from "./keeping.ts";
import { addPeriods, type Voucher } from "./model.ts";
import { textIn } from "./parameters.ts";
import { formatDecimal } from "../shared/decimal.ts";
import type { World } from "./world.ts";

export type SimParts = {
  world: World;
  faults: FaultPlan;
  requests: RequestLog;
  clock: { offsetMs: number };
  late: LateWork;
};

/** The dump is sent in pieces of about this many characters. */
const DUMP_PIECE_LENGTH = 64 * 1024;

export async function answerSim(name: string, exchange: Exchange, parts: SimParts): Promise<void> {
  const { world, faults, requests, clock } = parts;
  switch (name) {
    case "books":
      return exchange.replyStream("application/json; charset=utf-8", dump(parts));
    case "requests":
      return exchange.reply(json(requests.report()));
    case "faults":
      if (exchange.method === "POST") return exchange.reply(setFaults(exchange, faults));
      return exchange.reply(json({ hits: faults.hits(), faults: faults.standing() }));
    case "clock": {
      if (exchange.method === "POST") {
        const offset = Number(textIn(parseJson(exchange.text), "offsetMs") || "0");
        clock.offsetMs = Number.isFinite(offset) ? offset : 0;
      }
      const nowMs = world.now();
      return exchange.reply(json({ nowMs, now: new Date(nowMs).toISOString(), offsetMs: clock.offsetMs }));
    }
    default:
      return exchange.reply({ status: 404, contentType: "text/plain; charset=utf-8", body: "not found" });
  }
}

export function setFaults(exchange: Exchange, faults: FaultPlan): Answer {
  try {
    faults.replace(parseFaultFile(exchange.text));
    return json({ ok: true, faults: faults.standing() });
  } catch (error) {
    return { ...json({ ok: false, message: error instanceof Error ? error.message : String(error) }), status: 400 };
  }
}

function json(value: object): Answer {
  return { status: 200, body: JSON.stringify(value) };
}

/** A voucher of any account set, as one list of all of them shows it. */
export function dumpVoucher(voucher: Voucher, set: AccountSet) {
  // 云星辰 has no 作废: `invalid` is there so that the dumps of all simulators can be read alike.
  return {
    book: set.book.number,
    invalid: false,
    voucherNumber: set.ledger.caption(voucher),
    ...plainVoucher(voucher),
  };
}

/** The whole of the books, piece by piece: what anyone can recount. */
function* dump({ world, late }: SimParts): Generator<string> {
  const sets = world.sets();
  const head = {
    vendor: "kingdee-xingchen",
    sequence: world.sequence.value,
    pendingCommits: late.pending,
    books: sets.map(({ book }) => ({ ...book, currentPeriod: addPeriods(book.closedThrough, 1) })),
  };
  yield JSON.stringify(head).slice(0, -1);
  yield* list(
    "vouchers",
    each(sets, (set) => set.ledger.vouchers.values(), dumpVoucher),
  );
  yield* list(
    "deleted",
    each(
      sets,
      (set) => set.ledger.deleted,
      (deleted, set) => ({ ...deleted, voucher: dumpVoucher(deleted.voucher, set) }),
    ),
  );
  yield* list(
    "bills",
    each(
      sets,
      (set) => set.stock.bills.values(),
      (bill, set) => ({ book: set.book.number, ...plainBill(bill) }),
    ),
  );
  yield* list(
    "deletedBills",
    each(
      sets,
      (set) => set.stock.deleted,
      (deleted, set) => ({ ...deleted, bill: { book: set.book.number, ...plainBill(deleted.bill) } }),
    ),
  );
  yield* list(
    "stock",
    each(
      sets,
      (set) => set.stock.onHand(),
      (held, set) => ({
        book: set.book.number,
        ...held,
        quantity: formatDecimal(held.quantity),
        cost: formatDecimal(held.cost, 2),
      }),
    ),
  );
  yield "}\n";
}

function* each<Item>(
  sets: readonly AccountSet[],
  items: (set: AccountSet) => Iterable<Item>,
  plain: (item: Item, set: AccountSet) => object,
): Generator<object> {
  for (const set of sets) for (const item of items(set)) yield plain(item, set);
}

function* list(name: string, items: Iterable<object>): Generator<string> {
  let piece = `,"${name}":[`;
  let separator = "";
  for (const item of items) {
    piece += `${separator}${JSON.stringify(item)}`;
    separator = ",\n";
    if (piece.length < DUMP_PIECE_LENGTH) continue;
    yield piece;
    piece = "";
  }
  yield `${piece}]`;
}
