/** Counts requests per second and operation, so that a test can see what rate a client really used. */

/** Older seconds are dropped; ten minutes cover every test that looks at rates. */
const SECONDS_MAX = 600;

export class RequestLog {
  readonly #seconds = new Map<number, Map<string, number>>();
  readonly #totals = new Map<string, number>();

  count(operation: string, atMs: number): void {
    const second = Math.floor(atMs / 1000);
    const counts = this.#seconds.get(second) ?? new Map<string, number>();
    counts.set(operation, (counts.get(operation) ?? 0) + 1);
    this.#seconds.set(second, counts);
    this.#totals.set(operation, (this.#totals.get(operation) ?? 0) + 1);
    if (this.#seconds.size <= SECONDS_MAX) return;
    const oldest = this.#seconds.keys().next();
    if (oldest.done === false) this.#seconds.delete(oldest.value);
  }

  /** @returns totals per operation, and per second (Unix seconds) what came in */
  report(): { totals: Record<string, number>; perSecond: { second: number; counts: Record<string, number> }[] } {
    return {
      totals: Object.fromEntries(this.#totals),
      perSecond: [...this.#seconds].map(([second, counts]) => ({ second, counts: Object.fromEntries(counts) })),
    };
  }
}
