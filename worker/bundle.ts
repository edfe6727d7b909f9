import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { bundleWorkflowCode } from "@temporalio/worker";

const isSource = import.meta.url.endsWith(".ts");
export const workflowsPath = fileURLToPath(new URL(`../workflows/index.${isSource ? "ts" : "js"}`, import.meta.url));

/** Bundles all workflows, so that a worker in production starts without a compiler. */
export const bundleWorkflows = async (file: string): Promise<void> => {
  const { code } = await bundleWorkflowCode({ workflowsPath, logger: quiet });
  await writeFile(file, code);
};

const nothing = (): void => undefined;
/** The bundler's progress is nobody's business; its errors are thrown. */
export const quiet = { log: nothing, trace: nothing, debug: nothing, info: nothing, warn: nothing, error: nothing };
