/** A server that speaks the Service Layer of SAP Business One, v1 and v2, and keeps double-entry books of its own. */

import type { z } from "zod";
import { type Fault, FaultFile, FaultPlan, parseFaultFile } from "../shared/faults.ts";
import { startHttpServer } from "../shared/http.ts";
import { LateWork } from "../shared/misbehave.ts";
import { htmlPage } from "./answers.ts";
import { type CompanySeed, DEMO_COMPANY } from "./company.ts";
import { Front, isHtmlBody } from "./front.ts";
import type { SettingsInput } from "./settings.ts";
import { type Credentials, World } from "./world.ts";

export type SapB1Options = {
  /** 0 or absent takes a free port */
  port?: number;
  host?: string;
  /** plain HTTP instead of HTTPS with a certificate of the simulator's own making */
  http?: boolean;
  /** draws credentials and faults; 1 when absent */
  seed?: number;
  faults?: readonly z.input<typeof Fault>[];
  /** milliseconds since 1970; the system's clock when absent */
  clock?: () => number;
  /** a demonstration company when absent */
  company?: CompanySeed;
  /** first open period; "2025-01" when absent */
  openPeriod?: string;
  /** switches; the README lists them with their defaults */
  settings?: SettingsInput;
  /** what `Expect: 100-continue` gets: 500 with an empty body, as from the vendor's balancer, or the usual 100 */
  expect100?: "reject500" | "accept";
  /** root in links; from the request's Host header when absent */
  publicOrigin?: string;
  /** calls per second (with twice as many in a burst) before 503; unlimited when absent */
  requestsPerSecondMax?: number;
  /** keeps the books in this folder, so that a restart (also kill -9) finds them again */
  dataDir?: string;
};

export type SapB1 = {
  /** ends in /b1s/v2/ */
  baseUrl: string;
  /** scheme, host and port: where /b1s/v1/, /ping, /_person and /_sim live */
  origin: string;
  credentials: Credentials;
  openPeriod: string;
  /** PEM of the authority that signed the server's certificate; undefined over plain HTTP */
  ca: string | undefined;
  world: World;
  faults: FaultPlan;
  /** late commits that still wait */
  pendingCommits(): number;
  close(): Promise<void>;
};

const BODY_LIMIT_BYTES = 50 * 1024 * 1024;
const OPEN_PERIOD = "2025-01";

/** @throws Error when the port is taken or a fault or a switch does not fit */
export async function startSapB1(options: SapB1Options = {}): Promise<SapB1> {
  const seed = options.seed ?? 1;
  const clock = { offsetMs: 0 };
  const now = (): number => (options.clock ?? Date.now)() + clock.offsetMs;
  const openPeriod = options.openPeriod ?? OPEN_PERIOD;
  const names = new Set([options.host ?? "127.0.0.1", "127.0.0.1", "localhost"]);
  const world = new World({
    seed,
    now,
    openPeriod,
    settings: options.settings ?? {},
    dataDir: options.dataDir,
    company: options.company ?? DEMO_COMPANY,
    hosts: options.http === true ? undefined : [...names],
  });
  const faults = new FaultPlan(seed, FaultFile.parse({ faults: options.faults ?? [] }).faults);
  const late = new LateWork();
  const front = new Front({
    world,
    faults,
    late,
    clock,
    parseFaults: parseFaultFile,
    publicOrigin: options.publicOrigin,
    scheme: options.http === true ? "http" : "https",
    requestsPerSecondMax: options.requestsPerSecondMax,
  });
  const { certificates } = world;
  const http = await startHttpServer({
    port: options.port,
    host: options.host,
    now,
    bodyLimitBytes: BODY_LIMIT_BYTES,
    tooLarge: { status: 413, contentType: isHtmlBody, body: htmlPage(413, "Request Entity Too Large") },
    ...(certificates === undefined ? {} : { tls: { key: certificates.key, cert: certificates.cert } }),
    ...(options.expect100 === "accept" ? {} : { expectation: front.refusedExpectation() }),
    handler: (exchange) => front.handle(exchange),
    onError: (error) => front.broken(error),
  });
  return {
    baseUrl: `${http.origin}/b1s/v2/`,
    origin: http.origin,
    credentials: world.credentials,
    openPeriod,
    ca: certificates?.ca,
    world,
    faults,
    pendingCommits: () => late.pending,
    close: async () => {
      late.close();
      await http.close();
      world.close();
    },
  };
}
