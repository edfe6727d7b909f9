// Run after every `npm install` that changes package-lock.json: node scripts/complete-lock.mjs
// Some registries and mirrors carry a package's programs for a few platforms only; npm then leaves the others out of the
// lock file, and `npm ci` refuses such a file everywhere. This writes down what belongs there, and removes download
// addresses, which would tie the lock file to one registry.
import { readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";

const SYSTEMS = ["android", "darwin", "freebsd", "linux", "openharmony", "win32", "aix", "sunos", "netbsd", "openbsd"];
const PROCESSORS = {
  arm64: "arm64",
  x64: "x64",
  ia32: "ia32",
  arm: "arm",
  gnueabihf: "arm",
  musleabihf: "arm",
  eabi: "arm",
  ppc64: "ppc64",
  s390x: "s390x",
  riscv64: "riscv64",
  loong64: "loong64",
  mips64el: "mips64el",
};

/** @returns the number of packages that were added to `packages` (the map of a lock file) */
export function completeLock(packages) {
  let added = 0;
  for (const [path, entry] of Object.entries(packages)) {
    delete entry.resolved;
    for (const [name, range] of Object.entries(entry.optionalDependencies ?? {})) {
      if (isPresent(packages, path, name) || !/^\d+\.\d+\.\d+[^ ]*$/.test(range)) continue;
      packages[`node_modules/${name}`] = entryFor(name, range, entry);
      added += 1;
    }
  }
  return added;
}

/** The names of optional dependencies that the lock file does not list. */
export function missingOptional(packages) {
  return Object.entries(packages).flatMap(([path, entry]) =>
    Object.keys(entry.optionalDependencies ?? {}).filter((name) => !isPresent(packages, path, name)),
  );
}

function isPresent(packages, path, name) {
  return `${path}/node_modules/${name}` in packages || `node_modules/${name}` in packages;
}

function entryFor(name, version, parent) {
  const parts = name.split(/[/-]/);
  const system = SYSTEMS.find((known) => parts.includes(known));
  const processor = Object.entries(PROCESSORS).find(([word]) => parts.includes(word))?.[1];
  const libc = parts.some((part) => part.startsWith("musl"))
    ? "musl"
    : parts.some((part) => part.startsWith("gnu"))
      ? "glibc"
      : undefined;
  return {
    version,
    ...(processor === undefined ? {} : { cpu: [processor] }),
    ...(parent.dev === true ? { dev: true } : {}),
    ...(system === "linux" && libc !== undefined ? { libc: [libc] } : {}),
    ...(parent.license === undefined ? {} : { license: parent.license }),
    optional: true,
    ...(system === undefined ? {} : { os: [system] }),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const file = process.argv[2] ?? fileURLToPath(new URL("../package-lock.json", import.meta.url));
  const lock = JSON.parse(readFileSync(file, "utf8"));
  const added = completeLock(lock.packages);
  const order = ([one], [other]) => (one < other ? -1 : one > other ? 1 : 0);
  lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(order));
  writeFileSync(file, `${JSON.stringify(lock, undefined, 2)}\n`);
  process.stderr.write(`${added} packages added to the lock file.\n`);
}
