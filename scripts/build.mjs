// npm run build: compiles to dist/, copies what is not TypeScript, and bundles the workflows for production.
import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { dirname, extname, join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { root, setUp } from "./setup.mjs";

/** What runs in production. Tests, demo data and scripts stay in the checkout. */
const FOLDERS = [
  "domain",
  "mappings",
  "connectors",
  "db",
  "config",
  "observability",
  "activities",
  "workflows",
  "worker",
  "server",
  "cli",
  "embedded",
  "conformance",
  "simulators",
  "demo",
];
/** Copied as they are when they lie in one of these folders. */
const ASSETS = new Set([".yaml", ".yml", ".json", ".sql", ".mjs", ".csv", ".md"]);

await setUp();
const output = join(root, "dist");
rmSync(output, { recursive: true, force: true });

const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
const compiled = spawnSync(process.execPath, [compiler, "--project", join(root, "tsconfig.json")], {
  cwd: root,
  stdio: ["ignore", 2, 2],
});
if (compiled.status !== 0) process.exit(compiled.status ?? 1);
for (const name of ["test", "scripts", "vitest.config.js", "vitest.config.js.map"])
  rmSync(join(output, name), { recursive: true, force: true });
removeTests(output);

let copied = 0;
for (const folder of FOLDERS) copied += copyAssets(join(root, folder), join(output, folder));

const bundler = join(output, "worker", "bundle.js");
if (existsSync(bundler)) {
  const { bundleWorkflows } = await import(pathToFileURL(bundler).href);
  await bundleWorkflows(join(output, "workflow-bundle.js"));
}
const command = join(output, "cli", "main.js");
if (existsSync(command)) chmodSync(command, 0o755);
process.stderr.write(`Built dist/ (${copied} files copied).\n`);

function copyAssets(from, to) {
  if (!existsSync(from)) return 0;
  let count = 0;
  for (const entry of readdirSync(from, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile() || !ASSETS.has(extname(entry.name))) continue;
    const source = join(entry.parentPath, entry.name);
    const target = join(to, source.slice(from.length));
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(source, target);
    count += 1;
  }
  return count;
}

function removeTests(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isFile() && /\.test\.js(\.map)?$/.test(entry.name)) rmSync(join(entry.parentPath, entry.name));
  }
}
