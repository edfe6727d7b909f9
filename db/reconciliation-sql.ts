/*
 * The statements of the comparison. Each returns deviations or one page; numbers leave as text, without trailing zeros.
 * A posting is live while its voucher stands in the ERP: 'posted', 'verified', 'differs'.
 */

const LIVE = "('posted', 'verified', 'differs')";
/** Factor of a movement's unit: how many stock units one of it is; an unknown unit counts as the stock unit. */
const FACTOR = "coalesce((i.conversions ->> m.unit)::numeric, 1)";
const LATEST = "NOT EXISTS (SELECT 1 FROM movements n WHERE n.movement_id = m.movement_id AND n.revision > m.revision)";
const isStock = (account: string, parameter: string): string =>
  `EXISTS (SELECT 1 FROM unnest(${parameter}::text[]) s WHERE ${account} = s OR starts_with(${account}, s || '.'))`;
/** The three sums of ByStage over rows of erp_vouchers `e`. */
const byStage = (amount: string): string => `json_build_object(
  'all', trim_scale(coalesce(sum(${amount}), 0))::text,
  'audited', trim_scale(coalesce(sum(${amount}) FILTER (WHERE e.stage IN ('audited', 'booked')), 0))::text,
  'booked', trim_scale(coalesce(sum(${amount}) FILTER (WHERE e.stage = 'booked'), 0))::text)`;
const NOTHING = `json_build_object('all', '0', 'audited', '0', 'booked', '0')`;
const ERP_LINES = `jsonb_to_recordset(e.voucher -> 'lines') AS l (side text, account text, amount numeric, quantity numeric, dimensions jsonb)`;

// ------------------------------------------------------------------------------------------------ landing

export const START_RUN = `
  INSERT INTO reconciliation_runs (run_id, company, ledger, statement)
  VALUES (nextval('reconciliation_run_ids'), $1, $2, $3) RETURNING run_id::text`;

/** A voucher belongs to our key if it carries it, or if it is the very voucher we posted and somebody wiped the field. */
export const LAND_VOUCHERS = `
  INSERT INTO erp_vouchers (ledger, period, erp_id, posting_key, word, number, dated, stage, voided, origin, maker, voucher, run_id)
  SELECT $1, v ->> 'period', v ->> 'erpId', k.posting_key, v ->> 'word', v ->> 'number', (v ->> 'date')::date,
    v ->> 'stage', (v ->> 'voided')::boolean, v ->> 'origin', v ->> 'maker',
    jsonb_set(v, '{key}', to_jsonb(k.posting_key)), $2
  FROM jsonb_array_elements($3::jsonb) v
  CROSS JOIN LATERAL (SELECT coalesce(
    (SELECT pk.posting_key FROM posting_keys pk WHERE pk.posting_key = v ->> 'key' AND pk.ledger = $1 LIMIT 1),
    (SELECT pk.posting_key FROM posting_keys pk WHERE pk.ledger = $1 AND pk.short_key = v ->> 'key' LIMIT 1),
    (SELECT p.posting_key FROM postings p WHERE p.ledger = $1 AND p.erp_id = v ->> 'erpId' AND v ->> 'key' = ''
      ORDER BY p.posting_id LIMIT 1),
    v ->> 'key') AS posting_key) k
  ON CONFLICT (ledger, erp_id) DO UPDATE SET period = excluded.period, posting_key = excluded.posting_key,
    word = excluded.word, number = excluded.number, dated = excluded.dated, stage = excluded.stage,
    voided = excluded.voided, origin = excluded.origin, maker = excluded.maker, voucher = excluded.voucher,
    run_id = excluded.run_id`;

export const FINISH_PERIOD = `
  INSERT INTO landed_periods (ledger, period, run_id) VALUES ($1, $2, $3)
  ON CONFLICT (ledger, period) DO UPDATE SET run_id = excluded.run_id, landed_at = now()`;

export const UNSEEN_ERP_IDS = `
  SELECT DISTINCT p.erp_id COLLATE "C" AS erp_id FROM postings p
  JOIN landed_periods d ON d.ledger = p.ledger AND d.period = p.period AND d.run_id = $2
  WHERE p.ledger = $1 AND p.state IN ('posted', 'verified', 'differs', 'reversed') AND p.erp_id COLLATE "C" > $3
    AND NOT EXISTS (SELECT 1 FROM erp_vouchers e WHERE e.ledger = $1 AND e.erp_id = p.erp_id AND e.run_id = $2)
  ORDER BY 1 LIMIT $4`;

/** Hops from one period to the next over the index instead of reading every posting. */
export const POSTING_PERIODS = `
  WITH RECURSIVE hops AS (
    (SELECT period FROM postings WHERE ledger = $1 ORDER BY period LIMIT 1)
    UNION ALL
    SELECT (SELECT p.period FROM postings p WHERE p.ledger = $1 AND p.period > h.period ORDER BY p.period LIMIT 1)
    FROM hops h WHERE h.period IS NOT NULL
  )
  SELECT period FROM hops WHERE period IS NOT NULL`;

/** A landing notes which of its periods were closed before it began to read. */
export const SETTLED_PERIODS = `
  SELECT d.period FROM landed_periods d
  JOIN reconciliation_runs r ON r.run_id = d.run_id AND r.summary -> 'closed' ? d.period
  WHERE d.ledger = $1 AND NOT EXISTS (SELECT 1 FROM postings p WHERE p.ledger = $1 AND p.period = d.period
    AND greatest(p.created_at, p.sent_at, p.posted_at, p.verified_at) > r.started_at)
  ORDER BY d.landed_at, d.period`;

