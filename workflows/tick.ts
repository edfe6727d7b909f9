import { proxyActivities } from "@temporalio/workflow";
import type { TickActivities } from "../activities/tick.ts";

export interface Tick {
  /** What to start or nudge: the long-lived id, its workflow and its input. */
  readonly workflow: "sourceSync" | "ledgerPosting" | "reconciliation";
  readonly workflowId: string;
  readonly input: Readonly<Record<string, string>>;
}

/**
 * A Schedule appends a time to the ids it starts, so it starts this: one activity that does signal-with-start on the id
 * that may run only once at a time.
 */
export async function tick(input: Tick): Promise<void> {
  const { signalWithStart } = proxyActivities<TickActivities>({
    // One call to the Temporal server.
    startToCloseTimeout: "30 seconds",
    retry: { initialInterval: "1 second", maximumInterval: "30 seconds", maximumAttempts: 5 },
  });
  await signalWithStart(input);
}
