import { posix } from "node:path";
import { type Import, type SourceFile, importsOf } from "./source-text.ts";

/** What the files of one folder may import. */
export interface FolderRule {
  /** Our own folders, or single files of them; "*" is everything. */
  readonly own: readonly string[];
  /** The same, but only for types. */
  readonly types?: readonly string[];
  /** Third-party packages; "@scope/*" stands for a whole scope, "*" for everything. */
  readonly packages: readonly string[];
  /** Modules of Node: all of them unless listed. */
  readonly node?: readonly string[];
}

/** The table of docs/design.md §2, with the folders that it leaves to us (observability, demo). */
export const FOLDER_RULES: Readonly<Record<string, FolderRule>> = {
  // No I/O: of Node only what computes a digest.
  domain: { own: [], packages: ["zod", "big.js"], node: ["node:crypto"] },
  mappings: { own: ["domain"], packages: ["zod", "yaml", "hucre"] },
  connectors: {
    own: ["domain"],
    packages: ["axios", "fast-xml-parser", "p-retry", "zod", "lossless-json", "hucre", "pg", "iconv-lite"],
  },
  db: { own: ["domain"], packages: ["kysely", "pg", "pg-copy-streams", "zod"] },
  config: { own: ["domain"], packages: ["zod", "yaml"] },
  observability: { own: ["config"], packages: ["pino", "prom-client"] },
  activities: {
    own: ["domain", "mappings", "observability"],
    types: ["connectors/contract.ts", "db"],
    packages: ["@temporalio/activity", "@temporalio/common", "@temporalio/client", "zod", "hucre"],
  },
  workflows: {
    own: ["domain"],
    types: ["activities"],
    packages: ["@temporalio/workflow", "@temporalio/common", "zod"],
  },
  worker: {
    own: ["domain", "mappings", "connectors", "db", "config", "observability", "activities", "workflows"],
    packages: ["@temporalio/*", "pg", "zod"],
  },
  server: {
    own: ["domain", "db", "config", "observability", "workflows"],
    packages: ["@temporalio/client", "@temporalio/common", "zod", "pg"],
  },
  console: { own: [], types: ["domain", "server"], packages: ["*"] },
  cli: {
    own: [
      "domain",
      "mappings",
      "db",
      "config",
      "observability",
      "workflows",
      "connectors",
      "worker",
      "server",
      "simulators",
      "embedded",
      "conformance",
    ],
    types: ["activities"],
    packages: ["commander", "zod", "yaml", "@temporalio/client", "@temporalio/common", "pg", "hucre"],
  },
  embedded: { own: ["config"], packages: ["pg", "zod", "@temporalio/client", "@temporalio/testing"] },
  simulators: { own: [], packages: ["zod", "lossless-json", "big.js", "hucre"] },
  // The suite plays against simulators and real servers alike: of simulators it knows only the language of faults.
  conformance: {
    own: ["domain", "mappings", "simulators/shared/faults.ts"],
    types: ["connectors/contract.ts"],
    packages: ["zod"],
  },
  // Pages that are generated from the code.
  docs: { own: ["domain"], packages: [] },
  demo: { own: ["*"], packages: ["*"] },
  test: { own: ["*"], packages: ["*"] },
};

/** Folders with one sub-folder per vendor: these do not know each other, and only the registry knows them all. */
const VENDOR_FOLDERS = ["connectors", "simulators"];
const SHARED_BY_VENDORS = new Set(["transport", "row-source", "shared"]);
const REGISTRY = "registry.ts";

export interface Violation {
  readonly file: string;
  readonly imports: string;
  readonly rule: string;
}

export function sentence({ file, imports, rule }: Violation): string {
  return `${file} imports "${imports}": ${rule}`;
}

/** Checks every import of every file against the table. Tests may import anything, and nothing else may import a test. */
export function checkImports(
  files: readonly SourceFile[],
  rules: Readonly<Record<string, FolderRule>> = FOLDER_RULES,
): Violation[] {
  return files.flatMap((file) => importsOf(file.text).flatMap((one) => checkImport(file.path, one, rules)));
}

/**
 * Checks what workflows load, however many files lie in between: Temporal runs them in a sandbox without Node's modules,
 * and everything they load must behave the same on replay.
 */
