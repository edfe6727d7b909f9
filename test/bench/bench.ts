import type { Database } from "../../db/database.ts";

/** One ratio and the bound it has to keep; which side of the bound is right is for the bench to say. */
export interface Limit {
  readonly name: string;
  readonly ratio: number;
  readonly limit: number;
  readonly holds: boolean;
}

export interface BenchContext {
  /** A migrated database of this bench's own, on a throw-away server. */
  readonly database: Database;
  readonly databaseUrl: string;
  /** To be called when everything is set up and the work begins: what comes after it is measured. */
  readonly begin: () => Promise<void>;
  /** Prints a line for people; goes to standard error. */
  readonly say: (line: string) => void;
}

/** Two ways of doing the same work, measured in the same run: only their ratio says something on every machine. */
export type Bench = (context: BenchContext) => Promise<readonly Limit[]>;

export const atLeast = (name: string, ratio: number, limit: number): Limit => ({
  name,
  ratio: round(ratio),
  limit,
  holds: ratio >= limit,
});
export const atMost = (name: string, ratio: number, limit: number): Limit => ({
  name,
  ratio: round(ratio),
  limit,
  holds: ratio <= limit,
});
const round = (value: number): number => Math.round(value * 1000) / 1000;

export async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return (performance.now() - startedAt) / 1000;
}

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted[Math.floor(sorted.length / 2)];
  if (middle === undefined) throw new RangeError("The median of nothing.");
  return middle;
};
