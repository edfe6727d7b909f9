/** The simulator's one clock, in epoch milliseconds. Every time stamp, life time and retry gap uses it. */
export interface SimClock {
  now(): number;
  /** Jumps forward (or back, when negative) by that many milliseconds. */
  advance(milliseconds: number): void;
  /** Sets the time; a ticking clock goes on from there. */
  set(epochMs: number): void;
  onJump(listener: () => void): void;
}

export interface ClockOptions {
  /** Where the clock starts; default: now. */
  readonly startAt?: number | string;
  /** A frozen clock moves only when it is told to, so that two runs stamp the same times. */
  readonly frozen?: boolean;
}

export function createClock(options: ClockOptions = {}): SimClock {
  const start = options.startAt === undefined ? Date.now() : new Date(options.startAt).getTime();
  if (Number.isNaN(start)) throw new Error(`not a time: ${String(options.startAt)}`);
  const frozen = options.frozen ?? false;
  let offset = frozen ? start : start - Date.now();
  const listeners: (() => void)[] = [];
  const jumped = (): void => {
    for (const listener of listeners) listener();
  };
  const now = (): number => (frozen ? offset : Date.now() + offset);
  return {
    now,
    advance(milliseconds) {
      offset += milliseconds;
      jumped();
    },
    set(epochMs) {
      offset += epochMs - now();
      jumped();
    },
    onJump(listener) {
      listeners.push(listener);
    },
  };
}

/** The vendor writes every instant as UTC with milliseconds. */
export function isoOf(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
