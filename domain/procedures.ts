import type { Installation } from "./installation.ts";
import { ZhangshiError } from "./errors.ts";

/** Names, ids and inputs of the procedures: schedules, webhooks and the command start them the same way. */
export const WORKFLOW_QUEUE = "zhangshi";
/** Activities of one connection run on a queue of its own, so that one slow vendor starves nobody. */
export const connectionQueue = (connection: string): string => `connection/${connection}`;
export const NUDGE = "nudge";
/** Movements per drafting page and vouchers per posting activity: minutes of work at most. */
export const DRAFT_PAGE = 10_000;
export const POST_BATCH = 1_000;

export interface Procedure {
  readonly workflow: "sourceSync" | "ledgerPosting" | "reconciliation";
  readonly workflowId: string;
  readonly input: Readonly<Record<string, string | number | boolean>>;
  /** What the search attributes say. */
  readonly about: { readonly company: string; readonly source?: string; readonly ledger?: string };
}

/** @param only  code of one source; all where absent. @throws ZhangshiError CONFIG_INVALID where there is none of that code */
export function syncsOf(installation: Installation, only?: string): Procedure[] {
  return chosen("source", installation.sources, only, ({ code }) => code).map(
    ({ company, code: source, connection, passIntervalMs }) => ({
      workflow: "sourceSync",
      workflowId: `sync/${company}/${source}`,
      input: { company, source, queue: connectionQueue(connection), passIntervalMs },
      about: { company, source },
    }),
  );
}

/** @param only  code of one ledger */
export function postingsOf(installation: Installation, only?: string): Procedure[] {
  return chosen("ledger", installation.ledgers, only, ({ code }) => code).map(
    ({ company, code: ledger, connection }) => ({
      workflow: "ledgerPosting",
      workflowId: `post/${company}/${ledger}`,
      input: { company, ledger, queue: connectionQueue(connection) },
      about: { company, ledger },
    }),
  );
}

/** @param only  code of one company. The statement of a ledger has the ledger's code. */
export function reconciliationsOf(installation: Installation, only?: string): Procedure[] {
  return chosen("company", installation.ledgers, only, ({ company }) => company).map(
    ({ company, code: ledger, connection }) => ({
      workflow: "reconciliation",
      workflowId: `reconcile/${company}/${ledger}`,
      input: { company, ledger, statement: ledger, queue: connectionQueue(connection) },
      about: { company, ledger },
    }),
  );
}

function chosen<One>(
  field: string,
  list: readonly One[],
  only: string | undefined,
  codeOf: (one: One) => string,
): readonly One[] {
  if (only === undefined) return list;
  const found = list.filter((one) => codeOf(one) === only);
  if (found.length > 0) return found;
  const expected = [...new Set(list.map(codeOf))].join(", ");
  throw new ZhangshiError("CONFIG_INVALID", { field, value: only, expected });
}
