import type { StockSource } from "../connectors/contract.ts";
import type { IngestSummary } from "../db/ingest.ts";
import type { Pass, SourceIdentity, SourceStore } from "../db/source-store.ts";
import type { ErrorCode } from "../domain/errors.ts";
import { withNamedFailures } from "./failures.ts";

export interface SourceSyncDependencies {
  readonly store: SourceStore;
  /** @throws ZhangshiError CONNECTION_UNKNOWN */
  readonly sources: (company: string, source: string) => StockSource;
  /** More unseen records than both of these stop a re-read from concluding anything. */
  readonly deletionLimit?: DeletionLimit;
  /** Says that the work moves; may throw to stop it. Everything committed so far stays. */
  readonly heartbeat: (progress: unknown) => void;
}
export interface DeletionLimit {
  /** Part of the live records, 0 to 1. */
  readonly share: number;
  readonly records: number;
}

/** Small numbers that pass through the workflow; the facts are in the database. */
export interface SyncTotals {
  readonly newRecords: number;
  readonly changedRecords: number;
  readonly unchangedRecords: number;
  readonly cancelledRecords: number;
  readonly movements: number;
  readonly problems: number;
}
export interface StepResult extends SyncTotals {
  /** True when nothing more was there at the time. */
  readonly last: boolean;
}
export interface RereadResult extends StepResult {
  /** Why the pass ended without a conclusion; absent when it did not. */
  readonly stopped?: ErrorCode;
}
type Form = SourceIdentity & { readonly form: string };

/** One activity takes about this many records, so that its answer comes before anyone worries. */
const RECORDS_MAX = 1_000;
/** Pages in one activity: a source that gives one record a page ends the activity early, not never. */
const PAGES_MAX = 100;
const ROWS_PER_WRITE = 1_000;
/** A record may become visible a little after its neighbours: every sync looks back this far at least. */
const OVERLAP_MS = 10 * 60_000;
const DELETION_LIMIT: DeletionLimit = { share: 0.2, records: 10 };

const NOTHING: SyncTotals = {
  newRecords: 0,
  changedRecords: 0,
  unchangedRecords: 0,
  cancelledRecords: 0,
  movements: 0,
  problems: 0,
};
const plus = (totals: SyncTotals, more: Partial<SyncTotals>): SyncTotals => ({
  newRecords: totals.newRecords + (more.newRecords ?? 0),
  changedRecords: totals.changedRecords + (more.changedRecords ?? 0),
  unchangedRecords: totals.unchangedRecords + (more.unchangedRecords ?? 0),
  cancelledRecords: totals.cancelledRecords + (more.cancelledRecords ?? 0),
  movements: totals.movements + (more.movements ?? 0),
  problems: totals.problems + (more.problems ?? 0),
});
const touched = ({ newRecords, changedRecords, unchangedRecords, problems }: IngestSummary): number =>
  newRecords + changedRecords + unchangedRecords + problems;

