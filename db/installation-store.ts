import { z } from "zod";
import { Installation, Mappings, installationDigest } from "../domain/installation.ts";
import type { Database } from "./database.ts";
import { inTransaction } from "./database.ts";

const Stored = z.looseObject({ mappings: Mappings.optional() });

/** Two processes that apply at once take turns under this advisory lock. */
const APPLY_LOCK = "zhangshi-installation";

/**
 * Stores a configuration with its rule packs and charts; the same again is not a new version.
 *
 * @param mappings  without them the ledgers book by the packs and charts that come with the product
 * @returns the version now in force
 */
export async function storeInstallation(
  database: Database,
  installation: Installation,
  mappings?: Mappings,
): Promise<number> {
  const digest = installationDigest(installation, mappings);
  return inTransaction(database, async (client) => {
    await client.query("SELECT pg_advisory_xact_lock(hashtext($1))", [APPLY_LOCK]);
    const latest = await client.query<{ version: number; digest: string }>(
      "SELECT version, digest FROM installation_versions ORDER BY version DESC LIMIT 1",
    );
    const current = latest.rows[0];
    if (current?.digest === digest) return current.version;
    const version = (current?.version ?? 0) + 1;
    await client.query("INSERT INTO installation_versions (version, configuration, digest) VALUES ($1, $2, $3)", [
      version,
      JSON.stringify({ ...installation, mappings }),
      digest,
    ]);
    return version;
  });
}

/** The configuration in force, or undefined where none was applied yet. */
export async function currentInstallation(database: Database): Promise<Installation | undefined> {
  return (await currentInstallationVersion(database))?.installation;
}

export interface InstallationVersion {
  readonly version: number;
  readonly appliedAt: string;
  readonly installation: Installation;
  /** Absent in versions that were stored before rule packs and charts were kept with them. */
  readonly mappings?: Mappings | undefined;
}

/** As `currentInstallation`, with its version, when it was applied, and its rule packs and charts. */
export async function currentInstallationVersion(database: Database): Promise<InstallationVersion | undefined> {
  const row = await database.kysely
    .selectFrom("installation_versions")
    .selectAll()
    .orderBy("version", "desc")
    .limit(1)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const { mappings, ...installation } = Stored.parse(row.configuration);
  return {
    version: row.version,
    appliedAt: row.applied_at.toISOString(),
    installation: Installation.parse(installation),
    mappings,
  };
}
