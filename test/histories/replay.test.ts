import { readFile, readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { DefaultLogger, Runtime, type WorkflowBundle, Worker, bundleWorkflowCode } from "@temporalio/worker";
import { DeterminismViolationError } from "@temporalio/workflow";
import { beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { quiet, workflowsPath } from "../../worker/bundle.ts";

const here = fileURLToPath(new URL(".", import.meta.url));
const files = (await readdir(here)).filter((name) => name.endsWith(".json"));
const History = z.object({ events: z.array(z.record(z.string(), z.unknown())).min(1) });
const readHistory = async (file: string) => History.parse(JSON.parse(await readFile(`${here}${file}`, "utf8")));

let workflowBundle: WorkflowBundle;
beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger("ERROR") });
  workflowBundle = await bundleWorkflowCode({ workflowsPath, logger: quiet });
});

test("every workflow has a saved history", () => {
  expect(files).toEqual(
    expect.arrayContaining(["ledgerPosting.json", "reconciliation.json", "sourceSync.json", "tick.json"]),
  );
});

test.each(files)("%s replays with the workflows of today", async (file) => {
  await Worker.runReplayHistory({ workflowBundle }, await readHistory(file));
});

test("a history that the workflow would not have written is refused", async () => {
  const { events } = await readHistory("reconciliation.json");
  const other: unknown = JSON.parse(JSON.stringify({ events }).replaceAll('"landLedger"', '"landSomethingElse"'));
  await expect(Worker.runReplayHistory({ workflowBundle }, other)).rejects.toThrow(DeterminismViolationError);
});

test.each(files)("%s names no machine and no person's folder", async (file) => {
  const text = await readFile(`${here}${file}`, "utf8");
  expect(text).not.toMatch(/\/(home|root|work|tmp|Users)\//);
  expect([...text.matchAll(/"identity": "([^"]*)"/g)].map(([, identity]) => identity)).toEqual(
    expect.not.arrayContaining([expect.stringMatching(/[^a-z]/)]),
  );
});
