import { resolveCertificateAuthority, resolveSecrets } from "../config/installation.ts";
import type { Connector, ConnectorContext, Pacer, TargetCapabilities, VoucherTarget } from "../connectors/contract.ts";
import { createSource, createTarget, vendors } from "../connectors/registry.ts";
import {
  type ConnectionConfig,
  connectionOf,
  type Installation,
  type LedgerConfig,
  mergedSettings,
  sourceSettings,
} from "../domain/installation.ts";
import { ZhangshiError } from "../domain/errors.ts";

/** A probe sends a handful of requests: it waits in no line. */
const unpaced: Pacer = { permit: async () => undefined };

/**
 * Sources and ledgers as the connectors they become, closed again at once: what cannot be built is refused by name.
 * @returns what each ledger's connector declares, by the ledger's code
 */
export async function tryConnectors(
  installation: Installation,
  variables: Readonly<Record<string, string | undefined>>,
): Promise<ReadonlyMap<string, TargetCapabilities>> {
  for (const one of users(installation).filter(({ role }) => role === "source"))
    await build(one, contextOf(one.connection, variables)).close();
  const declared = new Map<string, TargetCapabilities>();
  for (const ledger of installation.ledgers) {
    const target = named(`ledger ${ledger.code}`, () => targetOf(installation, ledger, variables));
    declared.set(ledger.code, target.capabilities);
    await target.close();
  }
  return declared;
}

/** The connector behind a connection, built as its first source or ledger would. @throws ZhangshiError CONNECTION_UNKNOWN, CONFIG_INVALID */
export function connectorOf(
  installation: Installation,
  name: string,
  variables: Readonly<Record<string, string | undefined>>,
): Connector {
  const connection = connectionOf(installation, name);
  const user = users(installation).find((one) => one.connection.name === name) ?? withoutUser(connection);
  return build(user, contextOf(connection, variables));
}

/** The ledger's own connector; close it after use. */
export const targetOf = (
  installation: Installation,
  ledger: LedgerConfig,
  variables: Readonly<Record<string, string | undefined>>,
  pacer: Pacer = unpaced,
): VoucherTarget => {
  const connection = connectionOf(installation, ledger.connection);
  const context = { ...contextOf(connection, variables), pacer };
  return createTarget(connection.vendor, mergedSettings(connection, ledger), context);
};

interface User {
  readonly role: "source" | "ledger";
  /** "source warehouse", for messages. */
  readonly name: string;
  readonly connection: ConnectionConfig;
  readonly settings: Readonly<Record<string, unknown>>;
}

function users(installation: Installation): User[] {
  const sources = installation.sources.map((source): User => {
    const connection = connectionOf(installation, source.connection);
    return {
      role: "source",
      name: `source ${source.code}`,
      connection,
      settings: sourceSettings(installation, source),
    };
  });
  const ledgers = installation.ledgers.map((ledger): User => {
    const connection = connectionOf(installation, ledger.connection);
    return { role: "ledger", name: `ledger ${ledger.code}`, connection, settings: mergedSettings(connection, ledger) };
  });
  return [...sources, ...ledgers];
}

function withoutUser(connection: ConnectionConfig): User {
  // A source can be looked at without knowing any form; a ledger cannot without its books.
  const role = vendors[connection.vendor]?.source === undefined ? "ledger" : "source";
  return { role, name: connection.name, connection, settings: connection.settings };
}

/** A refusal by the factory says as well whose settings they are. */
function build({ role, name, connection, settings }: User, context: ConnectorContext): Connector {
  return named(name, () => (role === "source" ? createSource : createTarget)(connection.vendor, settings, context));
}

function named<Built>(name: string, make: () => Built): Built {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof ZhangshiError) || error.code !== "CONFIG_INVALID") throw error;
    throw new ZhangshiError("CONFIG_INVALID", { ...error.details, usedBy: name }, { cause: error });
  }
}

const contextOf = (
  connection: ConnectionConfig,
  variables: Readonly<Record<string, string | undefined>>,
): ConnectorContext => ({
  connection: connection.name,
  baseUrl: connection.baseUrl,
  secrets: resolveSecrets(connection, variables),
  certificateAuthority: resolveCertificateAuthority(connection),
  allowedHosts: connection.allowedHosts,
  pacer: unpaced,
  now: () => new Date(),
  log: () => undefined,
});
