import type pg from "pg";
import { type Period, period } from "../domain/dates.ts";
import { type ErrorCode, errorCatalog, errorCodes } from "../domain/errors.ts";
import { PostingKey } from "../domain/posting-key.ts";
import { type PostingState, type Purpose, type Stage, sentStates } from "../domain/posting.ts";
import type { VoucherDraft, VoucherLine } from "../domain/voucher.ts";
import { type Database, inTransaction } from "./database.ts";
import { closeAlarm, raiseAlarm } from "./exception-store.ts";
import type { DraftMovement } from "./voucher-store.ts";

/** A posting in somebody's hands. */
export interface ClaimedPosting {
  readonly postingId: string;
  readonly key: PostingKey;
  readonly stage: Stage;
  readonly targetStage: Stage;
  readonly erpId: string | undefined;
  readonly draft: VoucherDraft;
}

export interface PostingTiming {
  readonly leaseMs: number;
  readonly deadlineMs: number;
  /** How long after lease and deadline an ERP may still commit; look-ups before that prove nothing. */
  readonly settlingMs: number;
}

export type Settlement =
  | { readonly kind: "posted"; readonly erpId: string; readonly number: string; readonly stage: Stage }
  | { readonly kind: "refused"; readonly code: ErrorCode; readonly message: string }
  | { readonly kind: "held"; readonly code: ErrorCode; readonly message: string }
  | { readonly kind: "not-done"; readonly code: ErrorCode; readonly message: string; readonly retryMs: number }
  | { readonly kind: "uncertain"; readonly code: ErrorCode; readonly message: string };

/*
 * Statements with a name are prepared once per connection: they run for every request to an ERP, and planning them anew
 * over all partitions takes longer than running them.
 */

const MESSAGE_MAX = 2_000;
const clip = (text: string): string => text.slice(0, MESSAGE_MAX);

interface ClaimRow {
  posting_id: string;
  posting_key: string;
  stage: Stage;
  target_stage: Stage;
  erp_id: string | null;
  ledger: string;
  book: string;
  word: string;
  accounted_on: string;
  attachments: number;
  currency: string;
  documents: string[];
  lines: LineRow[] | null;
}
interface LineRow {
  lineNumber: number;
  side: "debit" | "credit";
  role: string;
  account: string;
  amount: string;
  quantity: string | null;
  unit: string | null;
  unitPrice: string | null;
  dimensions: VoucherLine["dimensions"];
  summary: string;
  why: string;
}

const CLAIM_COLUMNS = `p.posting_id::text, p.posting_key, p.stage, p.target_stage, p.erp_id, p.ledger, p.book, p.word,
  p.accounted_on, p.attachments, p.currency, p.documents,
  (SELECT jsonb_agg(jsonb_build_object('lineNumber', l.line_number, 'side', l.side, 'role', l.role, 'account', l.account,
     'amount', l.amount::text, 'quantity', l.quantity::text, 'unit', l.unit, 'unitPrice', l.unit_price::text,
     'dimensions', l.dimensions, 'summary', l.summary, 'why', l.why) ORDER BY l.line_number)
   FROM voucher_lines l WHERE l.posting_id = p.posting_id) AS lines`;

const claimedOf = (row: ClaimRow): ClaimedPosting => ({
  postingId: row.posting_id,
  key: PostingKey.parse(row.posting_key),
  stage: row.stage,
  targetStage: row.target_stage,
  erpId: row.erp_id ?? undefined,
  draft: {
    key: row.posting_key,
    ledger: row.ledger,
    book: row.book,
    word: row.word,
    date: row.accounted_on as VoucherDraft["date"],
    attachments: row.attachments,
    currency: row.currency,
    documents: row.documents,
    lines: (row.lines ?? []).map((line) => ({
      lineNumber: line.lineNumber,
      side: line.side,
      role: line.role,
      account: line.account,
      amount: line.amount as VoucherLine["amount"],
      ...(line.quantity === null ? {} : { quantity: line.quantity as VoucherLine["amount"] }),
      ...(line.unit === null ? {} : { unit: line.unit }),
      ...(line.unitPrice === null ? {} : { unitPrice: line.unitPrice as VoucherLine["amount"] }),
      dimensions: line.dimensions,
      summary: line.summary,
      why: line.why,
    })),
  },
});

/** Releases the drafted postings of a ledger for sending; where approval is asked for, only approved ones. */
export const releaseDrafted = async (database: Database, ledger: string, approval: boolean): Promise<number> => {
  const from = approval ? "approved" : "drafted";
  // Locked in one order, and locked ones left to the next round: two workers cannot block each other.
  const changed = await database.pool.query(
    `UPDATE postings SET state = 'ready' WHERE posting_id IN (
       SELECT posting_id FROM postings WHERE ledger = $1 AND state = $2 ORDER BY posting_id FOR UPDATE SKIP LOCKED)`,
    [ledger, from],
  );
  return changed.rowCount ?? 0;
};

/** From so many failed requests in a row on a voucher leaves the stream and travels in smaller company, half as many each time. */
const TROUBLED_FROM = 2;
/** Halved so often, any batch has come down to one. */
const HALVINGS_MAX = 30;

