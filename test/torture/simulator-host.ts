import { z } from "zod";
import type { Served } from "./ledgers/ledger.ts";
import { tortureLedger } from "./ledgers/registry.ts";

/* A process that starts and closes simulated ERPs on request, and ends when nobody listens any more. */

const Request = z.discriminatedUnion("act", [
  z.object({
    act: z.literal("start"),
    id: z.number(),
    vendor: z.string(),
    seed: z.number(),
    latencyMs: z.number().optional(),
  }),
  z.object({ act: z.literal("close"), id: z.number() }),
]);

const running = new Map<number, Served>();

process.on("message", (message) => {
  const request = Request.parse(message);
  if (request.act === "start") void start(request.id, request.vendor, request);
  else void close(request.id);
});
process.on("disconnect", () => process.exit(0));

async function start(
  id: number,
  vendor: string,
  { seed, latencyMs }: { readonly seed: number; readonly latencyMs?: number | undefined },
): Promise<void> {
  const simulator = await tortureLedger(vendor).start({ seed, latencyMs });
  running.set(id, simulator);
  const { baseUrl, origin, secrets, settings, stages } = simulator;
  process.send?.({ id, baseUrl, origin, secrets, settings, stages });
}

async function close(id: number): Promise<void> {
  const simulator = running.get(id);
  running.delete(id);
  await simulator?.close();
}
