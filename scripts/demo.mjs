// npm run demo: sets up whatever is missing, then runs the main job on the demo company.
import process from "node:process";
import { run } from "./run.mjs";

await run("demo/main.ts", process.argv.slice(2));