export const REMEMBER_AUDITS = `
  UPDATE postings p SET audited_seen = true FROM erp_vouchers e
  WHERE p.ledger = $1 AND e.ledger = $1 AND e.posting_key = p.posting_key AND NOT p.audited_seen
    AND NOT e.voided AND e.stage IN ('audited', 'booked')`;

export const LAND_BALANCES = `
  INSERT INTO erp_balances (ledger, period, account, item, opening, debit, credit, closing, opening_quantity, closing_quantity, run_id)
  SELECT $1, $2, b.account, b.item, sum(b.opening), sum(b.debit), sum(b.credit), sum(b.closing),
    sum(b."openingQuantity"), sum(b."closingQuantity"), $3
  FROM jsonb_to_recordset($4::jsonb) AS b (account text, item text, opening numeric, debit numeric, credit numeric,
    closing numeric, "openingQuantity" numeric, "closingQuantity" numeric)
  GROUP BY b.account, b.item
  ON CONFLICT (ledger, period, account, item) DO UPDATE SET opening = excluded.opening, debit = excluded.debit,
    credit = excluded.credit, closing = excluded.closing, opening_quantity = excluded.opening_quantity,
    closing_quantity = excluded.closing_quantity, run_id = excluded.run_id`;

export const LAND_RECORDS = `
  INSERT INTO landed_records (company, source, form, record_id, document_number, change, effects, run_id)
  SELECT $1, $2, $3, g."recordId", g."documentNumber", c.change,
    CASE c.change WHEN 'none' THEN '[]'::jsonb ELSE coalesce((
      SELECT jsonb_agg(jsonb_build_object('item', f.item, 'warehouse', f.warehouse, 'batch', f.batch,
        'quantity', trim_scale(f.quantity * coalesce((i.conversions ->> f.unit)::numeric, 1))::text))
      FROM jsonb_to_recordset(g.effects) AS f (item text, warehouse text, batch text, unit text, quantity numeric)
      LEFT JOIN items i ON i.company = $1 AND i.code = f.item), '[]'::jsonb) END, $4
  FROM jsonb_to_recordset($5::jsonb) AS g ("recordId" text, "documentNumber" text, digest text, unreadable boolean, effects jsonb)
  LEFT JOIN source_records r ON r.company = $1 AND r.source = $2 AND r.form = $3 AND r.record_id = g."recordId"
  CROSS JOIN LATERAL (SELECT CASE
    WHEN g.unreadable THEN 'none'
    WHEN r.record_id IS NULL OR r.cancelled THEN 'new'
    WHEN r.digest <> g.digest THEN 'edited'
    ELSE 'none' END AS change) c
  ON CONFLICT (company, source, form, record_id) DO UPDATE SET document_number = excluded.document_number,
    change = excluded.change, effects = excluded.effects, run_id = excluded.run_id`;

/** Two rows of one page about the same thing are two parts of one quantity. Older are the rows read before the run began. */
export const LAND_STOCK = `
  INSERT INTO warehouse_balances (company, source, item, warehouse, batch, quantity, read_at)
  SELECT $1, $2, b.item, b.warehouse, b.batch, sum(b.quantity), clock_timestamp()
  FROM jsonb_to_recordset($4::jsonb) AS b (item text, warehouse text, batch text, quantity numeric)
  WHERE EXISTS (SELECT 1 FROM reconciliation_runs WHERE run_id = $3::bigint)
  GROUP BY b.item, b.warehouse, b.batch
  ON CONFLICT (company, source, item, warehouse, batch) DO UPDATE SET quantity = excluded.quantity, read_at = excluded.read_at`;

export const DELETE_OLD_STOCK = `
  DELETE FROM warehouse_balances b USING reconciliation_runs r
  WHERE r.run_id = $3::bigint AND b.company = $1 AND b.source = $2 AND b.read_at < r.started_at`;

export const FINISH_SOURCE = `
  INSERT INTO landed_sources (company, source, run_id, balances)
  SELECT $1, $2, $3, count(*) FROM warehouse_balances WHERE company = $1 AND source = $2
  ON CONFLICT (company, source) DO UPDATE SET run_id = excluded.run_id, landed_at = now(), balances = excluded.balances
  RETURNING balances AS count`;

// ------------------------------------------------------------------------------------------------ document level

