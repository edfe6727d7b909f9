import { fileURLToPath } from "node:url";
import type { TestWorkflowEnvironment } from "@temporalio/testing";
import { Worker } from "@temporalio/worker";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ReconciliationActivities } from "../activities/reconciliation.ts";
import { testTimeSkipping } from "../test/support/temporal.ts";
import { reconciliation, reconciliationId } from "./reconciliation.ts";

let environment: TestWorkflowEnvironment;
beforeAll(async () => {
  environment = await testTimeSkipping();
});
afterAll(() => environment.teardown());

const TASK_QUEUE = "reconciliation-test";

test("both sides are landed before they are compared, and a hiccup in between is tried again", async () => {
  const steps: string[] = [];
  const summary = { runId: "1", mismatches: 2, exceptions: 3, opened: 2, reopened: 0, closed: 0 };
  const activities: ReconciliationActivities = {
    planReconciliation: async () => ({ periods: ["2025-03"], sources: ["jdy", "files"] }),
    landWarehouse: async ({ source }) => {
      steps.push(`warehouse ${source}`);
      return { records: 1, balances: 1 };
    },
    landLedger: async ({ periods }) => {
      steps.push(`ledger ${periods.join()}`);
      if (steps.filter((step) => step.startsWith("ledger")).length === 1) throw new Error("the ERP is away");
      return { vouchers: 1 };
    },
    compare: async ({ statement = "" }) => {
      steps.push(`compare ${statement}`);
      return summary;
    },
  };
  const worker = await Worker.create({
    connection: environment.nativeConnection,
    taskQueue: TASK_QUEUE,
    workflowsPath: fileURLToPath(new URL("./reconciliation.ts", import.meta.url)),
    activities,
  });
  const input = { company: "demo", ledger: "main", statement: "2025-03" };
  const result = await worker.runUntil(
    environment.client.workflow.execute(reconciliation, {
      taskQueue: TASK_QUEUE,
      workflowId: reconciliationId("demo", "2025-03"),
      args: [input],
    }),
  );
  expect(result).toEqual(summary);
  expect(steps).toEqual(["warehouse jdy", "warehouse files", "ledger 2025-03", "ledger 2025-03", "compare 2025-03"]);
});
