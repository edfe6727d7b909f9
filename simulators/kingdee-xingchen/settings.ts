/** Switches for what the vendor does not publish; a person can turn them while the simulator runs. */

import { z } from "zod";

const LATENCY_MS_MAX = 600_000;

export const Settings = z.strictObject({
  /** page_size above 100: fewer rows in silence, or a refusal */
  pageSizeOver: z.enum(["cut", "refuse"]).default("cut"),
  listOrder: z.enum(["newest-first", "oldest-first"]).default("newest-first"),
  /** one bad voucher among several: nothing is saved, or the others are */
  batchMode: z.enum(["all-or-nothing", "partial"]).default("all-or-nothing"),
  /** list filters that are ignored in silence, such as "source_bill_no" */
  ignoredFilters: z.array(z.string()).default([]),
  /** head fields that this tenant does not have: lost in silence when saved, and not shown */
  lostFields: z.array(z.enum(["source_bill_no", "remark"])).default([]),
  unlistedAssist: z.enum(["keep", "drop", "refuse"]).default("keep"),
  fineAmounts: z.enum(["round", "refuse"]).default("round"),
  negativeStock: z.enum(["allow", "warn", "refuse"]).default("warn"),
  /** whether 科目余额表, 数量金额总账 and 明细账 count unaudited vouchers */
  reportsCountUnaudited: z.boolean().default(true),
  /** HTTP status of an expired or unknown app-token */
  tokenErrorStatus: z.union([z.literal(200), z.literal(401)]).default(401),
  /** HTTP status of "too many calls" */
  throttleStatus: z.union([z.literal(200), z.literal(429)]).default(200),
  /** X-GW-Router-Addr must name the account set's domain */
  routerRequired: z.boolean().default(false),
  /** every call of push_app_authorize makes a new appSecret, not only one that is due */
  rotateOnAuthorize: z.boolean().default(false),
  /** shape of the answer of push_app_authorize: both were seen by clients */
  authorizeEnvelope: z.enum(["errcode", "code"]).default("errcode"),
  /** extra time that every vendor call takes */
  latencyMs: z.int().min(0).max(LATENCY_MS_MAX).default(0),
});
export type Settings = z.infer<typeof Settings>;