export const POSTINGS = `
  SELECT p.posting_id::text, json_build_object(
    'key', p.posting_key, 'form', p.form, 'documents', p.documents, 'purpose', p.purpose, 'state', p.state,
    'stage', p.stage, 'targetStage', p.target_stage, 'accountedOn', p.accounted_on, 'period', p.period, 'late', p.late,
    'auditedSeen', p.audited_seen, 'verifiedOnce', p.verified_at IS NOT NULL,
    'errorCode', coalesce(p.error_code, ''), 'errorMessage', coalesce(p.error_message, ''),
    'erpId', coalesce(p.erp_id, ''), 'erpNumber', coalesce(p.erp_number, ''), 'amount', trim_scale(p.debit_total)::text,
    'landed', EXISTS (SELECT 1 FROM landed_periods d WHERE d.ledger = p.ledger AND d.period = p.period
      AND (p.posted_at IS NULL OR p.posted_at <= d.landed_at)),
    'lines', coalesce((SELECT json_agg(json_build_object('lineNumber', l.line_number, 'side', l.side, 'account', l.account,
        'amount', l.amount::text, 'quantity', l.quantity::text, 'dimensions', l.dimensions) ORDER BY l.line_number)
      FROM voucher_lines l WHERE l.posting_id = p.posting_id), '[]'::json),
    'vouchers', coalesce((SELECT json_agg(e.voucher ORDER BY e.erp_id)
      FROM erp_vouchers e WHERE e.ledger = p.ledger AND e.posting_key = p.posting_key), '[]'::json)) AS fact
  FROM postings p WHERE p.ledger = $1 AND p.posting_id > $2::bigint AND p.state <> 'withdrawn'
  ORDER BY p.posting_id LIMIT $3`;

/**
 * The finder of doubles: lists the ledger's own vouchers and groups them by our key; it asks for no key. The one that we
 * know by its id stays, or the oldest.
 */
export const DOUBLES = `
  SELECT d.posting_key AS key, coalesce(p.form, '') AS form, coalesce(p.documents, '{}') AS documents,
    trim_scale(coalesce(p.debit_total, 0) * (cardinality(d.erp_ids) - 1))::text AS amount, d.erp_ids AS "erpIds", d.numbers,
    CASE WHEN p.erp_id = ANY (d.erp_ids) THEN p.erp_id ELSE d.erp_ids[1] END AS "keptErpId"
  FROM (SELECT e.posting_key, array_agg(e.erp_id ORDER BY length(e.erp_id), e.erp_id) AS erp_ids,
      array_agg(e.word || '-' || e.number ORDER BY length(e.erp_id), e.erp_id) AS numbers
    FROM erp_vouchers e WHERE e.ledger = $1 AND NOT e.voided AND e.posting_key <> ''
    GROUP BY e.posting_key HAVING count(*) > 1) d
  LEFT JOIN postings p ON p.posting_key = d.posting_key
  ORDER BY 1`;

export const FOREIGN = `
  SELECT $2 AS book, e.word, e.number, e.period, e.erp_id AS "erpId", e.origin, e.maker, trim_scale(s.amount)::text AS amount
  FROM erp_vouchers e
  CROSS JOIN LATERAL (SELECT count(*) AS lines, coalesce(sum(CASE l.side WHEN 'debit' THEN l.amount ELSE -l.amount END), 0) AS amount
    FROM ${ERP_LINES} WHERE ${isStock("l.account", "$3")}) s
  WHERE e.ledger = $1 AND NOT e.voided AND s.lines > 0
    AND NOT EXISTS (SELECT 1 FROM posting_keys pk WHERE pk.posting_key = e.posting_key)
  ORDER BY e.erp_id`;

/** One field of two revisions as text; absent is empty. */
const field = (name: string, column: string): string => `('${name}', o.${column}::text, m.${column}::text)`;
const number = (name: string, column: string): string =>
  `('${name}', trim_scale(o.${column})::text, trim_scale(m.${column})::text)`;
/** Only where a line of the voucher has this dimension do the books speak of it. */
const carried = (dimension: string): string =>
  `EXISTS (SELECT 1 FROM voucher_lines l WHERE l.posting_id = p.posting_id AND l.dimensions ? '${dimension}')`;

/**
 * The newest revision beside the one that a standing voucher was drawn from, field by field; absent and present differ.
 * A batch or an order that no line of the voucher carries is nothing to the books, nor is a day that did not make the
 * voucher's date.
 */
export const CHANGED = `
  SELECT m.movement_id::text AS "movementId", o.form, o.document_number AS "documentNumber", o.item, pm.purpose,
    p.posting_key AS key, coalesce(p.erp_id, '') AS "erpId", coalesce(p.erp_number, '') AS "erpNumber", m.cancelled,
    o.invoiced, p.period, to_char(m.happened_on, 'YYYY-MM') AS "happenedIn", trim_scale(pm.value)::text AS value, f.fields
  FROM postings p
  JOIN posting_movements pm ON pm.posting_id = p.posting_id
  JOIN movements o ON o.movement_id = pm.movement_id AND o.revision = pm.revision
  JOIN movements m ON m.movement_id = pm.movement_id AND m.revision > pm.revision
  CROSS JOIN LATERAL (SELECT coalesce(json_agg(json_build_object('field', c.name, 'ours', coalesce(c.now, ''),
      'theirs', coalesce(c.posted, ''))), '[]'::json) AS fields
    FROM (
      VALUES ${field("kind", "kind")}, ${field("item", "item")}, ${field("warehouse", "warehouse")},
        ${field("counterWarehouse", "counter_warehouse")}, ${field("partner", "partner")}, ${field("department", "department")},
        ${field("cause", "cause")}, ${field("invoiced", "invoiced")}, ${field("originDocument", "origin_document")},
        ${field("currency", "currency")}, ${field("unit", "unit")}, ${number("quantity", "quantity")},
        ${field("happenedOn", "happened_on")}, ${field("batch", "batch")}, ${field("order", "order_number")},
        ${number("amount", "amount")}, ${number("taxAmount", "tax_amount")}, ${number("salesAmount", "sales_amount")}
    ) AS c (name, posted, now)
    WHERE c.posted IS DISTINCT FROM c.now AND CASE c.name
      WHEN 'happenedOn' THEN to_char(m.happened_on, 'YYYY-MM') <> ALL (ARRAY[p.period, to_char(o.happened_on, 'YYYY-MM')])
        OR o.happened_on = p.accounted_on
      WHEN 'batch' THEN ${carried("batch")}
      WHEN 'order' THEN ${carried("order")}
      -- A sale has a voucher for its cost and one for its revenue; each answers for its own amount.
      WHEN 'amount' THEN pm.purpose <> 'revenue'
      WHEN 'taxAmount' THEN pm.purpose <> 'stock' OR o.sales_amount IS NULL AND m.sales_amount IS NULL
      WHEN 'salesAmount' THEN pm.purpose = 'revenue' OR o.sales_amount IS NULL
      ELSE true END) f
  WHERE p.ledger = $1 AND p.state IN ${LIVE} AND pm.purpose IN ('stock', 'revenue', 'invoice', 'invoice-difference')
    AND ${LATEST} AND (m.cancelled OR json_array_length(f.fields) > 0)
  ORDER BY m.movement_id, p.posting_id`;

