import { type Kysely, sql } from "kysely";

/**
 * The cost of an order is read by order. The column also says where the cost is collected, and only movements of a
 * production or subcontracting chain have it. What stood there is carried over for the accounts of the rule packs that come
 * with the product.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    UPDATE cost_entries e SET order_number = (
      SELECT CASE
        WHEN m.order_number = '' THEN NULL
        WHEN m.kind = 'production-receipt' OR m.kind = 'production-issue' AND m.cause NOT IN
          ('制造费用', 'overhead', '研发', 'research', '管理', 'administration', '销售', 'selling') THEN 'work-in-progress/' || m.order_number
        WHEN m.kind IN ('subcontract-issue', 'subcontract-receipt') THEN 'subcontracted-goods/' || m.order_number END
      FROM movements m WHERE m.movement_id = e.movement_id ORDER BY m.revision DESC LIMIT 1)
    WHERE order_number IS NOT NULL;
    CREATE INDEX cost_entries_by_order ON cost_entries (ledger, order_number) WHERE order_number IS NOT NULL;
    COMMENT ON COLUMN cost_entries.order_number IS 'Where the cost of an order is collected, or where a product came from: role and order number, as in work-in-progress/MO-1.';
  `.execute(db);
}
