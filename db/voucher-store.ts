import { createHash } from "node:crypto";
import type pg from "pg";
import type { ErrorCode } from "../domain/errors.ts";
import { scaled, textOf } from "../domain/fixed-point.ts";
import type { PostingKey } from "../domain/posting-key.ts";
import type { PostingState, Purpose, Stage } from "../domain/posting.ts";
import type { VoucherLine } from "../domain/voucher.ts";
import { CopyRows } from "./copy-rows.ts";

/*
 * Vouchers as drafting puts them in, draws them anew and takes them back. Their way to the ERP is posting-store.ts.
 */

/** A voucher line with the movements behind it. */
export interface DraftLine extends VoucherLine {
  readonly movementIds: readonly string[];
}

/** The link between a posting and one movement; the database allows it once per ledger, purpose, generation and occurrence. */
export interface DraftMovement {
  readonly movementId: string;
  readonly revision: number;
  /** "" except for purposes that may repeat for one movement. */
  readonly occurrence: string;
  readonly quantity: string;
  readonly value: string;
  /** What it was drawn from where that is not simply the movement at its value; a redraw begins with it. JSON. */
  readonly basis?: object | undefined;
}

/** A posting as drafting makes it. */
export interface NewPosting {
  readonly key: PostingKey;
  readonly company: string;
  readonly ledger: string;
  readonly book: string;
  readonly source: string;
  readonly form: string;
  readonly recordId: string;
  readonly purpose: Purpose;
  readonly part: number;
  readonly generation: number;
  /** Documents of one group share a voucher; unsealed groups take in later movements. */
  readonly groupName: string;
  readonly state: PostingState;
  readonly targetStage: Stage;
  readonly word: string;
  readonly accountedOn: string;
  readonly late: boolean;
  readonly attachments: number;
  readonly currency: string;
  readonly documents: readonly string[];
  readonly summary: string;
  readonly ruleName: string;
  readonly ruleVersion: number;
  readonly errorCode: ErrorCode | undefined;
  readonly reverses: string | undefined;
  readonly lines: readonly DraftLine[];
  readonly movements: readonly DraftMovement[];
}

const SUMMARY_MAX = 2_000;
const clip = (text: string): string => text.slice(0, SUMMARY_MAX);

/** Ids for postings to come. Ids that are not used leave a gap, which means nothing. */
export const reservePostingIds = async (client: pg.ClientBase, count: number): Promise<readonly string[]> => {
  if (count === 0) return [];
  const { rows } = await client.query<{ id: string }>(
    "SELECT zs_next_id()::text AS id FROM generate_series(1, $1::int)",
    [count],
  );
  return rows.map(({ id }) => id);
};

/** Postings as COPY takes them. */
export class NewPostings {
  readonly #keys = new CopyRows();
  readonly #postings = new CopyRows();
  readonly #lines = new CopyRows();
  readonly #links = new CopyRows();

  add(postingId: string, draft: NewPosting): void {
    const content = putLines(this.#lines, postingId, draft);
    this.#keys.text(draft.key).text(postingId).text(draft.ledger).text(draft.key).endRow();
    putPosting(this.#postings, postingId, draft, content);
    putLinks(this.#links, postingId, draft);
  }

  /** Inserts them with their keys, lines and links; needs a transaction of the caller. */
  async insert(client: pg.ClientBase): Promise<void> {
    await this.#keys.copyInto(client, "posting_keys", KEY_COLUMNS);
    await this.#postings.copyInto(client, "postings", POSTING_COLUMNS);
    // One COPY for all lines of a voucher: the balance is checked when the statement ends.
    await this.#lines.copyInto(client, "voucher_lines", LINE_COLUMNS);
    await this.#links.copyInto(client, "posting_movements", LINK_COLUMNS);
  }
}

/** Inserts postings with their keys, lines and links in one go; needs a transaction of the caller. */
export const insertPostings = async (
  client: pg.ClientBase,
  drafts: readonly NewPosting[],
): Promise<readonly string[]> => {
  const ids = await reservePostingIds(client, drafts.length);
  const postings = new NewPostings();
  for (const [index, draft] of drafts.entries()) postings.add(ids[index] ?? "", draft);
  await postings.insert(client);
  return ids;
};

/** What is made of a voucher's lines once: their sum, and a digest of everything that is sent. */
interface Content {
  readonly total: string;
  readonly fingerprint: string;
}

const MONEY_PLACES = 2;

const putLines = (rows: CopyRows, postingId: string, draft: NewPosting): Content => {
  const start = rows.position;
  let total = 0n;
  for (const line of draft.lines) {
    if (line.side === "debit") total += scaled(line.amount, MONEY_PLACES);
    rows.text(postingId).integer(line.lineNumber).text(line.side).text(line.role).text(line.account).text(line.amount);
    rows.optional(line.quantity).optional(line.unit).optional(line.unitPrice).optional(line.dimensions.item);
    rows.text(JSON.stringify(line.dimensions)).text(line.summary).text(line.why);
    rows.text(idArray(line.movementIds)).endRow();
  }
  const head = `${draft.word}\t${draft.accountedOn}\t${textArray(draft.documents)}\n`;
  const digest = createHash("sha256").update(head).update(rows.since(start));
  return { total: textOf(total, MONEY_PLACES), fingerprint: digest.digest("hex") };
};

const KEY_COLUMNS = ["posting_key", "posting_id", "ledger", "short_key"];

const POSTING_COLUMNS = [
  "posting_id",
  "posting_key",
  "company",
  "ledger",
  "book",
  "source",
  "form",
  "record_id",
  "purpose",
  "part",
  "generation",
  "group_name",
  "state",
  "target_stage",
  "word",
  "accounted_on",
  "period",
  "late",
  "attachments",
  "currency",
  "documents",
  "summary",
  "rule_name",
  "rule_version",
  "debit_total",
  "credit_total",
  "fingerprint",
  "error_code",
  "reverses",
];
const putPosting = (rows: CopyRows, postingId: string, draft: NewPosting, { total, fingerprint }: Content): void => {
  rows.text(postingId).text(draft.key).text(draft.company).text(draft.ledger).text(draft.book);
  rows.text(draft.source).text(draft.form).text(draft.recordId).text(draft.purpose);
  rows.integer(draft.part).integer(draft.generation).text(draft.groupName).text(draft.state).text(draft.targetStage);
  rows.text(draft.word).text(draft.accountedOn).text(draft.accountedOn.slice(0, PERIOD_LENGTH)).flag(draft.late);
  rows.integer(draft.attachments).text(draft.currency).text(textArray(draft.documents)).text(clip(draft.summary));
  rows.text(draft.ruleName).integer(draft.ruleVersion).text(total).text(total).text(fingerprint);
  rows.optional(draft.errorCode).optional(draft.reverses).endRow();
};
/** The month in front of a date: "2025-01". */
const PERIOD_LENGTH = 7;

/** A text[] as PostgreSQL writes it. */
const textArray = (values: readonly string[]): string =>
  `{${values.map((value) => `"${value.replace(/["\\]/g, "\\$&")}"`).join(",")}}`;
