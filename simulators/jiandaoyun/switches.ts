import { z } from "zod";

/**
 * What the vendor does not document, or what tests want otherwise. Every default is the behaviour that was measured, or
 * the choice written down in the README.
 *
 * Source: Jiandaoyun reference §15.3.
 */
export const Switches = z.object({
  /** `silent`: a wrong condition is dropped and everything is answered; `strict`: 4815. */
  filterErrors: z.enum(["silent", "strict"]).default("silent"),
  /** `null-and-success`: a wrong value is stored empty; `strict`: 3005, 17032, 17034. */
  badValues: z.enum(["null-and-success", "strict"]).default("null-and-success"),
  /** `measured`: `{}` clears, null is refused, "" clears text only; `permissive`: all three clear. */
  clearWith: z.enum(["measured", "permissive"]).default("measured"),
  /** What a `data_remove` push carries. */
  removePayload: z.enum(["ids", "full"]).default("ids"),
  /** Waits before the second, third … attempt of a push, in milliseconds of the simulator's clock. */
  pushRetryMs: z.array(z.number().nonnegative()).default([300_000, 900_000, 3_600_000, 7_200_000]),
  /** Whether a retry is signed anew (new nonce and timestamp) or repeated as it was. */
  pushResign: z.boolean().default(true),
  /** A receiver that has not answered by then counts as failed. Real milliseconds. */
  pushTimeoutMs: z.number().positive().default(2_000),
  /** After so many failures in a row a push is switched off. */
  pushFailuresMax: z.number().positive().default(100),
  /** Largest number of values in `in`, `nin`, `all`. */
  inLimit: z.number().positive().default(1_000),
  /** Whether a field that has an alias may still be named by its id in requests. */
  aliasInput: z.enum(["both", "alias-only"]).default("both"),
  /** Rows a subform may have; more are refused with 3005. */
  subformMaxRows: z.number().positive().default(200),
  /** Rows that one `data/list` answers at most, below what was asked for and without a word; absent: as the vendor says. */
  rowsMax: z.number().int().positive().optional(),
  /** Whether the Date header of answers shows the simulator's clock instead of this machine's. */
  clockInHeaders: z.boolean().default(false),
  errorLanguage: z.enum(["zh", "en"]).default("zh"),
  /** Whether workflow steps taken through the API push. */
  apiWorkflowPush: z.boolean().default(false),
  /** `vendor`: the documented calls per second; `off`: none; a number multiplies them. */
  rates: z.union([z.literal("vendor"), z.literal("off"), z.number().positive()]).default("vendor"),
  /** Requests served at the same time before 429; undocumented, so off unless set. */
  concurrencyMax: z.number().positive().optional(),
});
export type Switches = z.infer<typeof Switches>;

/** A partial set, as callers and the control face give it. */
export const SwitchChanges = Switches.partial();
export type SwitchChanges = Partial<Switches>;

export function createSwitches(changes: SwitchChanges = {}): Switches {
  return Switches.parse(changes);
}
