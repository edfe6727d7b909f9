import { fileURLToPath } from "node:url";
import type { TestWorkflowEnvironment } from "@temporalio/testing";
import { ApplicationFailure } from "@temporalio/common";
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
const LEDGER_QUEUE = "reconciliation-test-ledger";
const SOURCE_QUEUE = "reconciliation-test-source";

test("both sides are landed, each on its own queue, before they are compared, and a hiccup in between is tried again", async () => {
  const steps: string[] = [];
  const summary = { runId: "1", mismatches: 2, exceptions: 3, opened: 2, reopened: 0, closed: 0 };
  const activities = {
    planReconciliation: async ({ full = false }) => {
      steps.push(full ? "plan everything" : "plan");
      return {
        periods: ["2025-03"],
        sources: [
          { code: "jdy", queue: SOURCE_QUEUE },
          { code: "files", queue: LEDGER_QUEUE },
        ],
      };
    },
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
  } satisfies ReconciliationActivities;
  const { planReconciliation, landLedger, landWarehouse, compare } = activities;
  const connection = environment.nativeConnection;
  const workflowsPath = fileURLToPath(new URL("./reconciliation.ts", import.meta.url));
  // Each queue knows only what belongs there: what comes to another one would wait in vain.
  const [worker, ...others] = await Promise.all([
    Worker.create({ connection, taskQueue: TASK_QUEUE, workflowsPath, activities: { compare } }),
    Worker.create({
      connection,
      taskQueue: LEDGER_QUEUE,
      activities: { planReconciliation, landLedger, landWarehouse: onlyOf("files", landWarehouse) },
    }),
    Worker.create({ connection, taskQueue: SOURCE_QUEUE, activities: { landWarehouse: onlyOf("jdy", landWarehouse) } }),
  ]);
  const running = others.map((other) => other.run());
  const input = { company: "demo", ledger: "main", statement: "2025-03", queue: LEDGER_QUEUE, full: true };
  const result = await worker.runUntil(
    environment.client.workflow.execute(reconciliation, {
      taskQueue: TASK_QUEUE,
      workflowId: reconciliationId("demo", "2025-03"),
      args: [input],
    }),
  );
  for (const other of others) other.shutdown();
  await Promise.all(running);
  expect(result).toEqual(summary);
  expect(steps).toEqual([
    "plan everything",
    "warehouse jdy",
    "warehouse files",
    "ledger 2025-03",
    "ledger 2025-03",
    "compare 2025-03",
  ]);
});

type LandWarehouse = ReconciliationActivities["landWarehouse"];
const onlyOf =
  (code: string, land: LandWarehouse): LandWarehouse =>
  (input) => {
    if (input.source !== code) throw ApplicationFailure.nonRetryable(`${input.source} came to the queue of ${code}`);
    return land(input);
  };