/** Movements that stand as they were posted, whose voucher was taken back by a reversal of ours, and that no drafting will take up. */
export const REVERSED = `
  SELECT m.movement_id::text AS "movementId", m.form, m.document_number AS "documentNumber", p.posting_key AS key,
    coalesce(r.posting_key, '') AS reversal, coalesce(p.erp_id, '') AS "erpId", coalesce(p.erp_number, '') AS "erpNumber",
    trim_scale(pm.value)::text AS value
  FROM postings p
  JOIN posting_movements pm ON pm.posting_id = p.posting_id
  JOIN movements m ON m.movement_id = pm.movement_id AND m.revision = pm.revision
  LEFT JOIN postings r ON r.posting_id = p.reversed_by
  WHERE p.ledger = $1 AND p.state = 'reversed' AND NOT p.source_changed AND NOT m.cancelled AND ${LATEST}
    AND NOT EXISTS (SELECT 1 FROM posting_movements s JOIN postings q ON q.posting_id = s.posting_id
      WHERE s.movement_id = pm.movement_id AND s.ledger = $1 AND s.purpose = pm.purpose AND s.occurrence = pm.occurrence
        AND q.state <> 'reversed')
    AND NOT EXISTS (SELECT 1 FROM blocked_movements b WHERE b.movement_id = m.movement_id AND b.ledger = $1)
  ORDER BY m.movement_id, p.posting_id`;

/** Recorded after a movement of a later day of the same item had been drafted, that is, costed. */
export const BACKDATED = `
  WITH costed AS (
    SELECT m.movement_id, m.arrival, m.form, m.document_number, m.item, m.happened_on, m.recorded_at,
      min(p.created_at) OVER later AS costed_at, max(m.happened_on) OVER later AS costed_until
    FROM postings p
    JOIN posting_movements pm ON pm.posting_id = p.posting_id AND pm.purpose = 'stock'
    JOIN movements m ON m.movement_id = pm.movement_id AND m.revision = 1
    WHERE p.ledger = $2 AND p.company = $1 AND p.state IN ${LIVE}
    WINDOW later AS (PARTITION BY m.item ORDER BY m.happened_on DESC GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
  )
  SELECT c.form, c.document_number AS "documentNumber", c.item, c.happened_on::text AS "happenedOn",
    to_char(c.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS "recordedAt",
    c.costed_until::text AS "costedUntil", coalesce(k.keys, '{}') AS corrections, trim_scale(coalesce(k.value, 0))::text AS corrected
  FROM costed c
  LEFT JOIN LATERAL (SELECT array_agg(DISTINCT p.posting_key) AS keys, sum(pm.value) AS value
    FROM posting_movements pm JOIN postings p ON p.posting_id = pm.posting_id
    JOIN movements n ON n.movement_id = pm.movement_id AND n.revision = pm.revision AND n.item = c.item
    WHERE pm.ledger = $2 AND pm.purpose = 'cost-correction' AND split_part(pm.occurrence, ':', 1) = c.arrival::text) k ON true
  WHERE c.costed_at < c.recorded_at
  ORDER BY c.movement_id`;

export const BLOCKED = `
  SELECT m.form, m.document_number AS "documentNumber", b.code, b.subject, trim_scale(m.amount)::text AS amount
  FROM blocked_movements b JOIN movements m ON m.movement_id = b.movement_id AND m.revision = b.revision
  WHERE b.ledger = $2 AND m.company = $1 AND NOT m.cancelled AND b.code <> 'VOUCHER_EMPTY'
  ORDER BY b.movement_id`;

/**
 * Movements that drafting has passed and that no voucher holds, none on its way either; of them, those that may need one
 * ($3 the kinds): what was worth nothing has none. A voucher that was reversed because its source changed makes room for
 * one that is still to be drafted.
 */
