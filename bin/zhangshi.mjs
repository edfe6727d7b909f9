#!/usr/bin/env node
// The command. From the installed package it runs the compiled program, from a checkout the sources as they are.
import { existsSync } from "node:fs";
import process from "node:process";

const compiled = new URL("../dist/cli/main.js", import.meta.url);
const source = new URL("../cli/main.ts", import.meta.url);

if (existsSync(source)) {
  const { setUp } = await import(new URL("../scripts/setup.mjs", import.meta.url).href);
  await setUp();
  const { register } = await import("tsx/esm/api");
  register();
  await import(source.href);
} else if (existsSync(compiled)) {
  await import(compiled.href);
} else {
  process.stderr.write(
    "zhangshi is not complete: neither cli/main.ts nor dist/cli/main.js is there. Run: npm run build\n",
  );
  process.exitCode = 1;
}