const CLAIMABLE = `ledger = $1 AND state = 'ready' AND NOT source_changed
         AND NOT EXISTS (SELECT 1 FROM ledger_states WHERE ledger = $1 AND paused)
         AND (retry_after IS NULL OR retry_after <= clock_timestamp())`;
const CLAIM = `UPDATE postings SET state = 'sending', lease_owner = $2,
       lease_until = clock_timestamp() + $3 * interval '1 millisecond', sent_at = NULL, deadline_at = NULL, attempts = attempts + 1
     WHERE posting_id IN (SELECT posting_id FROM chosen) RETURNING posting_id::text`;

/**
 * Takes up to `sizeMax` ready postings into `sending` under a lease by the database's clock. One whose source changed while
 * it was on its way waits for its redraw: what is known to be outdated is not sent again. A paused ledger gives nothing.
 * What failed twice together comes last, in batches half as large with each further failure, down to one: the voucher that
 * spoils a batch ends up alone.
 */
export const claimReady = async (
  database: Database,
  ledger: string,
  worker: string,
  timing: PostingTiming,
  sizeMax: number,
): Promise<readonly ClaimedPosting[]> => {
  const chosen = await database.pool.query<{ posting_id: string }>({
    name: "claim-ready",
    text: `WITH chosen AS MATERIALIZED (
       SELECT posting_id FROM postings WHERE ${CLAIMABLE} AND failures < ${TROUBLED_FROM}
       ORDER BY posting_id LIMIT $4 FOR UPDATE SKIP LOCKED
     ) ${CLAIM}`,
    values: [ledger, worker, timing.leaseMs, sizeMax],
  });
  const ids = chosen.rows.length > 0 ? chosen.rows : await claimTroubled(database, ledger, worker, timing, sizeMax);
  if (ids.length === 0) return [];
  // Read only now that the content is frozen: a redraw that ended during the statement above shows there in the row, but
  // not in the lines, which were still looked for among what stood when the statement began.
  const rows = await database.pool.query<ClaimRow>({
    name: "claimed-drafts",
    text: `SELECT ${CLAIM_COLUMNS} FROM postings p WHERE p.posting_id = ANY ($1::bigint[]) ORDER BY p.posting_id`,
    values: [ids.map((row) => row.posting_id)],
  });
  return rows.rows.map(claimedOf);
};

/** Only what failed equally often travels together: one that failed more often does not spoil another batch. */
const claimTroubled = async (
  database: Database,
  ledger: string,
  worker: string,
  timing: PostingTiming,
  sizeMax: number,
): Promise<readonly { readonly posting_id: string }[]> => {
  const chosen = await database.pool.query<{ posting_id: string }>({
    name: "claim-troubled",
    text: `WITH head AS MATERIALIZED (
       SELECT failures FROM postings WHERE ${CLAIMABLE} AND failures >= ${TROUBLED_FROM} ORDER BY failures, posting_id LIMIT 1
     ), chosen AS MATERIALIZED (
       SELECT posting_id FROM postings WHERE ${CLAIMABLE} AND failures = (SELECT failures FROM head)
       ORDER BY posting_id
       LIMIT (SELECT greatest(1, $4::bigint >> least(${HALVINGS_MAX}, failures - ${TROUBLED_FROM} + 1)) FROM head)
       FOR UPDATE SKIP LOCKED
     ) ${CLAIM}`,
    values: [ledger, worker, timing.leaseMs, sizeMax],
  });
  return chosen.rows;
};

/**
 * The last moment at which the lease counts: stamps the rows whose lease is still ours and outlives the deadline.
 * Only the returned rows may be sent.
 */
export const stampSent = async (
  database: Database,
  postingIds: readonly string[],
  worker: string,
  timing: PostingTiming,
): Promise<{ readonly postingIds: ReadonlySet<string>; readonly remainingMs: number }> => {
  const rows = await database.pool.query<{ posting_id: string }>({
    name: "stamp-sent",
    text: `UPDATE postings SET sent_at = clock_timestamp(), deadline_at = clock_timestamp() + $3 * interval '1 millisecond',
       look_up_after = lease_until + $4 * interval '1 millisecond', absent_count = 0, absent_at = NULL
     WHERE posting_id = ANY ($1::bigint[]) AND state = 'sending' AND lease_owner = $2 AND sent_at IS NULL
       AND lease_until > clock_timestamp() + $3 * interval '1 millisecond'
     RETURNING posting_id::text`,
    values: [postingIds, worker, timing.deadlineMs, timing.settlingMs],
  });
  return { postingIds: new Set(rows.rows.map((row) => row.posting_id)), remainingMs: timing.deadlineMs };
};

/** Claims that expired: without a stamp nothing was sent, with one the outcome is uncertain. */
export const expireClaims = async (
  database: Database,
  ledger: string,
): Promise<{ readonly returned: number; readonly uncertain: number }> => {
  const returned = await database.pool.query(
    `UPDATE postings SET state = 'ready', lease_owner = NULL
     WHERE posting_id IN (
       SELECT posting_id FROM postings WHERE ledger = $1 AND state = 'sending' AND lease_until < clock_timestamp()
         AND sent_at IS NULL ORDER BY posting_id FOR UPDATE SKIP LOCKED)`,
    [ledger],
  );
  const uncertain = await database.pool.query(
    `UPDATE postings SET state = 'uncertain', lease_owner = NULL, error_code = 'NO_ANSWER', failures = failures + 1
     WHERE posting_id IN (
       SELECT posting_id FROM postings WHERE ledger = $1 AND state = 'sending' AND lease_until < clock_timestamp()
         AND sent_at IS NOT NULL ORDER BY posting_id FOR UPDATE SKIP LOCKED)`,
    [ledger],
  );
  return { returned: returned.rowCount ?? 0, uncertain: uncertain.rowCount ?? 0 };
};

