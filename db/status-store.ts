import type { Database } from "./database.ts";

/** What `zhangshi status` and the metrics show: counts only, from indexed tables. Instants are ISO text. */
export interface Status {
  readonly postings: readonly { company: string; ledger: string; state: string; count: number }[];
  readonly sources: readonly {
    company: string;
    source: string;
    form: string;
    records: number;
    pulledAt: string | null;
    lastPassAt: string | null;
  }[];
  readonly ledgers: readonly {
    company: string;
    ledger: string;
    paused: boolean;
    pauseCode: string | null;
    pauseMessage: string | null;
  }[];
  readonly exceptions: readonly { company: string; kind: string; code: string; cause: number | null; count: number }[];
  readonly blocked: readonly { ledger: string; code: string; count: number }[];
  readonly reconciliations: readonly {
    company: string;
    ledger: string;
    statement: string;
    startedAt: string;
    finishedAt: string | null;
  }[];
}

export async function readStatus({ pool }: Database): Promise<Status> {
  const rows = async <Row extends object>(text: string): Promise<Row[]> => (await pool.query<Row>(text)).rows;
  const [postings, sources, ledgers, exceptions, blocked, reconciliations] = await Promise.all([
    rows<Status["postings"][number]>(
      "SELECT company, ledger, state, count(*)::integer AS count FROM postings GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
    ),
    rows<Status["sources"][number]>(
      `SELECT f.company, f.source, f.form, count(r.record_id)::integer AS records,
              ${instant("f.pulled_at")} AS "pulledAt", ${instant("f.last_pass_at")} AS "lastPassAt"
         FROM source_forms f LEFT JOIN source_records r USING (company, source, form)
        GROUP BY f.company, f.source, f.form ORDER BY 1, 2, 3`,
    ),
    rows<Status["ledgers"][number]>(
      `SELECT company, ledger, paused, pause_code AS "pauseCode", pause_message AS "pauseMessage"
         FROM ledger_states ORDER BY company, ledger`,
    ),
    rows<Status["exceptions"][number]>(
      `SELECT company, kind, code, cause, count(*)::integer AS count FROM exceptions WHERE state = 'open'
        GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4`,
    ),
    rows<Status["blocked"][number]>(
      "SELECT ledger, code, count(*)::integer AS count FROM blocked_movements GROUP BY 1, 2 ORDER BY 1, 2",
    ),
    rows<Status["reconciliations"][number]>(
      `SELECT DISTINCT ON (company, ledger, statement) company, ledger, statement,
              ${instant("started_at")} AS "startedAt", ${instant("finished_at")} AS "finishedAt"
         FROM reconciliation_runs ORDER BY company, ledger, statement, started_at DESC`,
    ),
  ]);
  return { postings, sources, ledgers, exceptions, blocked, reconciliations };
}

/** Everything behind one voucher: why these accounts, why these amounts, what happened to it. Amounts are decimal text. */
export interface VoucherHistory {
  readonly posting: {
    key: string;
    company: string;
    ledger: string;
    book: string;
    purpose: string;
    part: number;
    generation: number;
    state: string;
    stage: string;
    targetStage: string;
    word: string;
    accountedOn: string;
    period: string;
    late: boolean;
    attachments: number;
    currency: string;
    documents: string[];
    summary: string;
    rule: string;
    ruleVersion: number;
    debitTotal: string;
    creditTotal: string;
    erpId: string | null;
    erpNumber: string | null;
    errorCode: string | null;
    errorMessage: string | null;
    reverses: string | null;
    reversedBy: string | null;
    createdAt: string;
    postedAt: string | null;
    verifiedAt: string | null;
  };
  readonly lines: readonly {
    line: number;
    side: string;
    role: string;
    account: string;
    amount: string;
    quantity: string | null;
    unit: string | null;
    unitPrice: string | null;
    dimensions: Readonly<Record<string, string>>;
    summary: string;
    why: string;
    movements: string[];
  }[];
  readonly movements: readonly {
    movement: string;
    revision: number;
    kind: string | null;
    form: string | null;
    document: string | null;
    line: string | null;
    happenedOn: string | null;
    item: string | null;
    warehouse: string | null;
    movedQuantity: string | null;
    unit: string | null;
    /** What this voucher takes of it. */
    quantity: string;
    value: string;
  }[];
  readonly attempts: readonly {
    at: string;
    act: string;
    outcome: string;
    code: string | null;
    message: string | null;
    erpId: string | null;
    worker: string;
  }[];
  readonly readBacks: readonly { at: string; equal: boolean; deviations: unknown; voucher: unknown }[];
}

