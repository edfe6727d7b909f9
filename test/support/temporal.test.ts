import { fileURLToPath } from "node:url";
import { Connection } from "@temporalio/client";
import { Worker } from "@temporalio/worker";
import { expect, test } from "vitest";
import { SEARCH_ATTRIBUTES } from "../../config/environment.ts";
import { testTemporal, testTimeSkipping } from "./temporal.ts";

test("a workflow that sleeps for thirty days ends at once on the time-skipping server", async () => {
  const environment = await testTimeSkipping();
  try {
    const worker = await Worker.create({
      connection: environment.nativeConnection,
      taskQueue: "thirty-days",
      workflowsPath: fileURLToPath(new URL("./thirty-days.ts", import.meta.url)),
    });
    const before = await environment.currentTimeMs();
    const result = await worker.runUntil(
      environment.client.workflow.execute("thirtyDays", {
        taskQueue: "thirty-days",
        workflowId: "month/demo",
        args: ["demo"],
      }),
    );
    expect(result).toBe("demo: a month has passed");
    expect((await environment.currentTimeMs()) - before).toBeGreaterThanOrEqual(30 * 86_400_000);
  } finally {
    await environment.teardown();
  }
});

test("the shared dev server knows our search attributes as keywords", async () => {
  const { address, namespace } = await testTemporal();
  const connection = await Connection.connect({ address });
  try {
    const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
    const keyword = 2;
    expect(SEARCH_ATTRIBUTES.map((name) => customAttributes?.[name])).toEqual(SEARCH_ATTRIBUTES.map(() => keyword));
  } finally {
    await connection.close();
  }
});
