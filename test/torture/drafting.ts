import pg from "pg";
import { type Database, inTransaction } from "../../db/database.ts";
import { type DraftLine, type NewPosting, insertPostings } from "../../db/voucher-store.ts";
import { decimal } from "../../domain/decimal.ts";
import { postingKeyOf } from "../../domain/posting-key.ts";
import type { Stage } from "../../domain/posting.ts";
import type { Random } from "../../simulators/shared/prng.ts";

/** One receipt of the warehouse: one movement, worth so much. */
export interface TortureDocument {
  readonly number: string;
  readonly movementId: string;
  readonly amount: string;
}

export interface DraftTarget {
  readonly company: string;
  readonly ledger: string;
  readonly book: string;
  readonly targetStage: Stage;
}

export interface DraftedRun {
  readonly documents: readonly TortureDocument[];
  readonly keys: readonly string[];
  /** How often the database refused the slower of two drafters. */
  readonly conflicts: number;
}

/** Documents come in pairs: one drafter makes a voucher of each, another one puts some pairs into one voucher. */
const PAIRS = 13;
/** So many pairs at most are drafted the other way as well, which leaves at least 22 keys. */
const GROUPED_PAIRS_MAX = 4;
const DATE = "2025-01-15";
/** The constraints that make it one posting per key and one voucher per movement. */
const CONSTRAINTS = new Set(["posting_keys_pkey", "posting_keys_short_unique", "one_movement_one_voucher"]);
const UNIQUE_VIOLATION = "23505";

/** Two drafters at once draft the same documents; of each pair the database takes one version and refuses the other. */
export async function draftRun(database: Database, random: Random, target: DraftTarget): Promise<DraftedRun> {
  const ids = await database.pool.query<{ id: string }>(
    "SELECT zs_next_id()::text AS id FROM generate_series(1, $1::int)",
    [PAIRS * 2],
  );
  const documents = ids.rows.map(({ id }, index) => ({
    number: `${target.ledger}-${String(index + 1).padStart(3, "0")}`,
    movementId: id,
    amount: drawAmount(random),
  }));
  let conflicts = 0;
  const draw = async (postings: readonly NewPosting[]): Promise<void> => {
    try {
      await inTransaction(database, (client) => insertPostings(client, postings));
    } catch (error) {
      if (!isConflict(error)) throw error;
      conflicts += 1;
    }
  };
  for (let pair = 0; pair < PAIRS; pair += 1) {
    const both = documents.slice(pair * 2, pair * 2 + 2);
    const each = both.map((document) => draftOf([document], document.number, target));
    const other = pair < GROUPED_PAIRS_MAX ? [draftOf(both, `group:${pair}`, target)] : each;
    await Promise.all(random.below(2) === 0 ? [draw(each), draw(other)] : [draw(other), draw(each)]);
  }
  const keys = await database.pool.query<{ posting_key: string }>(
    "SELECT posting_key FROM postings WHERE ledger = $1 ORDER BY posting_id",
    [target.ledger],
  );
  return { documents, keys: keys.rows.map((row) => row.posting_key), conflicts };
}

export const drawAmount = (random: Random): string => `${1 + random.below(90_000)}.${String(random.below(90) + 10)}`;

/** Without these nothing keeps two drafters from posting the same movement twice: for a throw-away database only. */
export async function dropConstraints(database: Database): Promise<void> {
  await database.pool.query(`
    ALTER TABLE posting_keys DROP CONSTRAINT posting_keys_pkey;
    ALTER TABLE posting_keys DROP CONSTRAINT posting_keys_short_unique;
    ALTER TABLE posting_movements DROP CONSTRAINT one_movement_one_voucher;
  `);
}

function isConflict(error: unknown): boolean {
  if (!(error instanceof pg.DatabaseError) || error.code !== UNIQUE_VIOLATION) return false;
  // A partition names the constraint after itself.
  return (
    error.constraint !== undefined &&
    (CONSTRAINTS.has(error.constraint) || error.table?.startsWith("posting_movements") === true)
  );
}

/** The voucher of some documents: goods in against estimated payables, two lines each, every line naming its document. */
export function draftOf(documents: readonly TortureDocument[], recordId: string, target: DraftTarget): NewPosting {
  const parts = {
    company: target.company,
    source: "torture",
    form: "receipt",
    recordId,
    ledger: target.ledger,
    purpose: "stock" as const,
    part: 1,
    generation: 1,
  };
  const lines = documents.flatMap((document, index) => linesOf(document, index * 2));
  return {
    ...parts,
    key: postingKeyOf(parts),
    book: target.book,
    groupName: recordId,
    state: "drafted",
    targetStage: target.targetStage,
    word: "记",
    accountedOn: DATE,
    late: false,
    attachments: documents.length,
    currency: "CNY",
    documents: documents.map(({ number }) => number),
    summary: recordId,
    ruleName: "torture",
    ruleVersion: 1,
    errorCode: undefined,
    reverses: undefined,
    lines,
    movements: documents.map(({ movementId, amount }) => ({
      movementId,
      revision: 1,
      occurrence: "",
      quantity: "10",
      value: amount,
    })),
  };
}

function linesOf(document: TortureDocument, before: number): readonly DraftLine[] {
  const shared = { amount: decimal(document.amount), summary: document.number, movementIds: [document.movementId] };
  return [
    {
      ...shared,
      lineNumber: before + 1,
      side: "debit",
      role: "inventory",
      account: "1405",
      why: "goods came in",
      quantity: decimal("10"),
      unit: "Pcs",
      dimensions: { item: "M-001" },
    },
    {
      ...shared,
      lineNumber: before + 2,
      side: "credit",
      role: "accrued-payables",
      account: "2202.02",
      why: "no invoice yet",
      dimensions: { supplier: "VEN001" },
    },
  ];
}
