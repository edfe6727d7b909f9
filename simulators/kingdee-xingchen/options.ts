/** What a simulated 云星辰 is started with, and what its starter gets. */

import type { z } from "zod";
import type { Fault, FaultPlan } from "../shared/faults.ts";
import type { Authorisation, CompanyBook } from "./account-set.ts";
import type { Settings } from "./settings.ts";
import type { World } from "./world.ts";

export type KingdeeXingchenOptions = {
  /** 0 or absent takes a free port */
  port?: number;
  host?: string;
  /** draws credentials and faults; 1 when absent */
  seed?: number;
  faults?: readonly z.input<typeof Fault>[];
  /** milliseconds since 1970; the system's clock when absent */
  clock?: () => number;
  /** account sets, each with an authorisation of its own; one demonstration company when absent */
  books?: readonly CompanyBook[];
  /** first open period of books that do not say their own; "2025-01" when absent */
  openPeriod?: string;
  /** switches for what the vendor does not publish */
  settings?: Partial<Settings>;
  /** extra time that every vendor call takes */
  latencyMs?: number;
  /** life of an app-token; 24 hours when absent */
  tokenMs?: number;
  /** age at which an appSecret is replaced; 24 hours when absent */
  secretMs?: number;
  /** largest accepted clock difference of a signature; 5 minutes when absent */
  clockSkewMs?: number;
  /** app-tokens per app_key and minute; any number when absent */
  tokensPerMinuteMax?: number;
  /** calls per second (with twice as many in a burst) before errcode 429; 10 when absent, null is unlimited */
  requestsPerSecondMax?: number | null;
  /** where a new appSecret is pushed to; nowhere when absent */
  callbackUrl?: string;
  /** keeps everything in this folder, so that a restart (also kill -9) finds it again */
  dataDir?: string;
};

/** The vendor's own names, all text. */
export type Credentials = Authorisation & { clientId: string; clientSecret: string };

export type KingdeeXingchen = {
  /** without a trailing slash: stands for https://api.kingdee.com */
  baseUrl: string;
  /** the same address: where /_person and /_sim live */
  origin: string;
  /** of the first account set */
  credentials: Credentials;
  /** of any account set, by the number of its book; as they are now */
  credentialsOf(number: string): Credentials;
  openPeriod: string;
  world: World;
  faults: FaultPlan;
  /** late commits that still wait */
  pendingCommits(): number;
  close(): Promise<void>;
};
