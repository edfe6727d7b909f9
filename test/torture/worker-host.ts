import { z } from "zod";
import { createLog } from "../../observability/log.ts";
import { startWorker } from "../../worker/worker.ts";

/* The product's worker in a process of its own, so that it can be killed. It ends when nobody listens any more. */

const Place = z.object({
  databaseUrl: z.string(),
  temporalAddress: z.string(),
  namespace: z.string(),
  reportFolder: z.string(),
  bundle: z.string(),
});

process.on("disconnect", () => process.exit(0));
const { bundle, ...place } = Place.parse(JSON.parse(process.argv[2] ?? "{}"));
const running = await startWorker({
  ...place,
  environment: process.env,
  log: createLog({ level: "fatal" }),
  workflowBundle: { codePath: bundle },
});
process.send?.({ ready: true });
await running.done;