/** @returns undefined where no such key was ever assigned */
export async function readVoucher({ pool }: Database, key: string): Promise<VoucherHistory | undefined> {
  const found = await pool.query<{ posting_id: string }>(
    "SELECT posting_id::text FROM posting_keys WHERE posting_key = $1",
    [key],
  );
  const id = found.rows[0]?.posting_id;
  if (id === undefined) return undefined;
  const rows = async <Row extends object>(text: string): Promise<Row[]> => (await pool.query<Row>(text, [id])).rows;
  const [postings, lines, movements, attempts, readBacks] = await Promise.all([
    rows<VoucherHistory["posting"]>(
      `SELECT p.posting_key AS key, p.company, p.ledger, p.book, p.purpose, p.part, p.generation, p.state, p.stage,
              p.target_stage AS "targetStage", p.word, p.accounted_on::text AS "accountedOn", p.period, p.late,
              p.attachments, p.currency, p.documents, p.summary, p.rule_name AS rule, p.rule_version AS "ruleVersion",
              p.debit_total::text AS "debitTotal", p.credit_total::text AS "creditTotal",
              p.erp_id AS "erpId", p.erp_number AS "erpNumber", p.error_code AS "errorCode",
              p.error_message AS "errorMessage", older.posting_key AS reverses, newer.posting_key AS "reversedBy",
              ${instant("p.created_at")} AS "createdAt", ${instant("p.posted_at")} AS "postedAt",
              ${instant("p.verified_at")} AS "verifiedAt"
         FROM postings p
         LEFT JOIN posting_keys older ON older.posting_id = p.reverses
         LEFT JOIN posting_keys newer ON newer.posting_id = p.reversed_by
        WHERE p.posting_id = $1`,
    ),
    rows<VoucherHistory["lines"][number]>(
      `SELECT line_number AS line, side, role, account, amount::text, quantity::text, unit,
              unit_price::text AS "unitPrice", dimensions, summary, why, movement_ids::text[] AS movements
         FROM voucher_lines WHERE posting_id = $1 ORDER BY line_number`,
    ),
    rows<VoucherHistory["movements"][number]>(
      `SELECT pm.movement_id::text AS movement, pm.revision, m.kind, m.form, m.document_number AS document,
              m.line_id AS line, m.happened_on::text AS "happenedOn", m.item, m.warehouse,
              m.quantity::text AS "movedQuantity", m.unit, pm.quantity::text, pm.value::text
         FROM posting_movements pm
         LEFT JOIN movements m ON m.movement_id = pm.movement_id AND m.revision = pm.revision
        WHERE pm.posting_id = $1 ORDER BY pm.movement_id, pm.occurrence`,
    ),
    rows<VoucherHistory["attempts"][number]>(
      `SELECT ${instant("attempt_at")} AS at, act, outcome, code, message, erp_id AS "erpId", worker
         FROM posting_attempts WHERE posting_id = $1 ORDER BY attempt_at`,
    ),
    rows<VoucherHistory["readBacks"][number]>(
      `SELECT ${instant("read_at")} AS at, equal, deviations, voucher FROM read_backs WHERE posting_id = $1 ORDER BY read_at`,
    ),
  ]);
  const posting = postings[0];
  return posting === undefined ? undefined : { posting, lines, movements, attempts, readBacks };
}

const instant = (column: string): string => `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/** One line of the list of vouchers. */
export interface VoucherSummary {
  readonly key: string;
  readonly ledger: string;
  readonly state: string;
  readonly accountedOn: string;
  /** Word and number in the ERP; null while it has none. */
  readonly number: string | null;
  readonly summary: string;
  readonly documents: readonly string[];
  readonly total: string;
  readonly errorCode: string | null;
}

export interface VoucherFilter {
  readonly ledger?: string | undefined;
  readonly state?: string | undefined;
  /** Exactly this number of a warehouse document. */
  readonly document?: string | undefined;
  readonly rowsMax: number;
}

/** The newest vouchers first. */
export async function listVouchers({ pool }: Database, filter: VoucherFilter): Promise<readonly VoucherSummary[]> {
  const { rows } = await pool.query<VoucherSummary>(
    `SELECT posting_key AS key, ledger, state, accounted_on::text AS "accountedOn", word || ' ' || erp_number AS number,
            summary, documents, debit_total::text AS total, error_code AS "errorCode"
       FROM postings
      WHERE ($1::text IS NULL OR ledger = $1) AND ($2::text IS NULL OR state = $2)
        AND ($3::text IS NULL OR $3 = ANY (documents))
      ORDER BY posting_id DESC LIMIT $4`,
    [filter.ledger ?? null, filter.state ?? null, filter.document ?? null, filter.rowsMax],
  );
  return rows;
}
