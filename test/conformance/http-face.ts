import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import type { RequestCounts, SetFault } from "./office.ts";

/* What all simulators that speak HTTP offer besides the vendor's own interface. */

const Requests = z.object({
  totals: z.record(z.string(), z.number()),
  perSecond: z.array(z.object({ second: z.number(), counts: z.record(z.string(), z.number()) })),
});
const Hits = z.object({ hits: z.record(z.string(), z.number()) });

/** Late commits are over after this at the latest. */
const SETTLE_MS = 10_000;
const SETTLE_POLL_MS = 50;

const json = async (response: Response, what: string): Promise<unknown> => {
  if (!response.ok) throw new Error(`${what}: ${response.status} ${await response.text()}`);
  return response.json();
};

/** One act of a person, as the simulator's README lists them. @throws Error with what the books refused */
export const person = async (origin: string, act: string, body: unknown = {}): Promise<unknown> =>
  json(await fetch(`${origin}/_person/${act}`, { method: "POST", body: JSON.stringify(body) }), act);

export const personList = async (origin: string, list: string): Promise<unknown> =>
  json(await fetch(`${origin}/_person/${list}`), list);

export const setFaults = async (origin: string, faults: readonly SetFault[]): Promise<void> => {
  await json(await fetch(`${origin}/_sim/faults`, { method: "POST", body: JSON.stringify({ faults }) }), "faults");
};

export const hits = async (origin: string, kind: string): Promise<number> =>
  Hits.parse(await json(await fetch(`${origin}/_sim/faults`), "faults")).hits[kind] ?? 0;

export const shiftClock = async (origin: string, offsetMs: number): Promise<void> => {
  await json(await fetch(`${origin}/_sim/clock`, { method: "POST", body: JSON.stringify({ offsetMs }) }), "clock");
};

export const requests = async (origin: string): Promise<RequestCounts> => {
  const { totals, perSecond } = Requests.parse(await json(await fetch(`${origin}/_sim/requests`), "requests"));
  const sum = (counts: Readonly<Record<string, number>>): number =>
    Object.values(counts).reduce((all, count) => all + count, 0);
  return { totals, perSecond: new Map(perSecond.map(({ second, counts }) => [second, sum(counts)])) };
};

/** @param pending  late commits that still wait */
export const settle = async (pending: () => number): Promise<void> => {
  const until = Date.now() + SETTLE_MS;
  while (pending() > 0 && Date.now() < until) await sleep(SETTLE_POLL_MS);
};