/** The request never got as far as its vouchers: that says nothing against those it held. */
const BEFORE_THE_BATCH: readonly ErrorCode[] = [
  "NOT_REACHABLE",
  "NOT_LOGGED_IN",
  "LOGIN_REFUSED",
  "PERMISSION_DENIED",
  "LICENCE_EXHAUSTED",
  "THROTTLED",
  "DEADLINE_PASSED",
  "FILE_OUTSTANDING",
  "AWAITING_RECEIPT",
];

/**
 * Writes down what became of each sent posting. A late answer of a lost lease may still say "posted", and only that.
 * One statement: an answer costs one round trip.
 */
export const settleSent = async (
  database: Database,
  settlements: readonly { readonly postingId: string; readonly outcome: Settlement }[],
  worker: string,
  act: string,
): Promise<void> => {
  if (settlements.length === 0) return;
  const column = <T>(pick: (outcome: Settlement) => T): T[] => settlements.map(({ outcome }) => pick(outcome));
  await database.pool.query({
    name: "settle-sent",
    text: `WITH t AS (
       SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::int[])
         AS t (posting_id, kind, erp_id, number, stage, code, message, retry_ms)
     ), settled AS (
       UPDATE postings p SET
         state = CASE t.kind WHEN 'not-done' THEN 'ready' ELSE t.kind END,
         erp_id = coalesce(t.erp_id, p.erp_id), erp_number = coalesce(t.number, p.erp_number), stage = coalesce(t.stage, p.stage),
         audited_seen = p.audited_seen OR coalesce(t.stage IN ('audited', 'booked'), false),
         error_code = t.code, error_message = t.message, posted_at = CASE WHEN t.kind = 'posted' THEN clock_timestamp() ELSE p.posted_at END,
         retry_after = CASE WHEN t.kind = 'not-done' THEN clock_timestamp() + t.retry_ms * interval '1 millisecond' END,
         sent_at = CASE WHEN t.kind IN ('not-done', 'refused', 'held') THEN NULL ELSE p.sent_at END,
         failures = CASE WHEN t.kind NOT IN ('not-done', 'uncertain') THEN 0
                         WHEN t.code = ANY ($11::text[]) THEN p.failures ELSE p.failures + 1 END,
         lease_owner = CASE WHEN t.kind = 'uncertain' THEN p.lease_owner END
       FROM t
       WHERE p.posting_id = t.posting_id AND p.posting_id = ANY ($1::bigint[])
         AND ((p.state = 'sending' AND p.lease_owner = $9) OR (p.state = 'uncertain' AND t.kind = 'posted'))
     )
     INSERT INTO posting_attempts (posting_id, act, outcome, code, message, erp_id, worker)
     SELECT posting_id, $10, kind, code, message, erp_id, $9 FROM t`,
    values: [
      settlements.map(({ postingId }) => postingId),
      column((outcome) => outcome.kind),
      column((outcome) => (outcome.kind === "posted" ? outcome.erpId : null)),
      column((outcome) => (outcome.kind === "posted" ? outcome.number : null)),
      column((outcome) => (outcome.kind === "posted" ? outcome.stage : null)),
      column((outcome) => (outcome.kind === "posted" ? null : outcome.code)),
      column((outcome) => (outcome.kind === "posted" ? null : clip(outcome.message))),
      column((outcome) => (outcome.kind === "not-done" ? outcome.retryMs : 0)),
      worker,
      act,
      BEFORE_THE_BATCH,
    ],
  });
};

export interface AttemptRow {
  readonly postingId: string;
  readonly act: string;
  readonly outcome: string;
  readonly code: ErrorCode | undefined;
  readonly message: string | undefined;
  readonly erpId: string | undefined;
}

export const recordAttempts = async (
  client: pg.ClientBase | pg.Pool,
  attempts: readonly AttemptRow[],
  worker: string,
): Promise<void> => {
  if (attempts.length === 0) return;
  await client.query(
    `INSERT INTO posting_attempts (posting_id, act, outcome, code, message, erp_id, worker)
     SELECT i, a, o, c, m, e, $7 FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[]) AS t (i, a, o, c, m, e)`,
    [
      attempts.map(({ postingId }) => postingId),
      attempts.map(({ act }) => act),
      attempts.map(({ outcome }) => outcome),
      attempts.map(({ code }) => code ?? null),
      attempts.map(({ message }) => (message === undefined ? null : clip(message))),
      attempts.map(({ erpId }) => erpId ?? null),
      worker,
    ],
  );
};

/** Parked for want of proof, until another voucher of the ledger is in the books and can be asked for along with it. */
const PROVABLE = `error_code = 'LOOKUP_UNPROVEN' AND look_up_after = 'infinity'
  AND EXISTS (SELECT 1 FROM ledger_states s WHERE s.ledger = $1 AND cardinality(s.control_keys) > 0)`;

