import type { ConnectorContext, StockSource, VoucherTarget } from "../connectors/contract.ts";
import { createSource, createTarget } from "../connectors/registry.ts";
import { resolveCertificateAuthority, resolveSecrets } from "../config/installation.ts";
import type { Database } from "../db/database.ts";
import { closeAlarm, raiseAlarm } from "../db/exception-store.ts";
import { createPacer } from "../db/pacer.ts";
import { ledgerState, pauseLedger } from "../db/posting-store.ts";
import { ZhangshiError } from "../domain/errors.ts";
import {
  type ConnectionConfig,
  type Installation,
  connectionOf,
  mergedSettings,
  sourceSettings,
} from "../domain/installation.ts";
import { type Log, logAbout, logFunction } from "../observability/log.ts";
import { type Metrics, createMetrics } from "../observability/metrics.ts";
import { WatchedSource } from "./watched-source.ts";
import { WatchedTarget } from "./watched-target.ts";

/** The connectors of an installation, each built once when it is first needed. */
export interface Connectors {
  /** @throws ZhangshiError CONNECTION_UNKNOWN, CONFIG_INVALID, SECRET_MISSING */
  readonly source: (company: string, source: string) => StockSource;
  readonly target: (ledger: string) => VoucherTarget;
  readonly close: () => Promise<void>;
}

const unpaced = { permit: async (): Promise<void> => undefined };

export const openConnectors = (
  installation: Installation,
  database: Database,
  environment: Readonly<Record<string, string | undefined>>,
  log: Log,
  metrics: Pick<Metrics, "recordsPulled" | "requests"> = createMetrics(),
): Connectors => {
  const sources = new Map<string, StockSource>();
  const targets = new Map<string, VoucherTarget>();
  const contextOf = (connection: ConnectionConfig): ConnectorContext => ({
    connection: connection.name,
    baseUrl: connection.baseUrl,
    secrets: resolveSecrets(connection, environment),
    certificateAuthority: resolveCertificateAuthority(connection),
    allowedHosts: connection.allowedHosts,
    pacer: connection.rate === undefined ? unpaced : createPacer(database, connection.name, connection.rate.perSecond),
    now: () => new Date(),
    log: logFunction(logAbout(log, { connection: connection.name })),
    onRequest: (lane, seconds) => metrics.requests.observe({ connection: connection.name, lane }, seconds),
  });
  return {
    source: (company, code) => {
      const known = sources.get(code);
      if (known !== undefined) return known;
      const source = installation.sources.find((each) => each.code === code && each.company === company);
      if (source === undefined) throw new ZhangshiError("CONNECTION_UNKNOWN", { source: code });
      const connection = connectionOf(installation, source.connection);
      const alarm = `${company}/record/${code}/log-in`;
      const made = new WatchedSource(
        createSource(connection.vendor, sourceSettings(installation, source), contextOf(connection)),
        {
          refused: (message) =>
            raiseAlarm(database.pool, {
              id: alarm,
              company,
              kind: "record",
              code: "LOGIN_REFUSED",
              subject: code,
              evidence: { source: code, connection: connection.name, message },
            }),
          accepted: () => closeAlarm(database.pool, alarm),
          pulled: (records) => metrics.recordsPulled.inc({ company, source: code }, records),
        },
      );
      sources.set(code, made);
      return made;
    },
    target: (code) => {
      const known = targets.get(code);
      if (known !== undefined) return known;
      const ledger = installation.ledgers.find((each) => each.code === code);
      if (ledger === undefined) throw new ZhangshiError("CONNECTION_UNKNOWN", { ledger: code });
      const connection = connectionOf(installation, ledger.connection);
      const made = new WatchedTarget(
        () => createTarget(connection.vendor, mergedSettings(connection, ledger), contextOf(connection)),
        {
          raise: (message) => pauseLedger(database, ledger.company, code, "LOGIN_REFUSED", message),
          isStanding: async () => (await ledgerState(database, code)).pauseCode === "LOGIN_REFUSED",
        },
      );
      targets.set(code, made);
      return made;
    },
    close: async () => {
      await Promise.all([...sources.values(), ...targets.values()].map((connector) => connector.close()));
    },
  };
};