export const UNDRAFTED = `
  SELECT m.movement_id::text AS "movementId", trim_scale(m.quantity)::text AS quantity, trim_scale(m.amount)::text AS amount,
    EXISTS (SELECT 1 FROM postings s WHERE s.company = $1 AND s.ledger = $2 AND s.source = m.source AND s.form = m.form
      AND s.record_id = m.record_id AND s.state IN ${LIVE}) AS standing,
    json_build_object('company', m.company, 'source', m.source, 'form', m.form, 'recordId', m.record_id, 'lineId', m.line_id,
      'revision', m.revision, 'cancelled', m.cancelled, 'kind', m.kind, 'documentNumber', m.document_number,
      'happenedAt', to_char(m.happened_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'happenedOn', m.happened_on::text,
      'item', m.item, 'warehouse', m.warehouse, 'counterWarehouse', m.counter_warehouse, 'batch', m.batch, 'unit', m.unit,
      'quantity', m.quantity::text, 'currency', m.currency, 'partner', m.partner, 'department', m.department,
      'order', m.order_number, 'cause', m.cause, 'invoiced', m.invoiced, 'originDocument', m.origin_document,
      'sourceUpdatedAt', to_char(m.source_updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) AS movement,
    coalesce((SELECT i.item_class FROM items i WHERE i.company = $1 AND i.code = m.item), '') AS "itemClass"
  FROM draft_cursors c JOIN movements m ON m.company = $1 AND m.source = c.source AND m.arrival <= c.arrival
  WHERE c.ledger = $2 AND NOT m.cancelled AND m.kind = ANY ($3) AND (m.amount IS NULL OR m.amount <> 0) AND ${LATEST}
    AND NOT EXISTS (SELECT 1 FROM posting_movements pm JOIN postings p ON p.posting_id = pm.posting_id
      WHERE pm.movement_id = m.movement_id AND pm.ledger = $2 AND pm.purpose <> 'reversal'
        AND (p.state <> 'reversed' OR p.source_changed OR pm.revision = m.revision))
    AND NOT EXISTS (SELECT 1 FROM blocked_movements b WHERE b.movement_id = m.movement_id AND b.ledger = $2)
    AND NOT EXISTS (SELECT 1 FROM cost_entries v WHERE v.movement_id = m.movement_id AND v.ledger = $2 AND v.canonical = 0)
    -- A return of goods whose estimate is reversed at the moment has nothing to take back.
    AND NOT EXISTS (SELECT 1 FROM estimates e WHERE m.kind = 'purchase-return' AND e.ledger = $2
      AND e.document_number = m.origin_document AND e.state -> 'taken' ? m.movement_id::text)
  ORDER BY m.movement_id`;

export const ONE_LEGS = `
  SELECT m.form, m.document_number AS "documentNumber", m.item FROM movements m
  WHERE m.company = $1 AND m.kind = 'transfer' AND NOT m.cancelled AND (m.counter_warehouse = '' OR m.warehouse = '') AND ${LATEST}
  ORDER BY m.movement_id`;

export const UNPULLED = `
  SELECT r.form, r.document_number AS "documentNumber", r.record_id AS "recordId", r.change, EXISTS (
    SELECT 1 FROM movements m JOIN posting_movements pm ON pm.movement_id = m.movement_id AND pm.ledger = $2
    JOIN postings p ON p.posting_id = pm.posting_id AND p.state IN ${LIVE}
    WHERE m.company = $1 AND m.source = r.source AND m.form = r.form AND m.record_id = r.record_id) AS posted
  FROM (
    SELECT l.source, l.form, l.document_number, l.record_id, l.change FROM landed_records l
    WHERE l.company = $1 AND l.change <> 'none'
    UNION ALL
    SELECT s.source, s.form, s.document_number, s.record_id, 'removed' FROM source_records s
    JOIN landed_sources d ON d.company = s.company AND d.source = s.source AND s.first_seen_at < d.landed_at
    WHERE s.company = $1 AND NOT s.cancelled AND NOT EXISTS (SELECT 1 FROM landed_records l
      WHERE l.company = s.company AND l.source = s.source AND l.form = s.form AND l.record_id = s.record_id)) r
  ORDER BY r.form, r.record_id`;

// ------------------------------------------------------------------------------------------------ quantities

/** Lines of our own vouchers against their movements: a unit lost on the way from the form to the voucher. */
/** A part of a receipt (a return at estimate price, the rest that is estimated again) is drawn with its own quantity. */
const DRAWN_QUANTITY = "coalesce((pm.basis ->> 'quantity')::numeric, m.quantity)";

export const LINE_QUANTITIES = `
  SELECT min(m.form) AS form, min(m.document_number) AS "documentNumber", min(m.item) AS item, min(p.posting_key) AS key,
    coalesce(min(p.erp_id), '') AS "erpId", coalesce(min(p.erp_number), '') AS "erpNumber",
    trim_scale(sum(CASE WHEN m.kind = ANY ($3) THEN ${DRAWN_QUANTITY} ELSE -${DRAWN_QUANTITY} END * ${FACTOR}))::text AS moved,
    trim_scale(min(l.quantity))::text AS booked, array_agg(m.movement_id::text) AS "movementIds"
  FROM postings p
  JOIN voucher_lines l ON l.posting_id = p.posting_id AND l.quantity IS NOT NULL AND cardinality(l.movement_ids) > 0
  JOIN posting_movements pm ON pm.posting_id = p.posting_id AND pm.purpose = 'stock' AND pm.movement_id = ANY (l.movement_ids)
  JOIN movements m ON m.movement_id = pm.movement_id AND m.revision = pm.revision
  LEFT JOIN items i ON i.company = m.company AND i.code = m.item
  WHERE p.ledger = $1 AND p.purpose = 'stock' AND p.state IN ${LIVE} AND ${isStock("l.account", "$2")}
  GROUP BY p.posting_id, l.line_number
  HAVING bool_and(m.kind = ANY ($3) OR m.kind = ANY ($4))
    AND abs(sum(CASE WHEN m.kind = ANY ($3) THEN ${DRAWN_QUANTITY} ELSE -${DRAWN_QUANTITY} END * ${FACTOR})) <> abs(min(l.quantity))`;