/** Uncertain postings whose settling time is over, under a lease so that two workers do not both conclude. */
export const claimUncertain = (
  database: Database,
  ledger: string,
  worker: string,
  timing: PostingTiming,
  sizeMax: number,
): Promise<readonly ClaimedPosting[]> =>
  lease(
    database,
    `state = 'uncertain' AND (look_up_after <= clock_timestamp() OR ${PROVABLE}) AND lease_until <= clock_timestamp()`,
    [ledger, worker, timing.leaseMs, sizeMax],
  );

/** Puts postings in the state they are in under a lease; one worker at a time concludes. */
const lease = async (
  database: Database,
  condition: string,
  values: readonly [ledger: string, worker: string, leaseMs: number, sizeMax: number],
): Promise<readonly ClaimedPosting[]> => {
  const rows = await database.pool.query<ClaimRow>(
    `WITH chosen AS MATERIALIZED (
       SELECT posting_id FROM postings WHERE ledger = $1 AND ${condition}
       ORDER BY posting_id LIMIT $4 FOR UPDATE SKIP LOCKED
     ), p AS (
       UPDATE postings SET lease_owner = $2, lease_until = clock_timestamp() + $3 * interval '1 millisecond'
       WHERE posting_id IN (SELECT posting_id FROM chosen) RETURNING *
     ) SELECT ${CLAIM_COLUMNS} FROM p ORDER BY p.posting_id`,
    [...values],
  );
  return rows.rows.map(claimedOf);
};

export type LookUpSettlement =
  | {
      readonly kind: "found";
      readonly erpId: string;
      readonly number: string;
      readonly stage: Stage;
      readonly code: ErrorCode | undefined;
    }
  | { readonly kind: "absent" }
  /** Not seen, but nothing proves that it would be. */
  | { readonly kind: "unproven"; readonly code: ErrorCode; readonly message: string }
  | { readonly kind: "person"; readonly code: ErrorCode; readonly message: string }
  | { readonly kind: "again"; readonly code: ErrorCode; readonly message: string };

/** What waits for a person because look-ups cannot settle it. */
const lookUpAlarm = (company: string, ledger: string, key: string): string =>
  `${company}/ledger/${ledger}/look-up/${key}`;

/**
 * Absent counts only when seen twice, apart by the settling time; then, and only then, the posting is ready again. What no
 * further look-up can settle is parked, and told to people by an exception.
 */
export const settleLookUps = async (
  database: Database,
  settlements: readonly { readonly postingId: string; readonly outcome: LookUpSettlement }[],
  worker: string,
  timing: PostingTiming,
  bounds: { readonly absencesNeeded: number; readonly unprovenMax: number },
): Promise<void> => {
  if (settlements.length === 0) return;
  const ids = settlements.map(({ postingId }) => postingId);
  const kinds = settlements.map(({ outcome }) => outcome.kind);
  await inTransaction(database, async (client) => {
    const waiting = await stillWaiting(client, settlements);
    const settled = await client.query<{
      company: string;
      ledger: string;
      posting_key: string;
      state: PostingState;
      parked: boolean;
      code: ErrorCode;
      message: string | null;
    }>(
      `UPDATE postings p SET
         state = CASE WHEN t.kind = 'found' THEN 'posted'
                      WHEN t.kind = 'absent' AND p.absent_count + 1 >= $8 THEN 'ready' ELSE p.state END,
         erp_id = coalesce(t.erp_id, p.erp_id), erp_number = coalesce(t.number, p.erp_number), stage = coalesce(t.stage, p.stage),
         audited_seen = p.audited_seen OR coalesce(t.stage IN ('audited', 'booked'), false),
         posted_at = CASE WHEN t.kind = 'found' THEN clock_timestamp() ELSE p.posted_at END,
         absent_count = CASE WHEN t.kind = 'absent' THEN p.absent_count + 1 WHEN t.kind = 'again' THEN p.absent_count ELSE 0 END,
         absent_at = CASE WHEN t.kind = 'absent' THEN clock_timestamp() ELSE p.absent_at END,
         failures = CASE t.kind WHEN 'found' THEN 0 WHEN 'unproven' THEN p.failures + 1 ELSE p.failures END,
         look_up_after = CASE WHEN t.kind = 'person' OR t.kind = 'unproven' AND p.failures + 1 >= $11 THEN 'infinity'::timestamptz
                              ELSE clock_timestamp() + $7 * interval '1 millisecond' END,
         sent_at = CASE WHEN t.kind = 'absent' AND p.absent_count + 1 >= $8 THEN NULL ELSE p.sent_at END,
         error_code = CASE WHEN t.kind IN ('found', 'absent') THEN t.code ELSE coalesce(t.code, p.error_code) END,
         error_message = t.message, lease_owner = NULL, lease_until = clock_timestamp()
       FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $9::text[], $10::text[])
         AS t (posting_id, kind, erp_id, number, stage, code, message)
       WHERE p.posting_id = t.posting_id AND p.state = 'uncertain' AND p.lease_owner = $6
       RETURNING p.company, p.ledger, p.posting_key, p.state, p.look_up_after = 'infinity' AS parked, p.error_code AS code,
         p.error_message AS message`,
      [
        ids,
        kinds,
        settlements.map(({ outcome }) => (outcome.kind === "found" ? outcome.erpId : null)),
        settlements.map(({ outcome }) => (outcome.kind === "found" ? outcome.number : null)),
        settlements.map(({ outcome }) => (outcome.kind === "found" ? outcome.stage : null)),
        worker,
        timing.settlingMs,
        bounds.absencesNeeded,
        settlements.map(({ outcome }) => (outcome.kind === "absent" ? null : (outcome.code ?? null))),
        settlements.map(({ outcome }) => ("message" in outcome ? clip(outcome.message) : null)),
        bounds.unprovenMax,
      ],
    );
    for (const { company, ledger, posting_key: key, state, parked, code, message } of settled.rows) {
      const id = lookUpAlarm(company, ledger, key);
      const evidence = { ledger, key, message: message ?? "" };
      if (state !== "uncertain") await closeAlarm(client, id);
      else if (parked) await raiseAlarm(client, { id, company, kind: "ledger", code, subject: key, evidence });
    }
    await recordAttempts(
      client,
      settlements
        .filter(({ postingId }) => !waiting.has(postingId))
        .map(({ postingId, outcome }) => ({
          postingId,
          act: "look-up",
          outcome: outcome.kind,
          code: outcome.kind === "absent" ? undefined : outcome.code,
          message: "message" in outcome ? outcome.message : undefined,
          erpId: outcome.kind === "found" ? outcome.erpId : undefined,
        })),
      worker,
    );
  });
};