const idArray = (ids: readonly string[]): string => (ids.length === 1 ? `{${ids[0]}}` : `{${ids.join(",")}}`);

const LINE_COLUMNS = [
  "posting_id",
  "line_number",
  "side",
  "role",
  "account",
  "amount",
  "quantity",
  "unit",
  "unit_price",
  "item",
  "dimensions",
  "summary",
  "why",
  "movement_ids",
];

const LINK_COLUMNS = [
  "movement_id",
  "revision",
  "ledger",
  "purpose",
  "generation",
  "occurrence",
  "posting_id",
  "quantity",
  "value",
  "basis",
];
const putLinks = (rows: CopyRows, postingId: string, draft: NewPosting): void => {
  for (const { movementId, revision, occurrence, quantity, value, basis } of draft.movements) {
    rows.text(movementId).integer(revision).text(draft.ledger).text(draft.purpose).integer(draft.generation);
    rows.text(occurrence).text(postingId).text(quantity).text(value);
    rows.optional(basis === undefined ? undefined : JSON.stringify(basis)).endRow();
  }
};

/**
 * Redraws a posting of which nothing is in the ERP (never sent, refused, or proven absent) under its own key. It is drafted
 * again, and approved again where that is asked for. The database refuses it in any other state.
 */
export const redrawPosting = async (client: pg.ClientBase, postingId: string, draft: NewPosting): Promise<void> => {
  await client.query("DELETE FROM posting_movements WHERE posting_id = $1", [postingId]);
  await client.query("DELETE FROM voucher_lines WHERE posting_id = $1", [postingId]);
  const lines = new CopyRows();
  const content = putLines(lines, postingId, draft);
  const changed = await client.query(
    `UPDATE postings SET word = $2, accounted_on = $3::date, period = to_char($3::date, 'YYYY-MM'), late = $4, attachments = $5,
       documents = $6, summary = $7, rule_name = $8, rule_version = $9, debit_total = $10, credit_total = $10,
       fingerprint = $11, error_code = $12, error_message = NULL, source_changed = false, retry = NULL, lease_owner = NULL,
       state = 'drafted'
     WHERE posting_id = $1 AND state IN ('drafted', 'approved', 'ready', 'held', 'refused')`,
    [
      postingId,
      draft.word,
      draft.accountedOn,
      draft.late,
      draft.attachments,
      draft.documents,
      clip(draft.summary),
      draft.ruleName,
      draft.ruleVersion,
      content.total,
      content.fingerprint,
      draft.errorCode ?? null,
    ],
  );
  if (changed.rowCount !== 1) throw new Error(`posting ${postingId} is on its way to the ERP and cannot be redrawn`);
  if (draft.state !== "drafted") {
    await client.query("UPDATE postings SET state = $2 WHERE posting_id = $1 AND state = 'drafted'", [
      postingId,
      draft.state,
    ]);
  }
  await lines.copyInto(client, "voucher_lines", LINE_COLUMNS);
  const links = new CopyRows();
  putLinks(links, postingId, draft);
  await links.copyInto(client, "posting_movements", LINK_COLUMNS);
};

/** Takes a posting back before anything was sent: its movements are free for another voucher. */
export const withdrawPosting = async (client: pg.ClientBase, postingId: string): Promise<boolean> => {
  const changed = await client.query(
    `UPDATE postings SET state = 'withdrawn', retry = NULL, lease_owner = NULL
     WHERE posting_id = $1 AND state IN ('drafted', 'approved', 'ready', 'held', 'refused')`,
    [postingId],
  );
  if (changed.rowCount !== 1) return false;
  await client.query("DELETE FROM posting_movements WHERE posting_id = $1", [postingId]);
  return true;
};