/** What the movement log does to each warehouse ($2 in, $3 out, $4 across); a transfer counts on both ends. */
const EFFECTS = `
  SELECT m.movement_id, m.source, m.form, m.record_id, m.document_number, m.item, e.warehouse, e.quantity, ${FACTOR} AS factor,
    i.conversions, m.unit
  FROM movements m LEFT JOIN items i ON i.company = m.company AND i.code = m.item
  CROSS JOIN LATERAL (
    SELECT m.warehouse, CASE WHEN m.kind = ANY ($2) THEN m.quantity ELSE -m.quantity END AS quantity
      WHERE m.kind = ANY ($2) OR m.kind = ANY ($3) OR m.kind = ANY ($4)
    UNION ALL SELECT m.counter_warehouse, m.quantity WHERE m.kind = ANY ($4)) e
  WHERE m.company = $1 AND NOT m.cancelled AND e.warehouse <> '' AND ${LATEST}`;

/** Only sources that keep stock on hand; records that changed since count as the source shows them now. */
export const STOCK = `
  WITH sources AS (SELECT source FROM landed_sources WHERE company = $1 AND balances > 0),
  moved AS (
    SELECT f.item, f.warehouse, f.quantity * f.factor AS quantity FROM (${EFFECTS}) f
    WHERE f.source IN (SELECT source FROM sources) AND EXISTS (SELECT 1 FROM landed_records l
      WHERE l.company = $1 AND l.source = f.source AND l.form = f.form AND l.record_id = f.record_id AND l.change = 'none')
    UNION ALL
    SELECT n.item, n.warehouse, n.quantity FROM landed_records l
    CROSS JOIN LATERAL jsonb_to_recordset(l.effects) AS n (item text, warehouse text, quantity numeric)
    WHERE l.company = $1 AND l.change <> 'none' AND l.source IN (SELECT source FROM sources)
  ), sides AS (
    SELECT item, warehouse, 0 AS on_hand, quantity AS moved FROM moved
    UNION ALL
    SELECT item, warehouse, quantity, 0 FROM warehouse_balances WHERE company = $1 AND source IN (SELECT source FROM sources)
  )
  SELECT item, warehouse, trim_scale(sum(on_hand))::text AS "onHand", trim_scale(sum(moved))::text AS moved
  FROM sides GROUP BY item, warehouse HAVING sum(on_hand) <> sum(moved) ORDER BY item, warehouse`;

export const UNIT_CANDIDATES = `
  SELECT f.form, f.document_number AS "documentNumber", f.item, f.warehouse, trim_scale(f.quantity)::text AS quantity,
    trim_scale(f.factor)::text AS factor, ARRAY(SELECT DISTINCT trim_scale(x.factor)::text FROM (
      SELECT 1::numeric AS factor UNION SELECT value::numeric FROM jsonb_each_text(f.conversions)) x
      WHERE x.factor <> f.factor) AS "otherFactors"
  FROM (${EFFECTS}) f
  WHERE f.item = ANY ($5) AND f.conversions IS NOT NULL AND f.conversions <> '{}'
  ORDER BY f.movement_id`;

/**
 * 数量核算 per item. The ledger's own opening counts, unless it opened with stock that the warehouse also lists as
 * opening without a voucher of ours: then the two must agree.
 */
export const LEDGER_QUANTITIES = `
  WITH spans AS (SELECT min(period) AS first, max(period) AS last FROM landed_periods WHERE ledger = $2),
  theirs AS (
    SELECT b.item, sum(b.closing_quantity) FILTER (WHERE b.period = s.last) AS closing,
      coalesce(sum(b.opening_quantity) FILTER (WHERE b.period = s.first), 0) AS opening
    FROM erp_balances b CROSS JOIN spans s
    WHERE b.ledger = $2 AND b.item <> '' AND b.closing_quantity IS NOT NULL AND ${isStock("b.account", "$3")} GROUP BY b.item
  ), vouchers AS (
    SELECT l.dimensions ->> 'item' AS item, ${byStage("CASE l.side WHEN 'debit' THEN l.quantity ELSE -l.quantity END")} AS sums
    FROM erp_vouchers e JOIN landed_periods d ON d.ledger = e.ledger AND d.period = e.period CROSS JOIN LATERAL ${ERP_LINES}
    WHERE e.ledger = $2 AND NOT e.voided AND l.quantity IS NOT NULL AND l.dimensions ? 'item' AND ${isStock("l.account", "$3")}
    GROUP BY 1
  ), openings AS (
    SELECT coalesce(c.our_code, m.item) AS item, sum(m.quantity * ${FACTOR}) AS quantity
    FROM movements m LEFT JOIN items i ON i.company = m.company AND i.code = m.item
    LEFT JOIN LATERAL (SELECT our_code FROM code_entries WHERE ledger = $2 AND code_table = 'item' AND their_code = m.item
      ORDER BY valid_from DESC LIMIT 1) c ON true
    WHERE m.company = $1 AND m.kind = 'opening' AND NOT m.cancelled AND ${LATEST}
      AND NOT EXISTS (SELECT 1 FROM posting_movements pm WHERE pm.movement_id = m.movement_id AND pm.ledger = $2)
    GROUP BY 1
  ), opened AS (SELECT bool_or(t.opening <> 0) AND EXISTS (SELECT 1 FROM openings) AS both_sides FROM theirs t)
  SELECT coalesce(c.their_code, t.item) AS item, trim_scale(coalesce(t.closing, 0))::text AS theirs,
    trim_scale(CASE WHEN o.both_sides THEN coalesce(w.quantity, 0) ELSE t.opening END)::text AS opening,
    coalesce(v.sums, ${NOTHING}) AS vouchers
  FROM theirs t CROSS JOIN opened o
  LEFT JOIN vouchers v ON v.item = t.item LEFT JOIN openings w ON w.item = t.item
  LEFT JOIN LATERAL (SELECT their_code FROM code_entries WHERE ledger = $2 AND code_table = 'item' AND our_code = t.item
    ORDER BY valid_from DESC LIMIT 1) c ON true
  ORDER BY 1`;

