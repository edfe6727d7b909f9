/** The switches: where the vendor's behaviour is unknown, contradictory or configurable. Defaults as in the README. */

import { z } from "zod";

const NotificationRule = z.strictObject({
  /** entity set that the rule watches */
  set: z.string(),
  /** refuses what contains this text; everything when absent */
  contains: z.string().optional(),
  number: z.int().default(1),
  text: z.string(),
});

export const Settings = z.strictObject({
  nextLinkStyle: z.enum(["relative", "absolutePath", "dropFilters"]).default("relative"),
  dateStyleV2: z.enum(["zulu", "plain"]).default("zulu"),
  batchNumberName: z.enum(["BatchNumber", "BatchNumberProperty"]).default("BatchNumber"),
  jsonStyle: z.enum(["sap3", "compact"]).default("sap3"),
  pageSize: z.int().min(0).default(20),
  sessionTimeoutMin: z.number().positive().default(30),
  maxSessions: z.int().min(1).default(100),
  loginDelayMs: z.int().min(0).max(60_000).default(0),
  latencyMs: z.int().min(0).max(600_000).default(0),
  requireRouteForWrites: z.boolean().default(false),
  linePatchMode: z.enum(["positional", "insert"]).default("positional"),
  selectEtagBug: z.boolean().default(true),
  udfVisibility: z.enum(["immediate", "afterRestart"]).default("immediate"),
  /** entity sets whose new documents wait for approval: they become drafts, and the POST reports -2028 */
  approvalTemplates: z.array(z.string()).default([]),
  notificationRules: z.array(NotificationRule).default([]),
  negativeStock: z.enum(["block", "allow"]).default("block"),
  /** perpetual inventory: stock documents make journal entries */
  perpetual: z.boolean().default(true),
  memoLength: z.int().min(1).default(50),
  mappingInfo: z.boolean().default(true),
  metadataWithoutSession: z.boolean().default(false),
  cookieStyle: z.enum(["classic", "modern"]).default("classic"),
  /** the bare token odata.continue-on-error; with a change set whose last operation fails the worker dies (502) */
  continueOnError: z.enum(["honour", "ignore"]).default("honour"),
  /** the entry that Cancel posts carries the user fields of the cancelled one */
  reversalCopiesUserFields: z.boolean().default(false),
  /** older releases keep Name of a user table unique too */
  userTableNameUnique: z.boolean().default(false),
  totalsAccuracy: z.int().min(0).max(6).default(2),
  priceAccuracy: z.int().min(0).max(6).default(6),
});
export type Settings = z.output<typeof Settings>;
export type SettingsInput = z.input<typeof Settings>;
