import type pg from "pg";
import { z } from "zod";
import { BusinessDate } from "../domain/dates.ts";
import { Decimal } from "../domain/decimal.ts";
import { groupBy } from "../domain/group-by.ts";
import type { Movement } from "../domain/movement.ts";
import type { PostingState, Purpose } from "../domain/posting.ts";
import { type ArrivedMovement, readMovements } from "./movement-log.ts";

/*
 * Vouchers that a person wants drawn anew.
 */

/** What a link's voucher was drawn from, where that is not simply the movement at the link's value. */
export const Basis = z.object({
  happenedOn: BusinessDate,
  warehouse: z.string(),
  batch: z.string(),
  quantity: Decimal,
  value: Decimal.optional(),
  net: Decimal.optional(),
  tax: Decimal.optional(),
  salesTax: Decimal.optional(),
  provision: Decimal.optional(),
});
export type Basis = z.infer<typeof Basis>;

/** A voucher that a person wants drawn anew, with everything it was drawn from. */
export interface Redraw {
  readonly postingId: string;
  readonly state: PostingState;
  readonly source: string;
  readonly form: string;
  readonly recordId: string;
  readonly purpose: Purpose;
  readonly part: number;
  /** Of the voucher to come: its own, or the next after a confirmed reversal. */
  readonly generation: number;
  readonly groupName: string;
  readonly accountedOn: Movement["happenedOn"];
  /** A newer revision, or a later voucher, of one of its movements: that one counts. */
  readonly overtakenBy: "revision" | "voucher" | undefined;
  readonly links: readonly RedrawLink[];
}
export interface RedrawLink {
  readonly movement: ArrivedMovement;
  readonly occurrence: string;
  readonly quantity: Movement["quantity"];
  readonly value: Movement["quantity"];
  readonly basis: Basis | undefined;
}

interface RedrawRow {
  posting_id: string;
  state: PostingState;
  source: string;
  form: string;
  record_id: string;
  purpose: Purpose;
  part: number;
  generation: number;
  group_name: string;
  accounted_on: Movement["happenedOn"];
  source_changed: boolean;
}
interface RedrawLinkRow {
  posting_id: string;
  movement_id: string;
  revision: number;
  occurrence: string;
  quantity: Movement["quantity"];
  value: Movement["quantity"];
  basis: unknown;
  overtaken: boolean;
}

/** Vouchers to be drawn anew of which nothing is in the ERP, or whose reversal is verified; locked. */
export const readRedraws = async (
  client: pg.ClientBase,
  ledger: string,
  sizeMax: number,
): Promise<readonly Redraw[]> => {
  const postings = await client.query<RedrawRow>(
    `SELECT p.posting_id::text, p.state, p.source, p.form, p.record_id, p.purpose, p.part, p.group_name, p.accounted_on,
       p.source_changed, CASE WHEN p.state <> 'reversed' THEN p.generation ELSE
         (SELECT max(o.generation) + 1 FROM postings o WHERE o.company = p.company AND o.source = p.source AND o.form = p.form
            AND o.record_id = p.record_id AND o.ledger = p.ledger AND o.purpose = p.purpose) END AS generation
     FROM postings p WHERE p.ledger = $1 AND p.retry = 'redraw'
       AND p.state IN ('drafted', 'approved', 'ready', 'held', 'refused', 'reversed')
     ORDER BY p.posting_id LIMIT $2 FOR UPDATE OF p`,
    [ledger, sizeMax],
  );
  if (postings.rows.length === 0) return [];
  const links = await client.query<RedrawLinkRow>(
    `SELECT l.posting_id::text, l.movement_id::text, l.revision, l.occurrence, l.quantity, l.value, l.basis,
       EXISTS (SELECT 1 FROM posting_movements n WHERE n.ledger = l.ledger AND n.movement_id = l.movement_id
         AND n.purpose = l.purpose AND n.occurrence = l.occurrence AND n.generation > l.generation) AS overtaken
     FROM posting_movements l WHERE l.posting_id = ANY ($1::bigint[])`,
    [postings.rows.map((row) => row.posting_id)],
  );
  const movements = await readMovements(client, [...new Set(links.rows.map((row) => row.movement_id))]);
  const movementOfId = new Map(movements.map((movement) => [movement.movementId, movement]));
  const linksOf = groupBy(links.rows, (row) => row.posting_id);
  return postings.rows.map((row): Redraw => {
    const own = linksOf.get(row.posting_id) ?? [];
    const isChanged =
      row.source_changed || own.some((link) => movementOfId.get(link.movement_id)?.revision !== link.revision);
    const isFollowed = own.some((link) => link.overtaken);
    return {
      postingId: row.posting_id,
      state: row.state,
      source: row.source,
      form: row.form,
      recordId: row.record_id,
      purpose: row.purpose,
      part: row.part,
      generation: row.generation,
      groupName: row.group_name,
      accountedOn: row.accounted_on,
      overtakenBy: isFollowed ? "voucher" : isChanged ? "revision" : undefined,
      links: own.flatMap((link): RedrawLink[] => {
        const movement = movementOfId.get(link.movement_id);
        if (movement === undefined) return [];
        const { occurrence, quantity, value } = link;
        const basis = link.basis === null ? undefined : Basis.parse(link.basis);
        return [{ movement, occurrence, quantity, value, basis }];
      }),
    };
  });
};

/** The wish is fulfilled, or falls away because something newer counts. */
export const concludeRedraw = async (client: pg.ClientBase, postingId: string): Promise<void> => {
  await client.query("UPDATE postings SET retry = NULL WHERE posting_id = $1", [postingId]);
};

/** The change of its source draws it; a reversed voucher makes room for that like any other reversed one. */
export const leaveToChange = async (client: pg.ClientBase, postingId: string): Promise<void> => {
  await client.query(
    "UPDATE postings SET retry = NULL, source_changed = source_changed OR state = 'reversed' WHERE posting_id = $1",
    [postingId],
  );
};

/** Says on the voucher what keeps it from being drawn; it is tried again at every drafting. */
export const noteRedrawProblem = async (
  client: pg.ClientBase,
  postingId: string,
  code: string,
  subject: string,
): Promise<void> => {
  await client.query("UPDATE postings SET error_code = $2, error_message = $3 WHERE posting_id = $1", [
    postingId,
    code,
    subject,
  ]);
};

/** A refused or held reversal says what its original said; only its day may have to move. */
export const draftReversalAgain = async (client: pg.ClientBase, postingId: string, on: string): Promise<void> => {
  await client.query(
    `UPDATE postings SET state = 'drafted', retry = NULL, error_code = NULL, error_message = NULL, lease_owner = NULL,
       fingerprint = CASE WHEN accounted_on = $2::date THEN fingerprint
         ELSE encode(sha256(convert_to(fingerprint || $2::text, 'UTF8')), 'hex') END,
       accounted_on = $2::date, period = to_char($2::date, 'YYYY-MM')
     WHERE posting_id = $1`,
    [postingId, on],
  );
};