/** A stock movement's sign ($3 in, $4 out). */
const SIGNED = "CASE WHEN m.kind = ANY ($3) THEN 1 ELSE -1 END";
const BOOKED = "('posted', 'verified', 'differs', 'reversed')";

/**
 * Warehouse against 数量核算, per item and without the openings: what the drafted movements add up to, beside what the
 * ERP's vouchers add to the stock accounts. What differences explain ($6 movements, $7 keys, $8 other vouchers) and what is
 * on its way is left out on both sides. Estimates and invoices move quantities in the ledger alone. Nothing is said of an
 * item without 数量核算, nor before every period with vouchers of ours was listed.
 */
export const ITEM_QUANTITIES = `
  WITH RECURSIVE hops AS (
    (SELECT period FROM postings WHERE ledger = $2 ORDER BY period LIMIT 1)
    UNION ALL
    SELECT (SELECT p.period FROM postings p WHERE p.ledger = $2 AND p.period > h.period ORDER BY p.period LIMIT 1)
    FROM hops h WHERE h.period IS NOT NULL
  ), ours AS MATERIALIZED (
    SELECT p.posting_id, p.posting_key, coalesce(o.purpose, p.purpose) AS purpose, p.state = 'reversed' AND p.source_changed AS waiting,
      p.state IN ${BOOKED} AND coalesce(p.posted_at <= d.landed_at, true) AND NOT p.posting_key = ANY ($7::text[]) AS seen
    FROM postings p
    LEFT JOIN postings o ON o.posting_id = p.reverses
    LEFT JOIN landed_periods d ON d.ledger = p.ledger AND d.period = p.period
    WHERE p.ledger = $2 AND p.state <> 'withdrawn'
  ), explained AS (
    SELECT unnest($6::bigint[]) AS movement_id
    UNION
    SELECT b.movement_id FROM blocked_movements b WHERE b.ledger = $2
    UNION
    SELECT pm.movement_id FROM ours p JOIN posting_movements pm ON pm.posting_id = p.posting_id WHERE p.waiting OR NOT p.seen
  ), moved AS (
    SELECT m.item, m.quantity * ${SIGNED} * ${FACTOR} AS quantity
    FROM movements m
    LEFT JOIN draft_cursors c ON c.ledger = $2 AND c.source = m.source
    LEFT JOIN items i ON i.company = m.company AND i.code = m.item
    WHERE m.company = $1 AND NOT m.cancelled AND (m.kind = ANY ($3) OR m.kind = ANY ($4)) AND ${LATEST}
      AND NOT EXISTS (SELECT 1 FROM explained x WHERE x.movement_id = m.movement_id)
      AND (m.kind <> 'opening' AND m.arrival <= coalesce(c.arrival, 0)
        OR EXISTS (SELECT 1 FROM posting_movements pm WHERE pm.movement_id = m.movement_id AND pm.ledger = $2))
    UNION ALL
    -- Of an explained movement counts what those vouchers hold that are counted on the other side as well.
    SELECT m.item, pm.quantity * ${SIGNED}
    FROM explained x
    JOIN posting_movements pm ON pm.movement_id = x.movement_id
    JOIN ours p ON p.posting_id = pm.posting_id AND p.purpose = 'stock' AND p.seen
    JOIN movements m ON m.movement_id = pm.movement_id AND m.revision = pm.revision
    WHERE m.kind = ANY ($3) OR m.kind = ANY ($4)
  ), booked AS (
    SELECT l.dimensions ->> 'item' AS item, CASE l.side WHEN 'debit' THEN l.quantity ELSE -l.quantity END AS quantity
    FROM erp_vouchers e JOIN landed_periods d ON d.ledger = e.ledger AND d.period = e.period CROSS JOIN LATERAL ${ERP_LINES}
    WHERE e.ledger = $2 AND NOT e.voided AND l.quantity IS NOT NULL AND l.dimensions ? 'item' AND ${isStock("l.account", "$5")}
      AND NOT e.erp_id = ANY ($8::text[])
      AND NOT EXISTS (SELECT 1 FROM ours p WHERE p.posting_key = e.posting_key AND NOT p.seen)
    UNION ALL
    SELECT l.dimensions ->> 'item', CASE l.side WHEN 'debit' THEN -l.quantity ELSE l.quantity END
    FROM ours p JOIN voucher_lines l ON l.posting_id = p.posting_id
    WHERE p.purpose <> 'stock' AND p.seen AND l.quantity IS NOT NULL AND ${isStock("l.account", "$5")}
  ), sides AS (
    SELECT coalesce(c.our_code, w.item) AS item, w.quantity AS warehouse, 0 AS ledger
    FROM (SELECT item, sum(quantity) AS quantity FROM moved GROUP BY item) w
    LEFT JOIN LATERAL (SELECT our_code FROM code_entries WHERE ledger = $2 AND code_table = 'item' AND their_code = w.item
      ORDER BY valid_from DESC LIMIT 1) c ON true
    UNION ALL
    SELECT item, 0, quantity FROM booked
  ), off AS (
    SELECT s.item, sum(s.warehouse) AS warehouse, sum(s.ledger) AS ledger FROM sides s GROUP BY s.item
    HAVING sum(s.warehouse) <> sum(s.ledger)
  )
  SELECT coalesce(t.their_code, f.item) AS item, trim_scale(f.warehouse)::text AS warehouse, trim_scale(f.ledger)::text AS ledger
  FROM off f
  LEFT JOIN LATERAL (SELECT their_code FROM code_entries WHERE ledger = $2 AND code_table = 'item' AND our_code = f.item
    ORDER BY valid_from DESC LIMIT 1) t ON true
  WHERE EXISTS (SELECT 1 FROM erp_balances b WHERE b.ledger = $2 AND b.item = f.item
      AND b.closing_quantity IS NOT NULL AND ${isStock("b.account", "$5")})
    AND NOT EXISTS (SELECT 1 FROM hops h WHERE h.period IS NOT NULL AND NOT EXISTS (
      SELECT 1 FROM landed_periods d WHERE d.ledger = $2 AND d.period = h.period))
    -- Goods that came or went for nothing have no voucher, and so no quantity in the ledger.
    AND f.warehouse - f.ledger <> coalesce((
      SELECT sum(m.quantity * ${SIGNED} * ${FACTOR})
      FROM movements m JOIN cost_entries v ON v.ledger = $2 AND v.movement_id = m.movement_id AND v.canonical = 0
      LEFT JOIN items i ON i.company = m.company AND i.code = m.item
      WHERE m.company = $1 AND m.item = coalesce(t.their_code, f.item) AND NOT m.cancelled AND ${LATEST}
        AND (m.kind = ANY ($3) OR m.kind = ANY ($4))), 0)
  ORDER BY 1`;

