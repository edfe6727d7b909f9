/** Carries out one call under the fault drawn for it: everything that is alike for all vendors stands here, once. */

import { setTimeout as sleep } from "node:timers/promises";
import type { ArmedFault, FaultCall, FaultPlan } from "./faults.ts";
import type { Answer, Exchange } from "./http.ts";

/** What a simulator lends for one call. */
export type Work = {
  /**
   * Does the call and words its answer. `fault` is given for the kinds that only the vendor's side can act out:
   * apply-twice, already-exists, session-lost-mid-batch, batch-element-refused, batch-element-unnamed, reorder.
   */
  run(fault: ArmedFault | undefined): Answer | Promise<Answer>;
  /** the vendor's own failure, nothing done */
  failure(fault: ArmedFault): Answer;
  /** the vendor's "log in again", nothing done; the simulator also ends the session */
  sessionLost(fault: ArmedFault): Answer;
  /** the vendor's "too many calls", nothing done */
  throttled(fault: ArmedFault): Answer;
};

const PROXY_PAGE = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>";

/** Work that is done after its answer was lost; `close()` of a simulator drops what still waits. */
export class LateWork {
  readonly #timers = new Set<NodeJS.Timeout>();

  /** @returns how much still waits; a test waits for 0 before it counts */
  get pending(): number {
    return this.#timers.size;
  }

  later(delayMs: number, act: () => void | Promise<void>): void {
    const timer = setTimeout(() => {
      // A late commit that is refused is simply no commit: nobody listens any more.
      Promise.resolve()
        .then(act)
        .catch(() => undefined)
        .finally(() => this.#timers.delete(timer));
    }, delayMs);
    this.#timers.add(timer);
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }
}

/** Draws the fault for this call and ends the exchange accordingly. */
export async function perform(
  exchange: Exchange,
  call: FaultCall,
  work: Work,
  tools: { faults: FaultPlan; late: LateWork; latencyMs?: number },
): Promise<void> {
  const { latencyMs, fault } = tools.faults.draw(call);
  const waitMs = latencyMs + (tools.latencyMs ?? 0);
  if (waitMs > 0) await sleep(waitMs);
  if (fault === undefined) return exchange.reply(await work.run(undefined));
  switch (fault.kind) {
    case "lose-before":
      return exchange.destroy();
    case "lose-after":
      await work.run(undefined);
      return exchange.destroy();
    case "half-answer":
      return exchange.replyHalf(await work.run(undefined));
    case "unreadable":
      await work.run(undefined);
      return exchange.reply({ status: 200, contentType: "text/html", body: PROXY_PAGE });
    case "500-before":
      return exchange.reply(httpError(fault));
    case "500-after":
      await work.run(undefined);
      return exchange.reply(httpError(fault));
    case "200-failure":
      return exchange.reply(work.failure(fault));
    case "failure-after":
      await work.run(undefined);
      return exchange.reply(work.failure(fault));
    case "hang":
      return exchange.hang(fault.delayMs);
    case "hang-after":
      await work.run(undefined);
      return exchange.hang(fault.delayMs);
    case "late-commit":
      tools.late.later(fault.delayMs ?? 0, async () => {
        await work.run(undefined);
      });
      return exchange.destroy();
    case "session-lost":
      return exchange.reply(work.sessionLost(fault));
    case "throttled":
      return exchange.reply(work.throttled(fault));
    case "already-exists":
    case "apply-twice":
    case "session-lost-mid-batch":
    case "batch-element-refused":
    case "batch-element-unnamed":
    case "reorder":
      return exchange.reply(await work.run(fault));
    case "slow":
      return exchange.reply(await work.run(undefined));
  }
}

function httpError(fault: ArmedFault): Answer {
  return { status: fault.status, contentType: "text/html", body: PROXY_PAGE };
}
