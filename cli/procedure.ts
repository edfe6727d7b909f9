import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { Client, Connection } from "@temporalio/client";
import type { Command } from "commander";
import { z } from "zod";
import type { Database } from "../db/database.ts";
import { currentInstallation } from "../db/installation-store.ts";
import { readStatus } from "../db/status-store.ts";
import { ZhangshiError } from "../domain/errors.ts";
import type { Installation } from "../domain/installation.ts";
import { NUDGE, type Procedure, WORKFLOW_QUEUE } from "../domain/procedures.ts";
import { startAttributesOf } from "../workflows/search-attributes.ts";
import type { Bilingual } from "./language.ts";
import { describeResult, told } from "./outcome.ts";
import {
  commandNamed,
  parseOptions,
  runCommand,
  say,
  type Surroundings,
  withDatabase,
  withTemporal,
} from "./surroundings.ts";
import { textTable } from "./table.ts";

const CONNECT_LIMIT_MS = 5_000;
const POLL_MS = 1_000;
/** People want a sign of life at least this often. */
const PROGRESS_MS = 10_000;
const FOLLOW_LIMIT_MINUTES = 60;
const WORKFLOW_TASKS = 1; // temporal.api.enums.v1.TaskQueueType
const MINUTE_MS = 60_000;

const Options = z.object({
  source: z.string().optional(),
  ledger: z.string().optional(),
  company: z.string().optional(),
  acceptDeletions: z.boolean().default(false),
  full: z.boolean().default(false),
  wait: z.boolean().default(true),
  limit: z.coerce.number().positive().default(FOLLOW_LIMIT_MINUTES),
  dryRun: z.boolean().default(false),
});

export interface ProcedureCommand {
  readonly name: "sync" | "post" | "reconcile";
  readonly description: Bilingual;
  readonly choice: { readonly option: "source" | "ledger" | "company"; readonly description: Bilingual };
  /** What this one asks besides. */
  readonly extra?: { readonly flag: string; readonly description: Bilingual };
  /** What this one may do before it starts anything. */
  readonly before?: {
    readonly addOptions: (command: Command) => unknown;
    readonly run: (database: Database, procedures: readonly Procedure[], given: unknown) => Promise<Done | undefined>;
  };
  readonly procedures: (
    installation: Installation,
    only: string | undefined,
    options: { readonly acceptDeletions: boolean; readonly full: boolean },
  ) => readonly Procedure[];
}

/** What was done before: a part of the one result. */
export interface Done {
  readonly value: Readonly<Record<string, unknown>>;
  readonly text: string;
}

/** A command that starts procedures, or nudges those that run already, and follows them to their end. */
export function procedureCommand(asked: ProcedureCommand): Command {
  const { name, description, choice, extra, before, procedures } = asked;
  const command = commandNamed(name, description);
  if (extra !== undefined) command.option(extra.flag, say(extra.description));
  before?.addOptions(command);
  return command
    .option(`--${choice.option} <CODE>`, say(choice.description))
    .option("--no-wait", say({ zh: "只启动，不等待结束", en: "start only, do not wait for the end" }))
    .option(
      "--limit <MINUTES>",
      say({ zh: "最多等待多少分钟（之后仍在后台继续）", en: "wait at most so long; the work goes on behind" }),
      String(FOLLOW_LIMIT_MINUTES),
    )
    .option("--dry-run", say({ zh: "只显示将启动什么", en: "show what would be started" }))
    .action((given: unknown) =>
      runCommand((surroundings) =>
        withDatabase(surroundings, async (database) => {
          const options = parseOptions(Options, given);
          const installation = await currentInstallation(database);
          if (installation === undefined) throw new ZhangshiError("CONFIG_MISSING");
          const chosen = procedures(installation, options[choice.option], options);
          const done = await before?.run(database, chosen, given);
          if (options.dryRun)
            return report(
              surroundings,
              chosen.map((one) => ({ ...plain(one), state: "planned" })),
              done,
            );
          return withTemporal(surroundings, (address, namespace) =>
            startAndFollow(surroundings, database, { address, namespace, options }, chosen, done),
          );
        }),
      ),
    );
}

interface Where {
  readonly address: string;
  readonly namespace: string;
  readonly options: z.infer<typeof Options>;
}

interface Outcome {
  readonly workflow: string;
  readonly workflowId: string;
  readonly state: string;
  readonly result?: unknown;
  readonly failure?: string;
  /** While it runs: what was tried in vain last, and how often. */
  readonly retrying?: string;
}

async function startAndFollow(
  surroundings: Surroundings,
  database: Database,
  { address, namespace, options }: Where,
  chosen: readonly Procedure[],
  done: Done | undefined,
): Promise<void> {
  const connection = await connect(surroundings, address);
  try {
    const client = new Client({ connection, namespace });
    await requireWorker(connection, namespace);
    for (const procedure of chosen) await start(client, procedure);
    if (!options.wait)
      return report(
        surroundings,
        chosen.map((one) => ({ ...plain(one), state: "started" })),
        done,
      );
    const limitAt = Date.now() + options.limit * MINUTE_MS;
    const showing = new AbortController();
    const notice = (text: string): void => surroundings.progress({ zh: text, en: text });
    const shown = showProgress(surroundings, database, showing.signal);
    try {
      const outcomes = await Promise.all(chosen.map((one) => follow(client, one, limitAt, notice)));
      // What still runs and fails meanwhile is no success either; it goes on behind, and a person should look.
      if (outcomes.some(({ state, retrying }) => state === "failed" || retrying !== undefined)) process.exitCode = 1;
      report(surroundings, outcomes, done);
    } finally {
      showing.abort();
      await shown;
    }
  } finally {
    await connection.close();
  }
}

