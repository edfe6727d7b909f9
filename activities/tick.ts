import { type Client, WorkflowExecutionAlreadyStartedError } from "@temporalio/client";
import type { TypedSearchAttributes } from "@temporalio/common";
import { NUDGE, type Procedure } from "../domain/procedures.ts";

export interface TickActivities {
  /** Starts the id, or nudges it where it runs already. A reconciliation that runs is left alone. Safe to repeat. */
  startOrNudge(procedure: Procedure): Promise<void>;
}

export interface TickDependencies {
  readonly client: Client;
  readonly taskQueue: string;
  /** What a procedure carries from its start. */
  readonly startAttributesOf: (procedure: Procedure) => TypedSearchAttributes;
}

export const createTickActivities = ({ client, taskQueue, startAttributesOf }: TickDependencies): TickActivities => ({
  startOrNudge: async (procedure) => {
    const { workflow, workflowId, input } = procedure;
    const start = { workflowId, taskQueue, args: [input], typedSearchAttributes: startAttributesOf(procedure) };
    if (workflow !== "reconciliation") {
      await client.workflow.signalWithStart(workflow, { ...start, signal: NUDGE });
      return;
    }
    try {
      await client.workflow.start(workflow, start);
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    }
  },
});
