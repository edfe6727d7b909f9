import {
  type Client,
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  type ScheduleOptions,
  ScheduleOverlapPolicy,
} from "@temporalio/client";
import type { Installation } from "../domain/installation.ts";
import { type Procedure, WORKFLOW_QUEUE, postingsOf, reconciliationsOf, syncsOf } from "../domain/procedures.ts";
import { searchAttributesOf } from "../workflows/search-attributes.ts";

const SYNC_EVERY = "5 minutes";
const POST_EVERY = "5 minutes";
/** Company time. At night both sides stand still, and the source is asked for everything. */
const RECONCILE_AT = { hour: 1, minute: 30 } as const;
/** After an outage of Temporal one tick brings everything up to date; a missed night is still made up for. */
const CATCH_UP = "10 minutes";
const CATCH_UP_NIGHTLY = "1 day";
const PREFIX = "tick/";

export const scheduleId = (procedure: Pick<Procedure, "workflowId">): string => `${PREFIX}${procedure.workflowId}`;

/**
 * Makes the Schedules of an installation what they should be, and deletes those of sources and ledgers that are no more.
 * A Schedule that a person paused stays paused. Several workers may do this at once.
 */
export async function ensureSchedules(
  client: Client,
  installation: Installation,
  taskQueue = WORKFLOW_QUEUE,
): Promise<void> {
  const wanted = schedulesOf(installation, taskQueue);
  for (const schedule of wanted) await ensure(client, schedule);
  await removeOthers(client, new Set(wanted.map((schedule) => schedule.scheduleId)), taskQueue);
}

function schedulesOf(installation: Installation, taskQueue: string): Schedule[] {
  const zones = new Map(installation.companies.map(({ code, zone }) => [code, zone]));
  const every = (interval: typeof SYNC_EVERY) => (procedure: Procedure) =>
    scheduleOf(procedure, taskQueue, { intervals: [{ every: interval }] }, CATCH_UP);
  const nightly = (procedure: Procedure) =>
    scheduleOf(
      procedure,
      taskQueue,
      { calendars: [RECONCILE_AT], timezone: zones.get(procedure.about.company) ?? "UTC" },
      CATCH_UP_NIGHTLY,
    );
  return [
    ...syncsOf(installation).map(every(SYNC_EVERY)),
    ...postingsOf(installation).map(every(POST_EVERY)),
    ...reconciliationsOf(installation).map(nightly),
  ];
}

type Schedule = ReturnType<typeof scheduleOf>;

function scheduleOf(
  procedure: Procedure,
  taskQueue: string,
  spec: ScheduleOptions["spec"],
  catchupWindow: typeof CATCH_UP | typeof CATCH_UP_NIGHTLY,
) {
  const typedSearchAttributes = searchAttributesOf(procedure.about);
  return {
    scheduleId: scheduleId(procedure),
    spec,
    action: {
      type: "startWorkflow",
      workflowType: "tick",
      workflowId: scheduleId(procedure),
      taskQueue,
      args: [procedure],
      typedSearchAttributes,
    },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow },
    typedSearchAttributes,
  } satisfies ScheduleOptions;
}

async function ensure(client: Client, schedule: Schedule): Promise<void> {
  try {
    await client.schedule.create(schedule);
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    const { spec, action, policies, typedSearchAttributes } = schedule;
    await client.schedule
      .getHandle(schedule.scheduleId)
      .update(({ state }) => ({ spec, action, policies, state, typedSearchAttributes }));
  }
}

async function removeOthers(client: Client, wanted: ReadonlySet<string>, taskQueue: string): Promise<void> {
  for await (const summary of client.schedule.list()) {
    if (!summary.scheduleId.startsWith(PREFIX) || wanted.has(summary.scheduleId)) continue;
    const handle = client.schedule.getHandle(summary.scheduleId);
    try {
      // The list may be behind, and somebody else's Schedules may begin the same way: ask the Schedule itself.
      const { action } = await handle.describe();
      if (action.workflowType === "tick" && action.taskQueue === taskQueue) await handle.delete();
    } catch (error) {
      if (!(error instanceof ScheduleNotFoundError)) throw error;
    }
  }
}
