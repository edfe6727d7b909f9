import { LosslessNumber } from "lossless-json";
import { z } from "zod";
import { CallFailed, type VendorApi } from "./vendor-api.ts";
import { type Problem, approvalProblem, problemBefore, writtenOf } from "./ledger-answers.ts";
import type { LedgerSettings } from "./ledger-settings.ts";

/** Nodes that a voucher may pass on its way; a workflow that still is not through then goes round in circles. */
const STEPS_MAX = 20;
const TASK_OPEN = "0";
const INSTANCE_UNKNOWN = "50019";
const wireNumber = z.instanceof(LosslessNumber).transform((number) => number.value);

/** Source: Jiandaoyun reference §7.1. */
const Instance = z.object({
  instance_id: z.string(),
  status: wireNumber,
  tasks: z
    .array(
      z.object({
        task_id: z.string(),
        flow_name: z.string().default(""),
        status: wireNumber,
        assignee: z.object({ username: z.string() }),
      }),
    )
    .default([]),
});
type Instance = z.infer<typeof Instance>;

/**
 * Finishes the open tasks of our approvers until none of theirs is left. What an answer calls a success is not believed: the
 * workflow is read again after every step, and in the end the caller reads the voucher.
 * @returns what stands in the way; undefined when the workflow ended or moved as far as ours reach
 */
export const audit = async (
  api: VendorApi,
  flow: NonNullable<LedgerSettings["flow"]>,
  instanceId: string,
  deadlineAt: Date,
): Promise<Problem | undefined> => {
  const done = new Set<string>();
  for (let step = 0; step < STEPS_MAX; step += 1) {
    let instance: Instance;
    try {
      instance = (await api.read("instance", { instance_id: instanceId, tasks_type: 1 }, Instance, deadlineAt)).body;
    } catch (error) {
      if (error instanceof CallFailed && error.vendorCode === INSTANCE_UNKNOWN)
        return { kind: "refused", code: "AUDIT_REFUSED", message: "the voucher never entered the workflow" };
      return problemBefore(error);
    }
    const open = instance.tasks.filter(({ status }) => status === TASK_OPEN);
    if (open.length === 0) return undefined;
    const task = open.find(({ assignee }) => flow.approvers.includes(assignee.username));
    if (task === undefined) {
      const waiting = open.map(({ flow_name, assignee }) => `${flow_name} ${assignee.username}`).join(", ");
      return { kind: "refused", code: "AUDIT_REFUSED", message: `waits for a person: ${waiting}` };
    }
    if (done.has(task.task_id))
      return {
        kind: "uncertain",
        code: "ANSWER_INCOMPLETE",
        message: `called a success, but ${task.flow_name} is open`,
      };
    const body = {
      username: task.assignee.username,
      instance_id: instanceId,
      task_id: task.task_id,
      comment: flow.comment,
    };
    const problem = approvalProblem(writtenOf(await api.write("approve", body, deadlineAt), api.http.redact));
    if (problem !== undefined) return problem;
    done.add(task.task_id);
  }
  return { kind: "refused", code: "AUDIT_REFUSED", message: `not through after ${STEPS_MAX} steps` };
};
