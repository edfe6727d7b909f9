/** One business call after the gateway and the token: what every operation is given, and how it is described for faults. */

import type { ArmedFault } from "../shared/faults.ts";
import type { JsonOut } from "../shared/json.ts";
import type { Random } from "../shared/prng.ts";
import type { AccountSet } from "./account-set.ts";
import { ERR, type Origin, Refusal } from "./model.ts";
import { listAnswer, pageOf } from "./paging.ts";
import type { Parameters } from "./parameters.ts";
import type { Settings } from "./settings.ts";

export type Call = {
  set: AccountSet;
  parameters: Parameters;
  origin: Origin;
  fault: ArmedFault | undefined;
  random: Random;
  settings: Settings;
  now: () => number;
};

/** What a call is, before anything is done: the fault language asks for it. */
export type Traits = { verb: string; writes: boolean; creates: boolean; elements: number };

export type Operation = {
  traits: (parameters: Parameters) => Traits;
  /** entity and act that a person may take away from the integration user */
  right: (parameters: Parameters) => string;
  /** @throws Refusal or SessionEnded */
  run: (call: Call) => JsonOut;
};

/** The token ended in the middle of a batch. */
export class SessionEnded extends Error {}

/** A failure that comes with data: some elements of a batch were done. */
export class PartialFailure extends Refusal {
  readonly data: JsonOut;

  constructor(errcode: number, message: string, data: JsonOut) {
    super(errcode, message);
    this.data = data;
  }
}

/** @returns an operation that only reads */
export function reading(verb: string, right: string, run: Operation["run"]): Operation {
  return { traits: () => ({ verb, writes: false, creates: false, elements: 0 }), right: () => right, run };
}

/** Words one page of a list, in the order the switches ask for. */
export function listOut<Item extends { id: string }>(
  call: Call,
  items: readonly Item[],
  encode: (item: Item) => JsonOut,
  countAsText: boolean,
): { [key: string]: JsonOut } {
  const rising = items.toSorted((left, right) => (left.id < right.id ? -1 : left.id > right.id ? 1 : 0));
  const ordered = call.settings.listOrder === "newest-first" ? rising.toReversed() : rising;
  const answer = listAnswer(ordered, pageOf(call.parameters, call.settings.pageSizeOver), encode, countAsText);
  if (call.fault?.kind !== "reorder") return answer;
  const { rows } = answer;
  return { ...answer, rows: Array.isArray(rows) ? call.random.shuffled(rows) : [] };
}

/**
 * Does the elements of a batch one after the other, acting out the faults that speak of single elements.
 *
 * @param act  does one element and returns the id that the answer names
 * @returns the ids that the answer names
 * @throws SessionEnded, PartialFailure
 */
export function eachElement<Element>(
  call: Call,
  elements: readonly Element[],
  act: (element: Element) => string,
  wordIds: (ids: string[]) => JsonOut,
): string[] {
  const { fault } = call;
  const named: string[] = [];
  for (const [index, element] of elements.entries()) {
    if (fault?.kind === "session-lost-mid-batch" && index >= fault.after) throw new SessionEnded();
    if (fault?.kind === "batch-element-refused" && index === fault.index) continue;
    if (fault?.kind === "batch-element-unnamed" && index === fault.index) {
      if (fault.done) act(element);
      continue;
    }
    named.push(act(element));
    if (fault?.kind === "apply-twice") attempt(() => act(element));
  }
  if (fault?.kind === "session-lost-mid-batch") throw new SessionEnded();
  if (fault?.kind === "batch-element-refused") {
    const message = fault.message ?? "数据已被其他用户锁定";
    throw new PartialFailure(ERR.validation, `第${fault.index + 1}条：${message}`, wordIds(named));
  }
  if (fault?.kind === "already-exists") throw new Refusal(ERR.duplicate, fault.message ?? "组合值与其他表单重复");
  return fault?.kind === "reorder" ? call.random.shuffled(named) : named;
}

/** A second run may meet what the first one left, such as a number that is taken now: then it stays at one. */
function attempt(act: () => void): void {
  try {
    act();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
  }
}
