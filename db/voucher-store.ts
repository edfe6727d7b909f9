import { hash } from "node:crypto";
import type pg from "pg";
import type { ErrorCode } from "../domain/errors.ts";
import { scaled, textOf } from "../domain/fixed-point.ts";
import type { PostingKey } from "../domain/posting-key.ts";
import type { PostingState, Purpose, Stage } from "../domain/posting.ts";
import type { VoucherLine } from "../domain/voucher.ts";
import { copyLines, copyNullable, copyText } from "./copy-text.ts";

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

/** Inserts postings with their keys, lines and links in one go; needs a transaction of the caller. */
export const insertPostings = async (
  client: pg.ClientBase,
  drafts: readonly NewPosting[],
): Promise<readonly string[]> => {
  if (drafts.length === 0) return [];
  const ids = await client.query<{ id: string }>("SELECT zs_next_id()::text AS id FROM generate_series(1, $1::int)", [
    drafts.length,
  ]);
  const stored = drafts.map(
    (draft, index): Stored => ({ draft, postingId: ids.rows[index]?.id ?? "", content: contentOf(draft) }),
  );
  await copyLines(client, "posting_keys", KEY_COLUMNS, keyLines(stored));
  await copyLines(client, "postings", POSTING_COLUMNS, postingLines(stored));
  // One COPY for all lines of a voucher: the balance is checked when the statement ends.
  await copyLines(client, "voucher_lines", LINE_COLUMNS, lineLines(stored));
  await copyLines(client, "posting_movements", LINK_COLUMNS, linkLines(stored));
  return stored.map(({ postingId }) => postingId);
};

interface Stored {
  readonly draft: NewPosting;
  readonly postingId: string;
  readonly content: Content;
}

/** What a voucher says, made once: the lines as COPY wants them, their sum, and a digest of everything that is sent. */
interface Content {
  readonly lines: readonly string[];
  readonly total: string;
  readonly fingerprint: string;
}

const MONEY_PLACES = 2;

const contentOf = (draft: NewPosting): Content => {
  const lines = draft.lines.map(lineText);
  let total = 0n;
  for (const { side, amount } of draft.lines) if (side === "debit") total += scaled(amount, MONEY_PLACES);
  const head = `${draft.word}\t${draft.accountedOn}\t${textArray(draft.documents)}\n`;
  return { lines, total: textOf(total, MONEY_PLACES), fingerprint: hash("sha256", head + lines.join("")) };
};

const KEY_COLUMNS = ["posting_key", "posting_id", "ledger", "short_key"];
function* keyLines(drafts: readonly Stored[]): Generator<string> {
  for (const { draft, postingId } of drafts)
    yield `${draft.key}\t${postingId}\t${copyText(draft.ledger)}\t${draft.key}\n`;
}

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
function* postingLines(drafts: readonly Stored[]): Generator<string> {
  for (const { draft, postingId, content } of drafts)
    yield `${postingId}\t${draft.key}\t${copyText(draft.company)}\t${copyText(draft.ledger)}\t${copyText(draft.book)}\t${copyText(draft.source)}\t${copyText(draft.form)}\t${copyText(draft.recordId)}\t${draft.purpose}\t${draft.part}\t${draft.generation}\t${copyText(draft.groupName)}\t${draft.state}\t${draft.targetStage}\t${copyText(draft.word)}\t${draft.accountedOn}\t${draft.accountedOn.slice(0, PERIOD_LENGTH)}\t${draft.late ? "t" : "f"}\t${draft.attachments}\t${copyText(draft.currency)}\t${copyText(textArray(draft.documents))}\t${copyText(clip(draft.summary))}\t${copyText(draft.ruleName)}\t${draft.ruleVersion}\t${content.total}\t${content.total}\t${content.fingerprint}\t${copyNullable(draft.errorCode)}\t${copyNullable(draft.reverses)}\n`;
}
/** The month in front of a date: "2025-01". */
const PERIOD_LENGTH = 7;

/** A text[] as PostgreSQL writes it. */
const textArray = (values: readonly string[]): string =>
  `{${values.map((value) => `"${value.replace(/["\\]/g, "\\$&")}"`).join(",")}}`;

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
/** A line without the posting in front of it. */
const lineText = (line: DraftLine): string =>
  `\t${line.lineNumber}\t${line.side}\t${copyText(line.role)}\t${copyText(line.account)}\t${line.amount}\t${copyNullable(line.quantity)}\t${copyNullable(line.unit)}\t${copyNullable(line.unitPrice)}\t${copyNullable(line.dimensions.item)}\t${copyText(JSON.stringify(line.dimensions))}\t${copyText(line.summary)}\t${copyText(line.why)}\t{${line.movementIds.join(",")}}\n`;

function* lineLines(drafts: readonly Pick<Stored, "postingId" | "content">[]): Generator<string> {
  for (const { postingId, content } of drafts) for (const line of content.lines) yield postingId + line;
}

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
function* linkLines(drafts: readonly Pick<Stored, "postingId" | "draft">[]): Generator<string> {
  for (const { postingId, draft } of drafts) {
    const posting = `${draft.purpose}\t${draft.generation}`;
    for (const { movementId, revision, occurrence, quantity, value, basis } of draft.movements)
      yield `${movementId}\t${revision}\t${copyText(draft.ledger)}\t${posting}\t${copyText(occurrence)}\t${postingId}\t${quantity}\t${value}\t${basis === undefined ? "\\N" : copyText(JSON.stringify(basis))}\n`;
  }
}

/**
 * Redraws a posting of which nothing is in the ERP (never sent, refused, or proven absent) under its own key. It is drafted
 * again, and approved again where that is asked for. The database refuses it in any other state.
 */
export const redrawPosting = async (client: pg.ClientBase, postingId: string, draft: NewPosting): Promise<void> => {
  await client.query("DELETE FROM posting_movements WHERE posting_id = $1", [postingId]);
  await client.query("DELETE FROM voucher_lines WHERE posting_id = $1", [postingId]);
  const content = contentOf(draft);
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
  const stored = [{ draft, postingId, content }];
  await copyLines(client, "voucher_lines", LINE_COLUMNS, lineLines(stored));
  await copyLines(client, "posting_movements", LINK_COLUMNS, linkLines(stored));
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
