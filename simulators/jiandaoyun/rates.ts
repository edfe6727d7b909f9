import { VendorError } from "./errors.ts";
import type { Switches } from "./switches.ts";

/** Calls a second for the whole company, whatever the interface. */
const GLOBAL_RATE = 50;
const WINDOW_MS = 1_000;

/**
 * Sliding seconds: one for the company (8303), one per interface (8304). A refused call costs nothing.
 *
 * Source of the figures: Jiandaoyun reference §2; the window is the simulator's choice (§9.3).
 */
export class RateLimits {
  readonly #calls = new Map<string, number[]>();
  readonly #monotonicMs: () => number;

  /** @param monotonicMs  real time, never the simulator's clock: a jump of that must not open the gate */
  constructor(monotonicMs: () => number = () => performance.now()) {
    this.#monotonicMs = monotonicMs;
  }

  /** @throws VendorError 8303, 8304 */
  take(path: string, rate: number, { rates }: Switches): void {
    if (rates === "off") return;
    const factor = rates === "vendor" ? 1 : rates;
    const now = this.#monotonicMs();
    const company = this.#recent("", now);
    const own = this.#recent(path, now);
    if (company.length >= GLOBAL_RATE * factor) throw new VendorError(8303);
    if (own.length >= rate * factor) throw new VendorError(8304);
    company.push(now);
    own.push(now);
  }

  #recent(name: string, now: number): number[] {
    const calls = (this.#calls.get(name) ?? []).filter((at) => at > now - WINDOW_MS);
    this.#calls.set(name, calls);
    return calls;
  }
}