/** What `sourceSync` does, a page or a batch at a time. Everything may be repeated: what is known already changes nothing. */
export const createSourceSyncActivities = ({
  store,
  sources,
  deletionLimit = DELETION_LIMIT,
  heartbeat,
}: SourceSyncDependencies) => {
  const tooMany = (missing: number, live: number): boolean =>
    missing > deletionLimit.records && missing > live * deletionLimit.share;
  const pageSize = (source: StockSource): number => Math.min(source.capabilities.pageMax, RECORDS_MAX);

  /** Reads these records; those present enter again. @returns what that came to, and the ids that the source does not have */
  async function readAgain(form: Form, ids: readonly string[], passNumber?: number): Promise<[SyncTotals, string[]]> {
    const source = sources(form.company, form.source);
    let totals = NOTHING;
    const missing: string[] = [];
    for (const part of partsOf(ids, pageSize(source))) {
      const present = await source.readRecords(form.form, part);
      heartbeat({ form: form.form, records: part.length });
      const records = part.flatMap((id) => present.get(id) ?? []);
      totals = plus(
        totals,
        await store.ingest({ ...form, records, ...(passNumber === undefined ? {} : { passNumber }) }),
      );
      missing.push(...part.filter((id) => !present.has(id)));
    }
    return [totals, missing];
  }

  /** What pushes named. So many missing at once are no deletions yet: the next re-read, with its own guard, decides. */
  async function readPushed(form: Form, ids: readonly string[]): Promise<SyncTotals> {
    const [totals, missing] = await readAgain(form, ids);
    const live = await store.liveRecords(form, missing);
    if (tooMany(live.named, live.all)) {
      await store.requirePass(form);
      return totals;
    }
    return plus(totals, { cancelledRecords: await store.cancelRecords(form, missing) });
  }

  const activities = {
    /** @returns the forms of the source, in the order in which they are read */
    async beginSync({ company, source }: SourceIdentity): Promise<{ forms: string[] }> {
      const { forms } = sources(company, source);
      await store.prepare({ company, source }, forms);
      return { forms: [...forms] };
    },

    /** Pulls new records. @param fresh true for the first call of a sync: it begins at the overlap */
    async pullPage({ fresh, ...form }: Form & { fresh: boolean }): Promise<StepResult> {
      const source = sources(form.company, form.source);
      let cursor = fresh ? await store.overlapCursor(form, OVERLAP_MS) : await store.cursor(form);
      let totals = NOTHING;
      let records = 0;
      for (let pages = 0; pages < PAGES_MAX && records < RECORDS_MAX; pages += 1) {
        const page = await source.readPage(form.form, cursor, pageSize(source));
        if (!page.last && page.cursor === cursor) {
          await store.reportSnapshot(form, "SNAPSHOT_REPEATS", { cursor });
          return { ...totals, last: true };
        }
        // An empty last page may carry an empty cursor: where we stand is still where we stand.
        const next = page.cursor === "" ? cursor : page.cursor;
        totals = plus(totals, await store.ingest({ ...form, records: page.records, cursor: next }));
        cursor = next;
        records += page.records.length;
        heartbeat({ form: form.form, records });
        if (page.last) return { ...totals, last: true };
      }
      return { ...totals, last: false };
    },

    /** Begins a re-read of the whole form when one is due, or goes on with the one under way. */
    async passIsDue({ intervalMs, ...form }: Form & { intervalMs: number }): Promise<boolean> {
      if ((await store.runningPass(form)) !== undefined) return true;
      const mark = await sources(form.company, form.source).changeMark(form.form);
      return (await store.beginPassWhenDue(form, mark, intervalMs)) !== undefined;
    },

    /** Reads on through the whole form, for edits and deletions that nothing announces. */
    async rereadPage(form: Form): Promise<RereadResult> {
      const source = sources(form.company, form.source);
      const pass = await store.runningPass(form);
      if (pass === undefined) return { ...NOTHING, last: true };
      let { cursor } = pass;
      let totals = NOTHING;
      let records = 0;
      for (let pages = 0; pages < PAGES_MAX && records < RECORDS_MAX; pages += 1) {
        const page = await source.readPage(form.form, cursor, pageSize(source));
        const next = page.cursor === "" ? cursor : page.cursor;
        const summary = await store.ingest({
          ...form,
          records: page.records,
          passNumber: pass.number,
          passCursor: next,
        });
        totals = plus(totals, summary);
        records += touched(summary);
        heartbeat({ form: form.form, records });
        if (summary.repeatedRecords > 0 || (!page.last && next === cursor)) {
          await store.reportSnapshot(form, "SNAPSHOT_REPEATS", { repeated: summary.repeatedRecords, cursor });
          await store.abandonPass(form);
          return { ...totals, last: true, stopped: "SNAPSHOT_REPEATS" };
        }
        cursor = next;
        if (page.last) return { ...totals, last: true };
      }
      return { ...totals, last: false };
    },

    /**
     * After a complete re-read: asks the source for each record that did not come up in it, and cancels those it does not
     * have. When too many are missing nothing is concluded, unless a person accepted the deletions. Tidies the inbox.
     */
    async concludePass({ acceptDeletions, ...form }: Form & { acceptDeletions: boolean }): Promise<RereadResult> {
      const pass: Pass | undefined = await store.runningPass(form);
      if (pass === undefined) return { ...NOTHING, last: true };
      const result = await store.passResult(form);
      const refusal = acceptDeletions ? undefined : refusalOf(result, tooMany);
      if (refusal !== undefined) {
        await store.reportSnapshot(form, refusal, { ...result });
        await store.abandonPass(form);
        return { ...NOTHING, last: true, stopped: refusal };
      }
      const unseen = await store.unseenRecords(form, RECORDS_MAX);
      const [read, missing] = await readAgain(form, unseen, pass.number);
      const totals = plus(read, { cancelledRecords: await store.cancelRecords(form, missing) });
      if (unseen.length === RECORDS_MAX) return { ...totals, last: false };
      await store.concludePass(form, result.seen);
      await store.removeHandledPushes(form);
      await store.reportSnapshot(form, undefined, {});
      return { ...totals, last: true };
    },

    /** Takes the source's item master. An item that is gone from it keeps its row: documents may still name it. */
    async refreshItems({ company, source }: SourceIdentity): Promise<number> {
      let written = 0;
      for await (const items of batchesOf(sources(company, source).items())) {
        await store.writeItems(company, items);
        written += items.length;
        heartbeat({ written });
      }
      return written;
    },

    /** Takes what the source says it has on hand. Rows of an earlier read go, unless this one brought nothing at all. */
    async refreshBalances({ company, source }: SourceIdentity): Promise<number> {
      const readAt = await store.now();
      let written = 0;
      for await (const balances of batchesOf(sources(company, source).balances())) {
        await store.writeBalances({ company, source }, readAt, balances);
        written += balances.length;
        heartbeat({ written });
      }
      if (written > 0) await store.removeOlderBalances({ company, source }, readAt);
      return written;
    },

    /** Reads the records that pushes named. A push is a hint, never a fact: what counts is what the source then shows. */
    async drainInbox({ company, source }: SourceIdentity): Promise<StepResult> {
      const waiting = await store.waitingPushes({ company, source }, RECORDS_MAX);
      const known = new Set(sources(company, source).forms);
      let totals = NOTHING;
      for (const form of new Set(waiting.map((push) => push.form).filter((name) => known.has(name)))) {
        const identity = { company, source, form };
        const pushes = waiting.filter((push) => push.form === form);
        if (pushes.some(({ event }) => event === "form-changed")) await store.requirePass(identity);
        const ids = new Set(pushes.filter(({ event }) => event !== "form-changed").map(({ recordId }) => recordId));
        totals = plus(totals, await readPushed(identity, [...ids]));
      }
      await store.pushesHandled(
        { company, source },
        waiting.map(({ deliveryId }) => deliveryId),
      );
      return { ...totals, last: waiting.length < RECORDS_MAX };
    },
  };
  return withNamedFailures(activities);
};

export type SourceSyncActivities = ReturnType<typeof createSourceSyncActivities>;

function refusalOf(
  { seen, live, unseen }: { readonly seen: number; readonly live: number; readonly unseen: number },
  tooMany: (missing: number, live: number) => boolean,
): ErrorCode | undefined {
  if (seen === 0 && live > 0) return "SNAPSHOT_EMPTY";
  return tooMany(unseen, live) ? "SNAPSHOT_SHRUNK" : undefined;
}

function* partsOf<Value>(values: readonly Value[], size: number): Generator<readonly Value[]> {
  for (let start = 0; start < values.length; start += size) yield values.slice(start, start + size);
}

async function* batchesOf<Value>(values: AsyncIterable<Value>): AsyncGenerator<readonly Value[]> {
  let batch: Value[] = [];
  for await (const value of values) {
    batch.push(value);
    if (batch.length < ROWS_PER_WRITE) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
