import { bundleWorkflows } from "../../worker/bundle.ts";

/* Bundles the workflows into the file named, so that the process that is measured has no compiler in it: as in production. */
const [file = ""] = process.argv.slice(2);
await bundleWorkflows(file);
