import { proxyActivities } from "@temporalio/workflow";
import type { TickActivities } from "../activities/tick.ts";
import type { Procedure } from "../domain/procedures.ts";

/**
 * A Schedule appends a time to the ids it starts, so it starts this: one activity that does signal-with-start on the id
 * that may run only once at a time.
 */
export async function tick(procedure: Procedure): Promise<void> {
  const { startOrNudge } = proxyActivities<TickActivities>({
    // One call to the Temporal server.
    startToCloseTimeout: "30 seconds",
    retry: { initialInterval: "1 second", maximumInterval: "30 seconds", maximumAttempts: 5 },
  });
  await startOrNudge(procedure);
}
