import type { Bilingual } from "../connectors/contract.ts";
import { type ConformanceCase, CaseFailed } from "./case.ts";
import { type Bench, NotApplicable, roomOf } from "./office.ts";

/** Longer than any case takes on a busy machine. */
const CASE_LIMIT_MS = 90_000;

export type Verdict =
  | { readonly state: "passed" }
  | { readonly state: "failed"; readonly message: string }
  | { readonly state: "not-applicable"; readonly reason: Bilingual };

/** Plays one case on fresh books. */
export const play = async (one: ConformanceCase, start: () => Promise<Bench>): Promise<Verdict> => {
  const bench = await start();
  try {
    const reason = one.unless?.(bench.target.capabilities);
    if (reason !== undefined) return { state: "not-applicable", reason };
    await within(one.run(roomOf(bench)));
    return { state: "passed" };
  } catch (error) {
    if (error instanceof NotApplicable) return { state: "not-applicable", reason: error.reason };
    return { state: "failed", message: error instanceof CaseFailed ? error.message : described(error) };
  } finally {
    await bench.close();
  }
};

const described = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error));

const within = async (work: Promise<void>): Promise<void> => {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new CaseFailed(`not finished after ${CASE_LIMIT_MS} ms`)), CASE_LIMIT_MS);
  });
  try {
    await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
};
