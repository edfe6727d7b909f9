import type { Client } from "@temporalio/client";

export interface TickInput {
  readonly workflow: string;
  readonly workflowId: string;
  readonly input: Readonly<Record<string, string>>;
}

export interface TickActivities {
  /** Starts the id, or nudges it where it runs already. Safe to repeat. */
  signalWithStart(input: TickInput): Promise<void>;
}

export const createTickActivities = (dependencies: {
  readonly client: Client;
  readonly taskQueue: string;
}): TickActivities => ({
  signalWithStart: async ({ workflow, workflowId, input }) => {
    await dependencies.client.workflow.signalWithStart(workflow, {
      workflowId,
      taskQueue: dependencies.taskQueue,
      args: [input],
      signal: "nudge",
    });
  },
});