export function checkWorkflowLoads(files: readonly SourceFile[]): Violation[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const allowed = ["@temporalio/workflow", "@temporalio/common", "zod", "big.js"];
  const seen = new Set<string>();
  const waiting = files.map(({ path }) => path).filter((path) => path.startsWith("workflows/") && !isTest(path));
  const violations: Violation[] = [];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (seen.has(path)) continue;
    seen.add(path);
    for (const { specifier, typeOnly } of importsOf(byPath.get(path)?.text ?? "")) {
      if (typeOnly) continue;
      if (isOwn(specifier)) waiting.push(target(path, specifier));
      else if (!isAllowedPackage(specifier, allowed)) {
        violations.push({
          file: path,
          imports: specifier,
          rule: "workflows load this file, and their sandbox has no such module",
        });
      }
    }
  }
  return violations;
}

function checkImport(
  file: string,
  { specifier, typeOnly }: Import,
  rules: Readonly<Record<string, FolderRule>>,
): Violation[] {
  const refuse = (rule: string): Violation[] => [{ file, imports: specifier, rule }];
  const inTest = isTest(file);
  if (isOwn(specifier)) {
    const reached = target(file, specifier);
    if (isTest(reached) && !inTest) return refuse("only tests import tests and their support");
    if (inTest) return [];
    return checkOwn(file, reached, typeOnly, rules, refuse);
  }
  if (inTest) return [];
  const folder = folderOf(file);
  const rule = rules[folder];
  if (rule === undefined) return folder === "" ? [] : refuse(`the folder ${folder}/ is not in the table of folders`);
  if (specifier.startsWith("node:")) {
    if (rule.node === undefined || rule.node.includes(specifier)) return [];
    return refuse(`${folder}/ does no input or output; of Node it may use ${list(rule.node)}`);
  }
  if (isAllowedPackage(specifier, rule.packages)) return [];
  return refuse(`${folder}/ may use the packages ${list(rule.packages)}`);
}

function checkOwn(
  file: string,
  reached: string,
  typeOnly: boolean,
  rules: Readonly<Record<string, FolderRule>>,
  refuse: (rule: string) => Violation[],
): Violation[] {
  const folder = folderOf(file);
  const rule = rules[folder];
  if (folder === "") return [];
  if (rule === undefined) return refuse(`the folder ${folder}/ is not in the table of folders`);
  if (reached.startsWith("../")) return refuse("nothing outside of the checkout is imported");
  if (reached.startsWith("demo/planted") && file.includes("reconcil"))
    return refuse("what finds mismatches knows nothing of those that were planted");
  if (folderOf(reached) === folder) return checkVendors(file, reached, folder, refuse);
  if (covers(rule.own, reached)) return [];
  if (covers(rule.types ?? [], reached))
    return typeOnly ? [] : refuse(`${folder}/ may import only types from ${folderOf(reached)}/`);
  const types = rule.types === undefined ? "" : `, and types from ${list(rule.types)}`;
  return refuse(`${folder}/ may import ${list(rule.own)}${types}`);
}

function checkVendors(
  file: string,
  reached: string,
  folder: string,
  refuse: (rule: string) => Violation[],
): Violation[] {
  if (!VENDOR_FOLDERS.includes(folder)) return [];
  const [own, other] = [vendorOf(file), vendorOf(reached)];
  if (other === undefined || own === other) return [];
  if (own === undefined && file === `${folder}/${REGISTRY}`) return [];
  return refuse(
    own === undefined
      ? `only ${folder}/${REGISTRY} knows the vendors`
      : "one vendor's folder does not import another's",
  );
}

function vendorOf(path: string): string | undefined {
  const [, vendor, file] = path.split("/");
  return file === undefined || vendor === undefined || SHARED_BY_VENDORS.has(vendor) ? undefined : vendor;
}

/** A test, or what exists for tests alone: it is not shipped, so it may reach further. */
export function isTest(path: string): boolean {
  return path.startsWith("test/") || /\.test\.ts$|(^|\/|\.)testing\.ts$/.test(path);
}

function isOwn(specifier: string): boolean {
  return specifier.startsWith(".");
}

function target(file: string, specifier: string): string {
  return posix.normalize(posix.join(posix.dirname(file), specifier));
}

function folderOf(path: string): string {
  return path.includes("/") ? (path.split("/")[0] ?? "") : "";
}

function covers(entries: readonly string[], path: string): boolean {
  return entries.some((entry) => entry === "*" || path === entry || path.startsWith(`${entry}/`));
}

function isAllowedPackage(specifier: string, allowed: readonly string[]): boolean {
  const parts = specifier.split("/");
  const name = specifier.startsWith("@") ? parts.slice(0, 2).join("/") : (parts[0] ?? "");
  return allowed.some(
    (entry) => entry === "*" || entry === name || (entry.endsWith("/*") && name.startsWith(entry.slice(0, -1))),
  );
}

function list(entries: readonly string[]): string {
  return entries.length === 0 ? "none" : entries.join(", ");
}