/** Accounts that our vouchers touch. The balance of the account as a whole counts before the sum over its items. */
export const TOTALS = `
  WITH ours AS (
    SELECT l.account, p.period, l.side, sum(l.amount) AS amount FROM postings p
    JOIN landed_periods d ON d.ledger = p.ledger AND d.period = p.period
    JOIN voucher_lines l ON l.posting_id = p.posting_id
    WHERE p.ledger = $1 AND p.state IN ('posted', 'verified', 'differs', 'reversed') GROUP BY 1, 2, 3
  ), theirs AS (
    SELECT b.account, b.period, sum(b.debit) AS debit, sum(b.credit) AS credit FROM erp_balances b
    WHERE b.ledger = $1 AND (b.item = '' OR NOT EXISTS (SELECT 1 FROM erp_balances t
      WHERE t.ledger = $1 AND t.period = b.period AND t.account = b.account AND t.item = '')) GROUP BY 1, 2
  ), vouchers AS (
    SELECT l.account, e.period, l.side, ${byStage("l.amount")} AS sums
    FROM erp_vouchers e CROSS JOIN LATERAL ${ERP_LINES}
    WHERE e.ledger = $1 AND NOT e.voided GROUP BY 1, 2, 3
  )
  SELECT o.account, o.period, o.side, trim_scale(o.amount)::text AS ours, coalesce(v.sums, ${NOTHING}) AS vouchers,
    trim_scale(coalesce(CASE o.side WHEN 'debit' THEN t.debit ELSE t.credit END, 0))::text AS theirs
  FROM ours o LEFT JOIN theirs t ON t.account = o.account AND t.period = o.period
  LEFT JOIN vouchers v ON v.account = o.account AND v.period = o.period AND v.side = o.side
  WHERE EXISTS (SELECT 1 FROM erp_balances b WHERE b.ledger = $1 AND b.period = o.period)
  ORDER BY 1, 2, 3`;

// ------------------------------------------------------------------------------------------------ results

export const ACCOUNT_TOTALS = `
  SELECT l.account, coalesce(sum(l.amount) FILTER (WHERE l.side = 'debit'), 0)::text AS debit,
    coalesce(sum(l.amount) FILTER (WHERE l.side = 'credit'), 0)::text AS credit
  FROM postings p JOIN voucher_lines l ON l.posting_id = p.posting_id
  WHERE p.company = $1 AND p.state IN ('verified', 'reversed') GROUP BY l.account ORDER BY l.account COLLATE "C"`;

export const STOCK_VALUES = `
  SELECT v.item, trim_scale(sum(v.quantity))::text AS quantity, sum(v.value)::text AS value FROM stock_values v
  WHERE v.ledger IN (SELECT ledger FROM ledger_states WHERE company = $1 UNION SELECT ledger FROM postings WHERE company = $1)
  GROUP BY v.item ORDER BY v.item`;
