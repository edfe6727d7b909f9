/**
 * One language of misbehaviour for every simulator: `{"faults":[{"kind":"lose-after","operation":"save","probability":0.1}]}`.
 * Operations are vendor-neutral verbs; which of them a simulator has stands in its README.
 */

import { z } from "zod";
import { Random } from "./prng.ts";

/** What each kind does, in the words used by the README of every simulator. */
export const FAULT_KINDS = {
  "lose-before": "the connection is cut before anything is done",
  "lose-after": "the work is done, then the connection is cut without an answer",
  "half-answer": "the work is done, half of the body is sent under its full Content-Length, then the connection is cut",
  unreadable: "the work is done, the answer is 200 with a proxy's HTML page",
  "500-before": "nothing is done, the answer is an HTTP error (status, default 500)",
  "500-after": "the work is done, the answer is an HTTP error (status, default 500)",
  "200-failure": "nothing is done, the answer is 200 with the vendor's failure inside",
  "failure-after": "the work is done, the answer is 200 with the vendor's failure inside",
  "already-exists": "the work is done, the answer says that it existed already",
  hang: "nothing is done, no answer ever comes (with delayMs: the connection is cut after it)",
  "hang-after": "the work is done, no answer ever comes (with delayMs: the connection is cut after it)",
  "late-commit": "the connection is cut without an answer, the work is done delayMs later",
  "apply-twice": "a creation is done twice, the answer names one of the two",
  "session-lost": "nothing is done, the session is gone",
  "session-lost-mid-batch": "the first `after` elements are done, then the session is gone and the answer names none",
  "batch-element-refused": "the element at `index` is refused, the others are done",
  "batch-element-unnamed": "the element at `index` is done or not (`done`), the answer does not name it",
  throttled: "nothing is done, the vendor says: too many calls",
  reorder: "results come in another order than they were sent or asked for",
  slow: "the call takes delayMs longer",
} as const;

export type FaultKind = keyof typeof FAULT_KINDS;
const KIND_NAMES = Object.keys(FAULT_KINDS).filter((name): name is FaultKind => name in FAULT_KINDS);

/** Kinds that only make sense where a call changes something. */
const NEEDS_WRITE: ReadonlySet<FaultKind> = new Set(["failure-after", "late-commit"]);
/** Kinds that only make sense where a call creates something. */
const NEEDS_CREATION: ReadonlySet<FaultKind> = new Set(["already-exists", "apply-twice"]);
/** Kinds that speak of one element among several. */
const NEEDS_ELEMENTS: ReadonlySet<FaultKind> = new Set([
  "session-lost-mid-batch",
  "batch-element-refused",
  "batch-element-unnamed",
]);

const DELAY_MS_MAX = 600_000;
const LATE_COMMIT_MS = 1_000;

export const Fault = z.strictObject({
  kind: z.enum(KIND_NAMES),
  /** vendor-neutral verb or verbs; "*" is any */
  operation: z.union([z.string(), z.array(z.string()).min(1)]).default("*"),
  /** fires only when the request's text contains this */
  match: z.string().min(1).optional(),
  /** fires only at the n-th call that fits, counted from 1 since the fault was set */
  nth: z.int().min(1).optional(),
  /** chance per call that fits, drawn from the seeded generator; 1 when absent */
  probability: z.number().min(0).max(1).optional(),
  /** fires at most so often; unlimited when absent (once when nth is given) */
  times: z.int().min(1).optional(),
  delayMs: z.int().min(0).max(DELAY_MS_MAX).optional(),
  /** element of a batch, from 0; drawn when absent */
  index: z.int().min(0).optional(),
  /** elements done before the session goes; drawn when absent */
  after: z.int().min(0).optional(),
  /** batch-element-unnamed: whether the silent element is done; drawn when absent */
  done: z.boolean().optional(),
  /** HTTP status of 500-before and 500-after */
  status: z.int().min(400).max(599).optional(),
  /** text for the vendor's failure */
  message: z.string().optional(),
  /** one of several forms that a vendor has for the same thing; each simulator's README lists its own */
  variant: z.string().optional(),
});
export type Fault = z.infer<typeof Fault>;

export const FaultFile = z.strictObject({ faults: z.array(Fault) });

