import type pg from "pg";
import { z } from "zod";
import { type Cause, certainties } from "../domain/causes.ts";
import type { ErrorCode } from "../domain/errors.ts";
import type { Difference } from "../domain/reconciliation.ts";
import { type Database, inTransaction } from "./database.ts";

const Certainty = z.enum(certainties);

/** One open difference, as the command, the demo and the report list it. */
export const Mismatch = z.object({
  id: z.string(),
  cause: z.number(),
  certainty: Certainty,
  company: z.string(),
  subject: z.string(),
  evidence: z.record(z.string(), z.unknown()),
});
export type Mismatch = z.infer<typeof Mismatch>;

/** Anything in the register that waits for a person: differences, blocked things, unreadable records, ledger alarms. */
export const OpenException = z.object({
  id: z.string(),
  kind: z.enum(["difference", "blocked", "record", "ledger"]),
  cause: z.number().nullable(),
  certainty: Certainty.nullable(),
  code: z.string(),
  subject: z.string(),
  evidence: z.record(z.string(), z.unknown()),
  affected: z.number(),
  amount: z.string().nullable(),
  firstSeenAt: z.date(),
  reopened: z.number(),
});
export type OpenException = z.infer<typeof OpenException>;

export interface ExceptionChanges {
  readonly open: number;
  readonly opened: number;
  readonly reopened: number;
  readonly closed: number;
}

export interface ExceptionStore {
  /**
   * Makes the register say what this comparison found: new ones open, known ones keep their id and age, one that comes
   * back counts how often, one that is gone closes itself. Only what comparisons of this ledger opened is closed.
   */
  settle(company: string, ledger: string, differences: readonly Difference[]): Promise<ExceptionChanges>;
  /** Vouchers in the ERP that an open difference of this cause in this ledger names already. */
  knownErpIds(company: string, ledger: string, cause: Cause): Promise<ReadonlySet<string>>;
  /** Open differences and blocked things that have a cause, by id. */
  listMismatches(company: string): Promise<readonly Mismatch[]>;
  listOpen(company: string): Promise<readonly OpenException[]>;
  /** How many exceptions of any kind are open. */
  countOpen(company: string): Promise<number>;
}

/** An exception that no comparison finds: something stands still until a person acts. */
export interface Alarm {
  /** The same thing again is the same exception. */
  readonly id: string;
  readonly company: string;
  readonly kind: "record" | "ledger";
  readonly code: ErrorCode;
  readonly subject: string;
  readonly evidence: Readonly<Record<string, string>>;
}

/** Opens the exception, or says that it still lasts. */
export const raiseAlarm = async (client: Pick<pg.Pool, "query">, alarm: Alarm): Promise<void> => {
  await client.query(
    `INSERT INTO exceptions (exception_id, company, kind, code, subject, evidence) VALUES ($1, $2, $3, $4, $5, $6)
     ON CONFLICT (exception_id) DO UPDATE SET code = excluded.code, evidence = excluded.evidence,
       last_seen_at = now(), closed_at = NULL, state = 'open',
       reopened = exceptions.reopened + CASE exceptions.state WHEN 'closed' THEN 1 ELSE 0 END`,
    [alarm.id, alarm.company, alarm.kind, alarm.code, alarm.subject, JSON.stringify(alarm.evidence)],
  );
};

export const closeAlarm = async (client: Pick<pg.Pool, "query">, id: string): Promise<void> => {
  await client.query(
    "UPDATE exceptions SET state = 'closed', closed_at = now() WHERE exception_id = $1 AND state = 'open'",
    [id],
  );
};

const Counted = z.object({ opened: z.coerce.number(), reopened: z.coerce.number() });