/** Those of which a look-up says what was known: their file waits for a person, who may take a day. */
const stillWaiting = async (
  client: pg.ClientBase,
  settlements: readonly { readonly postingId: string; readonly outcome: LookUpSettlement }[],
): Promise<ReadonlySet<string>> => {
  const waits = new Map(
    settlements.flatMap(({ postingId, outcome }) =>
      outcome.kind === "again" && outcome.code === "AWAITING_RECEIPT"
        ? [[postingId, clip(outcome.message)] as const]
        : [],
    ),
  );
  if (waits.size === 0) return new Set();
  const known = await client.query<{ posting_id: string; error_message: string | null }>(
    `SELECT posting_id::text, error_message FROM postings WHERE posting_id = ANY ($1::bigint[]) AND error_code = 'AWAITING_RECEIPT'`,
    [[...waits.keys()]],
  );
  return new Set(
    known.rows.flatMap((row) => (waits.get(row.posting_id) === row.error_message ? [row.posting_id] : [])),
  );
};

/**
 * A person has looked into the ERP and says that a voucher is not there: what is known by nothing else may be sent again.
 *
 * @returns undefined where it may not be said: not uncertain, in somebody's hands, never looked up so far (its request may
 *   still be on the way), or seen in the ERP
 */
export const declareAbsent = (
  database: Database,
  key: string,
  dryRun: boolean,
): Promise<{ readonly ledger: string } | undefined> =>
  inTransaction(database, async (client) => {
    const found = await client.query<{ posting_id: string; company: string; ledger: string }>(
      `SELECT p.posting_id::text, p.company, p.ledger FROM postings p
       WHERE p.posting_id = (SELECT posting_id FROM posting_keys WHERE posting_key = $1) AND p.state = 'uncertain'
         AND p.lease_until <= clock_timestamp() AND coalesce(p.error_code, '') <> 'FOUND_VOID'
         AND EXISTS (SELECT 1 FROM posting_attempts a WHERE a.posting_id = p.posting_id AND a.act = 'look-up'
           AND a.attempt_at > p.sent_at)
       FOR UPDATE`,
      [key],
    );
    const row = found.rows[0];
    if (row === undefined) return undefined;
    if (dryRun) return { ledger: row.ledger };
    await client.query(
      `UPDATE postings SET state = 'ready', sent_at = NULL, lease_owner = NULL, error_code = NULL, error_message = NULL
       WHERE posting_id = $1`,
      [row.posting_id],
    );
    const attempt = { postingId: row.posting_id, act: "declare", outcome: "absent" };
    await recordAttempts(client, [{ ...attempt, code: undefined, message: undefined, erpId: undefined }], "person");
    await closeAlarm(client, lookUpAlarm(row.company, row.ledger, key));
    return { ledger: row.ledger };
  });

/** Posted ones that still have a way to go in the ERP, or have to be read back. */
export const claimPosted = (
  database: Database,
  ledger: string,
  worker: string,
  timing: PostingTiming,
  sizeMax: number,
): Promise<readonly ClaimedPosting[]> =>
  lease(
    database,
    `state = 'posted' AND (retry_after IS NULL OR retry_after <= clock_timestamp())
         AND (lease_owner IS NULL OR lease_until <= clock_timestamp())`,
    [ledger, worker, timing.leaseMs, sizeMax],
  );

/** Vouchers that read back unequal and are to be read once more, because a person says so. */
export const claimDiffering = (
  database: Database,
  ledger: string,
  worker: string,
  timing: PostingTiming,
  sizeMax: number,
): Promise<readonly ClaimedPosting[]> =>
  lease(
    database,
    "state = 'differs' AND retry = 'read' AND (lease_owner IS NULL OR lease_until <= clock_timestamp())",
    [ledger, worker, timing.leaseMs, sizeMax],
  );