const plain = ({ workflow, workflowId }: Procedure) => ({ workflow, workflowId });

export async function connect(surroundings: Surroundings, address: string): Promise<Connection> {
  const { temporalApiKey, temporalTls } = surroundings.environment;
  try {
    return await Connection.connect({
      address,
      connectTimeout: CONNECT_LIMIT_MS,
      ...(temporalTls ? { tls: true } : {}),
      ...(temporalApiKey === undefined ? {} : { apiKey: temporalApiKey }),
    });
  } catch (error) {
    throw new ZhangshiError("TEMPORAL_UNREACHABLE", { address }, { cause: error });
  }
}

/** How many workers ask for work. */
export async function workersOn(connection: Connection, namespace: string): Promise<number> {
  const answer = await connection.workflowService.describeTaskQueue({
    namespace,
    taskQueue: { name: WORKFLOW_QUEUE },
    taskQueueType: WORKFLOW_TASKS,
  });
  return answer.pollers?.length ?? 0;
}

/** Without a worker a procedure would wait in silence. */
async function requireWorker(connection: Connection, namespace: string): Promise<void> {
  if ((await workersOn(connection, namespace)) > 0) return;
  throw new ZhangshiError("WORKER_MISSING");
}

async function start(client: Client, procedure: Procedure): Promise<void> {
  const { workflow, workflowId, input } = procedure;
  await client.workflow.signalWithStart(workflow, {
    workflowId,
    taskQueue: WORKFLOW_QUEUE,
    args: [input],
    signal: NUDGE,
    typedSearchAttributes: startAttributesOf(procedure),
  });
}

/** Follows an id over all its runs. An end that is not reached in time is no failure: the work goes on. */
async function follow(
  client: Client,
  procedure: Procedure,
  limitAt: number,
  notice: (text: string) => void,
): Promise<Outcome> {
  const handle = client.workflow.getHandle(procedure.workflowId);
  let retrying: string | undefined;
  for (let running = true; running; ) {
    if (Date.now() >= limitAt) {
      return { ...plain(procedure), state: "running", ...(retrying === undefined ? {} : { retrying }) };
    }
    const { status, raw } = await handle.describe();
    running = status.name === "RUNNING" || status.name === "CONTINUED_AS_NEW";
    const now = running ? failingNow(raw.pendingActivities) : undefined;
    if (now !== undefined && now !== retrying) notice(`${procedure.workflowId}: ${now}`);
    retrying = now;
    if (running) await sleep(POLL_MS);
  }
  try {
    const result: unknown = await handle.result();
    return { ...plain(procedure), state: "done", result };
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    return {
      ...plain(procedure),
      state: "failed",
      failure: told(cause instanceof Error ? cause.message : String(cause)),
    };
  }
}

interface Pending {
  readonly attempt?: number | null;
  readonly activityType?: { readonly name?: string | null } | null;
  readonly lastFailure?: { readonly message?: string | null } | null;
}

/** A retry looks like work; people want to know that it is one, and why. */
function failingNow(pending: readonly Pending[] | null | undefined): string | undefined {
  const failing = pending?.find(({ lastFailure }) => lastFailure !== undefined && lastFailure !== null);
  if (failing === undefined) return undefined;
  const what = `${failing.activityType?.name ?? ""}: ${told(failing.lastFailure?.message ?? "")}`;
  return say({
    zh: `第 ${failing.attempt ?? 1} 次尝试，上次失败 ${what}`,
    en: `attempt ${failing.attempt ?? 1}; the last one failed: ${what}`,
  });
}

/** Counts from the database, because that is where the facts are. */
async function showProgress(surroundings: Surroundings, database: Database, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const ended = await sleep(PROGRESS_MS, false, { signal }).catch(() => true);
    if (ended) return;
    const status = await readStatus(database);
    const records = status.sources.reduce((sum, row) => sum + row.records, 0);
    const vouchers = status.postings.map(({ state, count }) => `${state} ${count}`).join(", ");
    surroundings.progress({
      zh: `单据 ${records}；凭证：${vouchers}`,
      en: `Records ${records}; vouchers: ${vouchers}`,
    });
  }
}

function report(surroundings: Surroundings, outcomes: readonly Outcome[], done: Done | undefined): void {
  const rows = outcomes.map(({ workflowId, state, result, failure, retrying }) => [
    workflowId,
    state,
    failure ?? retrying ?? describeResult(result),
  ]);
  const text = textTable(rows);
  surroundings.result({ ...done?.value, procedures: outcomes }, done === undefined ? text : `${done.text}\n\n${text}`);
}
