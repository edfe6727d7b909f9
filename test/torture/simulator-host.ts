import { z } from "zod";
import { type KingdeeCloud, startKingdeeCloud } from "../../simulators/kingdee-cloud/server.ts";

/* A process that starts and closes simulated ERPs on request, and ends when nobody listens any more. */

const Request = z.discriminatedUnion("act", [
  z.object({ act: z.literal("start"), id: z.number(), seed: z.number(), latencyMs: z.number().optional() }),
  z.object({ act: z.literal("close"), id: z.number() }),
]);

const running = new Map<number, KingdeeCloud>();

process.on("message", (message) => {
  const request = Request.parse(message);
  if (request.act === "start") void start(request.id, request.seed, request.latencyMs);
  else void close(request.id);
});
process.on("disconnect", () => process.exit(0));

async function start(id: number, seed: number, latencyMs: number | undefined): Promise<void> {
  const simulator = await startKingdeeCloud({
    seed,
    openPeriod: "2025-01",
    ...(latencyMs === undefined ? {} : { latencyMs }),
  });
  running.set(id, simulator);
  const { baseUrl, origin, credentials } = simulator;
  process.send?.({ id, baseUrl, origin, credentials });
}

async function close(id: number): Promise<void> {
  const simulator = running.get(id);
  running.delete(id);
  await simulator?.close();
}
