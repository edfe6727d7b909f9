import { z } from "zod";

/** The parts of package-lock.json that the rules look at. */
export const LockFile = z.object({
  packages: z.record(
    z.string(),
    z.object({
      version: z.string().optional(),
      resolved: z.string().optional(),
      dependencies: z.record(z.string(), z.string()).optional(),
      optionalDependencies: z.record(z.string(), z.string()).optional(),
    }),
  ),
});
export type LockFile = z.infer<typeof LockFile>;

export const PackageFile = z.object({
  scripts: z.record(z.string(), z.string()),
  dependencies: z.record(z.string(), z.string()),
  devDependencies: z.record(z.string(), z.string()),
});

/** All parts of the SDK must have one version: a second copy of a part breaks its type checks at run time. */
export function temporalVersions({ packages }: LockFile): string[] {
  const parts = Object.entries(packages).filter(([path]) => /(^|\/)node_modules\/@temporalio\/[^/]+$/.test(path));
  const versions = new Set(parts.map(([, { version }]) => version));
  return versions.size <= 1 ? [] : parts.map(([path, { version }]) => `${path} is ${version ?? "?"}`);
}

/** Histories in JSON are read with types of one copy of protobufjs and written with those of another unless all parts share one. */
export function protobufCopies({ packages }: LockFile): string[] {
  const users = Object.entries(packages).filter(
    ([path, { dependencies }]) =>
      path.includes("node_modules/@temporalio/") && dependencies?.["protobufjs"] !== undefined,
  );
  const resolved = users.map(([path]) => ({
    path,
    version: packages[resolvePackage(packages, path, "protobufjs") ?? ""]?.version,
  }));
  const direct = packages["node_modules/protobufjs"]?.version;
  return resolved.flatMap(({ path, version }) =>
    version === direct ? [] : [`${path} uses protobufjs ${version ?? "?"}, ours is ${direct ?? "?"}`],
  );
}

/** An address ties the lock file to the registry of whoever made it. */
export function downloadAddresses({ packages }: LockFile): string[] {
  return Object.entries(packages).flatMap(([path, { resolved }]) =>
    resolved === undefined ? [] : [`${path}: ${resolved}`],
  );
}

/**
 * Optional packages for other platforms that the lock file leaves out, because the registry in use did not carry them:
 * `npm ci` refuses such a file.
 */
export function incompletePlatforms({ packages }: LockFile): string[] {
  return Object.entries(packages).flatMap(([path, { optionalDependencies }]) =>
    Object.keys(optionalDependencies ?? {})
      .filter((name) => resolvePackage(packages, path, name) === undefined)
      .map((name) => `${path} lacks ${name}: run node scripts/complete-lock.mjs`),
  );
}

/** Where Node finds a package from inside another one: in its own folder first, then further up. */
function resolvePackage(packages: LockFile["packages"], from: string, name: string): string | undefined {
  const parts = from.split("/node_modules/");
  const places = parts.map(
    (_, index) => `${parts.slice(0, parts.length - index).join("/node_modules/")}/node_modules/${name}`,
  );
  return [...places, `node_modules/${name}`].find((place) => place in packages);
}

/** Commands in a text that package.json does not know. */
export function unknownCommands(text: string, scripts: Readonly<Record<string, string>>): string[] {
  const named = [...text.matchAll(/\bnpm run ([a-z][\w:-]*)|\bnpm (test)\b/g)].map(
    ([, run, test]) => run ?? test ?? "",
  );
  return [...new Set(named)].filter((name) => !(name in scripts));
}
