// Runs one TypeScript file of the checkout: node scripts/run.mjs <file.ts> [arguments]
// In this same process, so that exit codes and signals need no passing on.
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import process from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";
import { root, setUp } from "./setup.mjs";

/**
 * @param file  relative to the checkout or absolute
 * @param args  what the file finds behind its own name in process.argv
 */
export async function run(file, args) {
  const path = resolve(root, file);
  if (!existsSync(path)) {
    process.stderr.write(`${file} is not there.\n`);
    process.exit(1);
  }
  await setUp();
  const { register } = await import("tsx/esm/api");
  register();
  process.argv = [process.execPath, path, ...args];
  await import(pathToFileURL(path).href);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [file, ...args] = process.argv.slice(2);
  if (file === undefined) {
    process.stderr.write("Usage: node scripts/run.mjs <file.ts> [arguments]\n");
    process.exit(2);
  }
  await run(file, args);
}
