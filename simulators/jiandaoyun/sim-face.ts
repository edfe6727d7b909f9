import { z } from "zod";
import { type Fault, Fault as FaultSchema, FaultFile, FaultPlan } from "../shared/faults.ts";
import type { RequestLog } from "../shared/request-log.ts";
import { isoOf } from "./clock.ts";
import { FaceError } from "./errors.ts";
import { rawValue } from "./json.ts";
import type { PushSender } from "./push.ts";
import { renderRecord } from "./records.ts";
import type { Store } from "./store.ts";
import { Switches } from "./switches.ts";

/** The simulator's own controls: no vendor and no person has these. */
export interface Controls {
  readonly store: Store;
  readonly faults: FaultBoard;
  readonly requests: RequestLog;
  readonly pushes: PushSender;
  readonly origin: string;
  /** Late commits that still wait. */
  readonly pendingCommits: number;
  switches: Switches;
}

/** Faults of calls and faults of pushes are drawn apart, so that "*" never means a push. */
export class FaultBoard {
  readonly calls: FaultPlan;
  readonly pushes: FaultPlan;

  constructor(seed: number, faults: readonly Fault[]) {
    this.calls = new FaultPlan(
      seed,
      faults.filter((fault) => !isPushFault(fault)),
    );
    this.pushes = new FaultPlan(seed + 1, faults.filter(isPushFault));
  }

  replace(faults: readonly Fault[]): void {
    this.calls.replace(faults.filter((fault) => !isPushFault(fault)));
    this.pushes.replace(faults.filter(isPushFault));
  }

  report(): unknown {
    const pushed = this.pushes.hits();
    const hits = Object.entries(this.calls.hits()).map(([kind, count]) => [kind, count + hitsOf(pushed, kind)]);
    return { hits: Object.fromEntries(hits), standing: [...this.calls.standing(), ...this.pushes.standing()] };
  }
}

const isPushFault = ({ operation }: Fault): boolean => [operation].flat().includes("push");

function hitsOf(hits: Readonly<Record<string, number>>, kind: string): number {
  return hits[kind] ?? 0;
}

type Control = (body: unknown, controls: Controls) => unknown;

/** Every address below `/_sim/`. Reading ones take an empty body or GET. */
export const CONTROLS: Readonly<Record<string, Control>> = {
  faults: setFaults,
  "faults/hits": (_body, { faults }) => faults.report(),
  counters: (_body, { requests }) => requests.report(),
  clock: setClock,
  switches: setSwitches,
  plant: plantValue,
  dump,
};

function read<Schema extends z.ZodType>(schema: Schema, body: unknown): z.infer<Schema> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  throw new FaceError(400, z.prettifyError(parsed.error));
}

/** Replaces all faults; without a body, tells which stand. */
function setFaults(body: unknown, { faults }: Controls): unknown {
  if (body !== undefined) {
    const given = Array.isArray(body) ? read(z.array(FaultSchema), body) : read(FaultFile, body).faults;
    faults.replace(given);
  }
  return faults.report();
}

const ClockRequest = z.strictObject({
  advanceMs: z.number().optional(),
  set: z.union([z.iso.datetime({ offset: true }), z.number()]).optional(),
});

function setClock(body: unknown, { store }: Controls): unknown {
  if (body !== undefined) {
    const { advanceMs, set } = read(ClockRequest, body);
    if (set !== undefined) store.clock.set(new Date(set).getTime());
    if (advanceMs !== undefined) store.clock.advance(advanceMs);
  }
  return { now: isoOf(store.clock.now()) };
}

const SwitchRequest = z.record(z.string(), z.json());

function setSwitches(body: unknown, controls: Controls): unknown {
  if (body !== undefined) {
    const given = read(SwitchRequest, body);
    const unknown = Object.keys(given).filter((name) => !Object.hasOwn(Switches.shape, name));
    if (unknown.length > 0) throw new FaceError(400, `no switch ${unknown.join(", ")}`);
    controls.switches = read(Switches, { ...controls.switches, ...given });
  }
  return controls.switches;
}

const Planting = z.strictObject({
  entry_id: z.string(),
  data_id: z.string(),
  field: z.string(),
  /** Position of a subform row, when the field is inside `field`. */
  row: z.int().min(0).optional(),
  inner: z.string().optional(),
  /** Answered as this very text: `1e3`, `12345678901234567890`, `"not a number"`. */
  json: z.string(),
});

/** Puts a value into a record that the vendor would never let in. */
function plantValue(body: unknown, { store }: Controls): unknown {
  const request = read(Planting, body);
  const table = store.tables.get(request.entry_id);
  const record = table?.live.get(request.data_id);
  const field = table?.field(request.field);
  if (table === undefined || record === undefined || field === undefined) {
    throw new FaceError(404, "no such form, record or field");
  }
  const values = { ...record.values };
  const inner = field.items?.find(({ alias, widgetName }) => [alias, widgetName].includes(request.inner));
  const rows = values[field.widgetName];
  if (inner !== undefined && Array.isArray(rows)) {
    values[field.widgetName] = rows.map((row, position) =>
      position === request.row && typeof row === "object" && row !== null && !Array.isArray(row)
        ? { ...row, [inner.widgetName]: rawValue(request.json) }
        : row,
    );
  } else {
    values[field.widgetName] = rawValue(request.json);
  }
  const at = store.touch(table);
  store.commit([{ kind: "record", entryId: request.entry_id, record: { ...record, values, updateAt: at }, at }]);
  return {};
}

/** Everything the company holds, records in read shape, for whoever wants to recount. */
function dump(_body: unknown, { store, origin, pendingCommits }: Controls): unknown {
  const context = { store, origin, shape: "api" } as const;
  return {
    now: isoOf(store.clock.now()),
    pendingCommits,
    apps: [...store.apps.values()],
    forms: [...store.tables.values()].map((table) => ({
      form: table.form,
      modifiedAt: isoOf(table.modifiedAt),
      records: table.ids
        .map((id) => table.live.get(id))
        .flatMap((r) => (r ? [renderRecord(table.form, r, context)] : [])),
      deleted: [...table.bin.values()].map((record) => renderRecord(table.form, record, context)),
    })),
    members: [...store.members.values()],
    pushes: [...store.pushes.values()].map(({ secret: _secret, ...push }) => push),
    deliveries: [...store.deliveries.values()],
    instances: [...store.instances.values()],
    transactions: [...store.transactions.values()],
  };
}
