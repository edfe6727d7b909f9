/** `/_sim/books`: the whole of the books, piece by piece, as exact text: what a torture run counts, and anyone can recount. */

import { COUNTINGS, POSTINGS } from "./counting.ts";
import { DOCUMENT_KINDS } from "./document-kinds.ts";
import { JOURNAL, REVERSALS } from "./ledger.ts";
import { decimal, type Entry } from "./model.ts";
import { DELETED } from "./operations.ts";
import { periods } from "./periods.ts";
import { MOVEMENTS, warehouseStock } from "./stock.ts";
import { USER_TABLES } from "./user-objects.ts";
import type { World } from "./world.ts";

/** The dump is sent in pieces of about this many characters. */
const PIECE_LENGTH = 64 * 1024;
const OTHERS = ["StockTransfers", COUNTINGS, POSTINGS, "MaterialRevaluation", "Drafts", "JournalVouchers"];

export function* dumpBooks(world: World, pendingCommits: number): Generator<string> {
  const { store } = world;
  const head = {
    vendor: "sap-b1",
    companyDb: world.credentials.companyDb,
    sequence: store.sequence,
    pendingCommits,
    periods: periods(world),
    reversals: [...store.rows(REVERSALS)].map(([, { row }]) => row),
    stock: [...warehouseStock(world)].map(({ quantity, value, ...rest }) => ({
      ...rest,
      quantity: decimal(quantity),
      value: decimal(value),
    })),
  };
  yield `${JSON.stringify(head).slice(0, -1)},"vouchers":[`;
  yield* pieces(world, JOURNAL);
  yield `],"documents":{`;
  let separator = "";
  for (const set of [...DOCUMENT_KINDS.keys(), ...OTHERS]) {
    yield `${separator}${JSON.stringify(set)}:[`;
    yield* pieces(world, set);
    yield "]";
    separator = ",";
  }
  yield `},"userTables":{`;
  separator = "";
  for (const [table] of store.rows(USER_TABLES)) {
    yield `${separator}${JSON.stringify(table)}:[`;
    yield* pieces(world, `U_${table}`);
    yield "]";
    separator = ",";
  }
  yield `},"movements":[`;
  yield* pieces(world, MOVEMENTS);
  yield `],"deleted":[`;
  yield* pieces(world, DELETED);
  yield "]}\n";
}

function* pieces(world: World, table: string): Generator<string> {
  let piece = "";
  let separator = "";
  for (const [, entry] of world.store.rows(table)) {
    piece += separator + JSON.stringify(plain(entry));
    separator = ",\n";
    if (piece.length < PIECE_LENGTH) continue;
    yield piece;
    piece = "";
  }
  yield piece;
}

const plain = ({ row, meta }: Entry): object => ({ ...row, _meta: meta });