export function exceptionStore(database: Database): ExceptionStore {
  return {
    settle: (company, ledger, differences) =>
      inTransaction(database, async (client) => {
        // Two comparisons of one company must not close what the other has just opened.
        await client.query("SELECT pg_advisory_xact_lock(hashtext('exceptions/' || $1))", [company]);
        const { rows } = await client.query(UPSERT, [company, ...columnsOf(differences)]);
        const { rowCount } = await client.query(CLOSE, [company, ledger, differences.map(({ id }) => id)]);
        return { ...Counted.parse(rows[0]), open: differences.length, closed: rowCount ?? 0 };
      }),
    knownErpIds: async (company, ledger, cause) => {
      const { rows } = await database.pool.query(
        `SELECT DISTINCT jsonb_array_elements_text(evidence -> 'erpIds') AS id FROM exceptions
         WHERE company = $1 AND state = 'open' AND evidence ->> 'ledger' = $2 AND cause = $3`,
        [company, ledger, cause],
      );
      return new Set(
        z
          .array(z.object({ id: z.string() }))
          .parse(rows)
          .map(({ id }) => id),
      );
    },
    listMismatches: async (company) => {
      const { rows } = await database.pool.query(
        `SELECT exception_id AS id, cause, certainty, company, subject, evidence FROM exceptions
         WHERE company = $1 AND state = 'open' AND kind IN ('difference', 'blocked') AND cause IS NOT NULL
         ORDER BY exception_id`,
        [company],
      );
      return z.array(Mismatch).parse(rows);
    },
    listOpen: async (company) => {
      const { rows } = await database.pool.query(
        `SELECT exception_id AS id, kind, cause, certainty, code, subject, evidence, affected, amount::text AS amount,
           first_seen_at AS "firstSeenAt", reopened
         FROM exceptions WHERE company = $1 AND state = 'open' ORDER BY cause NULLS LAST, exception_id`,
        [company],
      );
      return z.array(OpenException).parse(rows);
    },
    countOpen: async (company) => {
      const { rows } = await database.pool.query(
        "SELECT count(*) AS open FROM exceptions WHERE company = $1 AND state = 'open'",
        [company],
      );
      return z.object({ open: z.coerce.number() }).parse(rows[0]).open;
    },
  };
}

const columnsOf = (differences: readonly Difference[]): readonly unknown[] => [
  differences.map(({ id }) => id),
  differences.map(({ kind }) => kind),
  differences.map(({ cause }) => cause),
  differences.map(({ certainty }) => certainty),
  differences.map(({ code }) => code),
  differences.map(({ subject }) => subject),
  differences.map(({ evidence }) => JSON.stringify(evidence)),
  differences.map(({ affected }) => affected),
  differences.map(({ amount }) => amount ?? null),
];

const UPSERT = `
  WITH given AS (
    SELECT * FROM unnest($2::text[], $3::text[], $4::int[], $5::text[], $6::text[], $7::text[], $8::jsonb[], $9::int[],
      $10::numeric[]) AS g (id, kind, cause, certainty, code, subject, evidence, affected, amount)
  ), before AS (
    SELECT e.exception_id, e.state FROM exceptions e JOIN given g ON g.id = e.exception_id
  ), written AS (
    INSERT INTO exceptions (exception_id, company, kind, cause, certainty, code, subject, evidence, affected, amount)
    SELECT g.id, $1, g.kind, g.cause, g.certainty, g.code, g.subject, g.evidence, g.affected, g.amount FROM given g
    ON CONFLICT (exception_id) DO UPDATE SET kind = excluded.kind, cause = excluded.cause,
      certainty = excluded.certainty, code = excluded.code, subject = excluded.subject, evidence = excluded.evidence,
      affected = excluded.affected, amount = excluded.amount, last_seen_at = now(), state = 'open', closed_at = NULL,
      reopened = exceptions.reopened + CASE exceptions.state WHEN 'closed' THEN 1 ELSE 0 END
    RETURNING exception_id
  )
  SELECT count(*) FILTER (WHERE b.exception_id IS NULL) AS opened, count(*) FILTER (WHERE b.state = 'closed') AS reopened
  FROM written w LEFT JOIN before b USING (exception_id)`;

const CLOSE = `
  UPDATE exceptions SET state = 'closed', closed_at = now()
  WHERE company = $1 AND state = 'open' AND kind IN ('difference', 'blocked')
    AND evidence ->> 'ledger' IN ($2, '') AND NOT exception_id = ANY ($3::text[])`;