/** Notes how far vouchers got inside the ERP; what did not get on is tried again after `retryMs`. */
export const settleAdvance = async (
  database: Database,
  rows: readonly {
    readonly postingId: string;
    readonly stage: Stage | undefined;
    readonly code: ErrorCode | undefined;
    readonly message: string | undefined;
  }[],
  worker: string,
  retryMs: number,
): Promise<void> => {
  if (rows.length === 0) return;
  await database.pool.query({
    name: "settle-advance",
    text: `WITH t AS (
       SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[]) AS t (posting_id, stage, code, message)
     ), settled AS (
       UPDATE postings p SET stage = coalesce(t.stage, p.stage), error_code = t.code, error_message = t.message,
         audited_seen = p.audited_seen OR coalesce(t.stage IN ('audited', 'booked'), false),
         retry_after = CASE WHEN t.code IS NULL THEN NULL ELSE clock_timestamp() + $5 * interval '1 millisecond' END,
         lease_owner = CASE WHEN t.code IS NULL THEN p.lease_owner END, retry = nullif(p.retry, 'read')
       FROM t
       WHERE p.posting_id = t.posting_id AND p.posting_id = ANY ($1::bigint[]) AND p.state IN ('posted', 'differs')
     )
     INSERT INTO posting_attempts (posting_id, act, outcome, code, message, worker)
     SELECT t.posting_id, 'advance', CASE WHEN t.code IS NULL THEN coalesce(t.stage, 'posted') ELSE 'not-done' END, t.code, t.message, $6
     FROM t JOIN postings before USING (posting_id)
     -- A person who takes a day is no news every minute.
     WHERE t.code IS DISTINCT FROM 'EXPORT_MISSING' OR before.error_code IS DISTINCT FROM 'EXPORT_MISSING'`,
    values: [
      rows.map(({ postingId }) => postingId),
      rows.map(({ stage }) => stage ?? null),
      rows.map(({ code }) => code ?? null),
      rows.map(({ message }) => (message === undefined ? null : clip(message))),
      retryMs,
      worker,
    ],
  });
};

/** So many verified vouchers at hand prove that a look-up can see: somebody may delete one of them in the ERP. */
const CONTROLS = 3;
const CONTROLS_FRESH = "10 minutes";

export interface ReadBackRow {
  readonly postingId: string;
  readonly equal: boolean;
  readonly stage: Stage;
  readonly voucher: unknown;
  readonly deviations: readonly { readonly field: string; readonly ours: string; readonly theirs: string }[];
}

/**
 * Stores what was read back and concludes: verified or differs. A verified reversal makes its original reversed, and the
 * newest verified vouchers of a ledger become its control keys. One statement: all of it or nothing.
 */
export const settleReadBacks = async (database: Database, rows: readonly ReadBackRow[]): Promise<void> => {
  if (rows.length === 0) return;
  await database.pool.query({
    name: "settle-read-backs",
    text: `WITH t AS (
       SELECT * FROM unnest($1::bigint[], $2::boolean[], $3::text[], $4::jsonb[], $5::jsonb[])
         AS t (posting_id, equal, stage, voucher, deviations)
     ), stored AS (
       INSERT INTO read_backs (posting_id, equal, voucher, deviations) SELECT posting_id, equal, voucher, deviations FROM t
     ), done AS (
       UPDATE postings p SET state = CASE WHEN t.equal THEN 'verified' ELSE 'differs' END, stage = t.stage,
         audited_seen = p.audited_seen OR t.stage IN ('audited', 'booked'), verified_at = clock_timestamp(),
         error_code = CASE WHEN NOT t.equal THEN 'READ_BACK_DIFFERS' WHEN p.state = 'posted' THEN nullif(nullif(p.error_code, 'READ_FAILED'), 'EXPORT_MISSING') END,
         lease_owner = NULL, retry = nullif(p.retry, 'read')
       FROM t
       WHERE p.posting_id = t.posting_id AND p.posting_id = ANY ($1::bigint[]) AND p.state IN ('posted', 'differs')
       RETURNING p.posting_id, p.posting_key, p.company, p.ledger, p.state, p.reverses
     ), undone AS (
       UPDATE postings original SET state = 'reversed', reversed_by = done.posting_id
       FROM done
       WHERE done.state = 'verified' AND original.posting_id = done.reverses AND original.state IN ('verified', 'differs')
     )
     INSERT INTO ledger_states (company, ledger, control_keys, controls_at)
     SELECT company, ledger, (array_agg(posting_key ORDER BY posting_id DESC))[1:${CONTROLS}], clock_timestamp() FROM done
     WHERE state = 'verified'
       -- While there are enough fresh control keys, nobody queues for the ledger's row.
       AND NOT EXISTS (SELECT 1 FROM ledger_states s WHERE s.ledger = done.ledger AND cardinality(s.control_keys) >= ${CONTROLS}
         AND s.controls_at > clock_timestamp() - interval '${CONTROLS_FRESH}')
     GROUP BY company, ledger
     ON CONFLICT (ledger) DO UPDATE SET controls_at = excluded.controls_at,
       control_keys = (excluded.control_keys || ledger_states.control_keys)[1:${CONTROLS}]`,
    values: [
      rows.map(({ postingId }) => postingId),
      rows.map(({ equal }) => equal),
      rows.map(({ stage }) => stage),
      rows.map(({ voucher }) => JSON.stringify(voucher)),
      rows.map(({ deviations }) => JSON.stringify(deviations)),
    ],
  });
};