/** What a simulator knows of a call before it does anything. */
export type FaultCall = {
  operation: string;
  text: string;
  writes: boolean;
  creates: boolean;
  /** documents named in a batch; 0 for calls that are none */
  elements: number;
};

/** A fault that fires now, with everything drawn that was left open. */
export type ArmedFault = {
  kind: FaultKind;
  delayMs: number | undefined;
  index: number;
  after: number;
  done: boolean;
  status: number;
  message: string | undefined;
  variant: string | undefined;
};

type Standing = { fault: Fault; seen: number; hits: number };

export class FaultPlan {
  readonly #random: Random;
  readonly #hits = new Map<FaultKind, number>();
  #standing: Standing[] = [];

  constructor(seed: number, faults: readonly Fault[] = []) {
    this.#random = new Random(seed);
    this.replace(faults);
  }

  /** Puts these faults in the place of all earlier ones; hit counters keep counting. */
  replace(faults: readonly Fault[]): void {
    this.#standing = faults.map((fault) => ({ fault, seen: 0, hits: 0 }));
  }

  /** @returns the first fault that fires for this call, and the sum of what `slow` faults add to it */
  draw(call: FaultCall): { latencyMs: number; fault: ArmedFault | undefined } {
    let latencyMs = 0;
    let armed: ArmedFault | undefined;
    for (const standing of this.#standing) {
      if (standing.fault.kind !== "slow" && armed !== undefined) continue;
      if (!fits(standing.fault, call) || !this.#fires(standing)) continue;
      standing.hits += 1;
      this.#hits.set(standing.fault.kind, (this.#hits.get(standing.fault.kind) ?? 0) + 1);
      if (standing.fault.kind === "slow") latencyMs += standing.fault.delayMs ?? 0;
      else armed = this.#arm(standing.fault, call);
    }
    return { latencyMs, fault: armed };
  }

  /** @returns hits per kind since the start, every kind named */
  hits(): Record<FaultKind, number> {
    const counts = Object.fromEntries(KIND_NAMES.map((kind) => [kind, this.#hits.get(kind) ?? 0]));
    return z.record(z.enum(KIND_NAMES), z.number()).parse(counts);
  }

  /** @returns the faults in force with their own counters */
  standing(): { fault: Fault; seen: number; hits: number }[] {
    return this.#standing.map((standing) => ({ ...standing }));
  }

  #fires(standing: Standing): boolean {
    const { nth, probability } = standing.fault;
    standing.seen += 1;
    const times = standing.fault.times ?? (nth === undefined ? Number.POSITIVE_INFINITY : 1);
    if (standing.hits >= times) return false;
    if (nth !== undefined && standing.seen !== nth) return false;
    return probability === undefined || this.#random.next() < probability;
  }

  #arm(fault: Fault, call: FaultCall): ArmedFault {
    return {
      kind: fault.kind,
      delayMs: fault.delayMs ?? (fault.kind === "late-commit" ? LATE_COMMIT_MS : undefined),
      index: fault.index ?? this.#random.below(call.elements),
      after: fault.after ?? this.#random.below(call.elements),
      done: fault.done ?? this.#random.next() < 0.5,
      status: fault.status ?? 500,
      message: fault.message,
      variant: fault.variant,
    };
  }
}

function fits(fault: Fault, call: FaultCall): boolean {
  const operations = typeof fault.operation === "string" ? [fault.operation] : fault.operation;
  if (!operations.includes("*") && !operations.includes(call.operation)) return false;
  if (fault.match !== undefined && !call.text.includes(fault.match)) return false;
  if (NEEDS_WRITE.has(fault.kind) && !call.writes) return false;
  if (NEEDS_CREATION.has(fault.kind) && !call.creates) return false;
  if (!NEEDS_ELEMENTS.has(fault.kind)) return true;
  return call.elements > (fault.index ?? 0) && call.elements >= (fault.after ?? 0);
}

/**
 * Reads a fault file.
 *
 * @throws Error naming every place that does not fit, one a line
 */
export function parseFaultFile(text: string): Fault[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new Error(`The fault file is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  const parsed = FaultFile.safeParse(json);
  if (parsed.success) return parsed.data.faults;
  throw new Error(`The fault file does not fit:\n${z.prettifyError(parsed.error)}`);
}
