/** The whole of the books, piece by piece: what is counted after a run, and what anyone can recount. */

import { formatDecimal } from "../shared/decimal.ts";
import { plainDeletedDocument, plainDocument, shownVoucher } from "./kept.ts";
import { addPeriods } from "./model.ts";
import type { World } from "./world.ts";

/** The dump is sent in pieces of about this many characters. */
const PIECE_LENGTH = 64 * 1024;

export function* dump(world: World, pendingCommits: number): Generator<string> {
  const { ledger, stock } = world;
  const books = [...world.books.values()].map(({ state }) => ({
    ...state,
    currentPeriod: addPeriods(state.closedThrough, 1),
    stock: stock.balances(state.number).map((balance) => ({ ...balance, quantity: formatDecimal(balance.quantity) })),
  }));
  const head = { vendor: "yonyou-u8", sequence: world.sequence, pendingCommits, books };
  yield `${JSON.stringify(head).slice(0, -1)},"vouchers":[`;
  yield* pieces(ledger.vouchers.values(), shownVoucher);
  yield `],"deleted":[`;
  yield* pieces(ledger.deleted, (deleted) => ({ ...deleted, voucher: shownVoucher(deleted.voucher) }));
  yield `],"documents":[`;
  yield* pieces(stock.documents.values(), plainDocument);
  yield `],"deletedDocuments":[`;
  yield* pieces(stock.deleted, plainDeletedDocument);
  yield `]}\n`;
}

function* pieces<Item>(items: Iterable<Item>, show: (item: Item) => object): Generator<string> {
  let piece = "";
  let separator = "";
  for (const item of items) {
    piece += `${separator}${JSON.stringify(show(item))}`;
    separator = ",\n";
    if (piece.length < PIECE_LENGTH) continue;
    yield piece;
    piece = "";
  }
  yield piece;
}