export interface LedgerState {
  readonly paused: boolean;
  /** Why it is paused: a code of the error catalogue. */
  readonly pauseCode: string | undefined;
  /** Vouchers known to be in the ERP's books, the newest first. */
  readonly controlKeys: readonly PostingKey[];
}

export const ledgerState = async (database: Database, ledger: string): Promise<LedgerState> => {
  const rows = await database.pool.query<{ paused: boolean; pause_code: string | null; control_keys: string[] }>(
    "SELECT paused, pause_code, control_keys FROM ledger_states WHERE ledger = $1",
    [ledger],
  );
  const row = rows.rows[0];
  return {
    paused: row?.paused ?? false,
    pauseCode: row?.pause_code ?? undefined,
    controlKeys: (row?.control_keys ?? []).map((key) => PostingKey.parse(key)),
  };
};

/**
 * Verified vouchers besides the control keys, the newest and the oldest: where somebody deleted the control keys in the
 * ERP, one of these shows whether look-ups see anything.
 */
export const otherVerified = async (
  database: Database,
  ledger: string,
  besides: readonly PostingKey[],
  sizeMax: number,
): Promise<readonly PostingKey[]> => {
  const part = (order: "ASC" | "DESC"): string =>
    `(SELECT posting_key FROM postings WHERE ledger = $1 AND state = 'verified' AND NOT posting_key = ANY ($2::text[])
      ORDER BY posting_id ${order} LIMIT $3)`;
  const rows = await database.pool.query<{ posting_key: string }>(`${part("DESC")} UNION ${part("ASC")}`, [
    ledger,
    besides,
    Math.floor(sizeMax / 2),
  ]);
  return rows.rows.map((row) => PostingKey.parse(row.posting_key));
};

/** Puts a voucher that was just seen in the ERP in the place of control keys that were not. */
export const replaceControls = async (database: Database, ledger: string, seen: PostingKey): Promise<void> => {
  await database.pool.query("UPDATE ledger_states SET control_keys = ARRAY[$2] WHERE ledger = $1", [ledger, seen]);
};

/** Stops all sending to a ledger until a person resumes it, and tells people by an exception; look-ups and reading go on. */
export const pauseLedger = async (
  database: Database,
  company: string,
  ledger: string,
  code: ErrorCode,
  message: string,
): Promise<void> => {
  await inTransaction(database, async (client) => {
    await client.query(
      `INSERT INTO ledger_states (company, ledger, paused, pause_code, pause_message) VALUES ($1, $2, true, $3, $4)
       ON CONFLICT (ledger) DO UPDATE SET paused = true, pause_code = excluded.pause_code, pause_message = excluded.pause_message`,
      [company, ledger, code, clip(message)],
    );
    await raiseAlarm(client, {
      id: pauseAlarm(company, ledger),
      company,
      kind: "ledger",
      code,
      subject: ledger,
      evidence: { ledger, message: clip(message) },
    });
  });
};
const pauseAlarm = (company: string, ledger: string): string => `${company}/ledger/${ledger}/paused`;

/** Tells people by an exception that nothing can be drafted (`failure` says why), or closes it. */
export const noteDrafting = async (
  database: Database,
  company: string,
  ledger: string,
  failure?: string,
): Promise<void> => {
  const id = `${company}/ledger/${ledger}/drafting`;
  if (failure === undefined) return closeAlarm(database.pool, id);
  const evidence = { ledger, message: clip(failure) };
  await raiseAlarm(database.pool, { id, company, kind: "ledger", code: "DRAFTING_FAILED", subject: ledger, evidence });
};

export const resumeLedger = async (database: Database, ledger: string): Promise<void> => {
  await inTransaction(database, async (client) => {
    const resumed = await client.query<{ company: string }>(
      `UPDATE ledger_states SET paused = false, pause_code = NULL, pause_message = NULL WHERE ledger = $1
       RETURNING company`,
      [ledger],
    );
    for (const { company } of resumed.rows) await closeAlarm(client, pauseAlarm(company, ledger));
  });
};

/** Period → vouchers of ours that are, or may be, in the ledger; those in `besides` are not counted. */
export const countSentByPeriod = async (
  database: Database,
  ledger: string,
  besides: readonly string[],
): Promise<ReadonlyMap<Period, number>> => {
  const { rows } = await database.pool.query<{ period: string; count: string }>({
    name: "count-sent-by-period",
    text: `SELECT to_char(accounted_on, 'YYYY-MM') AS period, count(*) AS count FROM postings
           WHERE ledger = $1 AND state = ANY ($2::text[]) AND posting_id <> ALL ($3::bigint[]) GROUP BY 1`,
    values: [ledger, sentStates, besides],
  });
  return new Map(rows.map((row) => [period(row.period), Number(row.count)]));
};

export interface LedgerWork {
  readonly ready: number;
  readonly sending: number;
  readonly uncertain: number;
  readonly posted: number;
  /** Until the next posting that waits for time is due; undefined where none waits. */
  readonly nextDueMs: number | undefined;
}

