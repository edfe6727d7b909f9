import { TestWorkflowEnvironment } from "@temporalio/testing";
import { z } from "zod";
import { fromTestServers } from "./servers.ts";

const DevServer = z.object({ address: z.string(), namespace: z.string() });
const Program = z.object({ file: z.string() });

/**
 * The Temporal dev server that all test files of a run share: real time, schedules, search attributes. Task queues and
 * workflow ids must be the file's own.
 */
export function testTemporal(): Promise<{ address: string; namespace: string }> {
  return fromTestServers("/temporal", DevServer);
}

/**
 * A server of its own that skips time (about two seconds to start); call `teardown()` in `afterAll`. Skipping is global
 * to the server, so workflows on it run one after the other.
 */
export async function testTimeSkipping(): Promise<TestWorkflowEnvironment> {
  const { file } = await fromTestServers("/time-skipping", Program);
  return TestWorkflowEnvironment.createTimeSkipping({ server: { executable: { type: "existing-path", path: file } } });
}
