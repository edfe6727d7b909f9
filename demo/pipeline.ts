import { Client, Connection } from "@temporalio/client";
import type { Installation } from "../domain/installation.ts";
import { NUDGE, type Procedure, WORKFLOW_QUEUE, postingsOf, reconciliationsOf, syncsOf } from "../domain/procedures.ts";
import { startAttributesOf } from "../workflows/search-attributes.ts";

/** The three procedures of one company, each run to its end. */
export interface CompanyPipeline {
  readonly sync: (company: string) => Promise<void>;
  readonly post: (company: string) => Promise<void>;
  readonly reconcile: (company: string) => Promise<void>;
  readonly close: () => Promise<void>;
}

export const openPipeline = async (
  address: string,
  namespace: string,
  installation: Installation,
): Promise<CompanyPipeline> => {
  const connection = await Connection.connect({ address });
  const client = new Client({ connection, namespace });
  const runOf = async (company: string, procedures: readonly Procedure[]): Promise<void> => {
    for (const procedure of procedures) {
      const { workflow, workflowId, input, about } = procedure;
      if (about.company !== company) continue;
      const nudged = workflow === "reconciliation" ? undefined : NUDGE;
      const common = {
        workflowId,
        taskQueue: WORKFLOW_QUEUE,
        args: [input],
        typedSearchAttributes: startAttributesOf(procedure),
      };
      const handle =
        nudged === undefined
          ? await client.workflow.start(workflow, common)
          : await client.workflow.signalWithStart(workflow, { ...common, signal: nudged });
      await handle.result();
    }
  };
  return {
    sync: (company) => runOf(company, syncsOf(installation)),
    post: (company) => runOf(company, postingsOf(installation)),
    reconcile: (company) => runOf(company, reconciliationsOf(installation)),
    close: () => connection.close(),
  };
};