/** The drafting looks again after this for a posting that waits to be redrawn. */
const REDRAW_POLL_MS = 2_000;

/** An ERP that refuses to bring a voucher on asks for a person; the next run tries once more. */
const NEEDS_PERSON: readonly string[] = errorCodes.filter(
  (code) => errorCatalog[code].outcome === "refused" || code === "PERMISSION_DENIED",
);

/** What is left to do in a ledger without a person. */
export const remainingWork = async (database: Database, ledger: string): Promise<LedgerWork> => {
  const rows = await database.pool.query<{
    ready: string;
    sending: string;
    uncertain: string;
    posted: string;
    due: string | null;
  }>(
    `SELECT count(*) FILTER (WHERE state = 'ready') AS ready, count(*) FILTER (WHERE state = 'sending') AS sending,
       count(*) FILTER (WHERE state = 'uncertain' AND (look_up_after < 'infinity' OR ${PROVABLE})) AS uncertain,
       count(*) FILTER (WHERE state IN ('posted', 'differs')) AS posted,
       ceil(extract(epoch FROM min(CASE
         WHEN state = 'ready' AND source_changed THEN clock_timestamp() + $2 * interval '1 millisecond'
         WHEN state IN ('ready', 'posted') THEN greatest(coalesce(retry_after, clock_timestamp()), clock_timestamp())
         WHEN state = 'sending' THEN lease_until
         WHEN state = 'differs' THEN greatest(coalesce(lease_until, clock_timestamp()), clock_timestamp())
         WHEN state = 'uncertain' AND look_up_after < 'infinity' THEN greatest(look_up_after, lease_until)
         WHEN state = 'uncertain' AND ${PROVABLE} THEN lease_until END)
         - clock_timestamp()) * 1000)::bigint AS due
     FROM postings WHERE ledger = $1 AND (state IN ('ready', 'sending', 'uncertain', 'posted') OR state = 'differs' AND retry = 'read')
       AND NOT (state = 'posted' AND coalesce(error_code, '') = ANY ($3::text[]))`,
    [ledger, REDRAW_POLL_MS, NEEDS_PERSON],
  );
  const row = rows.rows[0];
  return {
    ready: Number(row?.ready ?? 0),
    sending: Number(row?.sending ?? 0),
    uncertain: Number(row?.uncertain ?? 0),
    posted: Number(row?.posted ?? 0),
    nextDueMs: row?.due === null || row?.due === undefined ? undefined : Math.max(0, Number(row.due)),
  };
};

/** A posting with everything its reversal needs. */
export interface ReversiblePosting {
  readonly postingId: string;
  readonly state: PostingState;
  readonly company: string;
  readonly source: string;
  readonly form: string;
  readonly purpose: Purpose;
  readonly generation: number;
  readonly number: string;
  readonly claimed: ClaimedPosting;
  readonly movements: readonly DraftMovement[];
  readonly lineMovements: readonly (readonly string[])[];
  /** Key of the reversal that exists already, in whatever state but withdrawn. */
  readonly reversal: string | undefined;
}

/** Locks a posting for its reversal. @returns undefined when no posting has the key */
export const lockForReversal = async (client: pg.ClientBase, key: string): Promise<ReversiblePosting | undefined> => {
  const found = await client.query<
    ClaimRow & {
      state: PostingState;
      company: string;
      source: string;
      form: string;
      purpose: Purpose;
      generation: number;
      erp_number: string | null;
    }
  >(
    `SELECT ${CLAIM_COLUMNS}, p.state, p.company, p.source, p.form, p.purpose, p.generation, p.erp_number
     FROM postings p WHERE p.posting_id = (SELECT posting_id FROM posting_keys WHERE posting_key = $1) FOR UPDATE`,
    [key],
  );
  const row = found.rows[0];
  if (row === undefined) return undefined;
  const links = await client.query<{
    movement_id: string;
    revision: number;
    occurrence: string;
    quantity: string;
    value: string;
  }>(
    `SELECT movement_id::text, revision, occurrence, quantity, value FROM posting_movements WHERE posting_id = $1
     ORDER BY movement_id, occurrence`,
    [row.posting_id],
  );
  const lines = await client.query<{ movement_ids: string[] }>(
    "SELECT movement_ids::text[] FROM voucher_lines WHERE posting_id = $1 ORDER BY line_number",
    [row.posting_id],
  );
  const reversal = await client.query<{ posting_key: string }>(
    "SELECT posting_key FROM postings WHERE ledger = $1 AND reverses = $2 AND state <> 'withdrawn'",
    [row.ledger, row.posting_id],
  );
  return {
    postingId: row.posting_id,
    state: row.state,
    company: row.company,
    source: row.source,
    form: row.form,
    purpose: row.purpose,
    generation: row.generation,
    number: row.erp_number ?? "",
    claimed: claimedOf(row),
    movements: links.rows.map((link) => ({
      movementId: link.movement_id,
      revision: link.revision,
      occurrence: link.occurrence,
      quantity: link.quantity,
      value: link.value,
    })),
    lineMovements: lines.rows.map((line) => line.movement_ids),
    reversal: reversal.rows[0]?.posting_key,
  };
};
