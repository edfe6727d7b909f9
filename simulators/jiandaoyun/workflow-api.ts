import { z } from "zod";
import { type ApiContext, type Body, checkApp, type Interface, read } from "./api-context.ts";
import { isoOf } from "./clock.ts";
import { textOf, VendorError } from "./errors.ts";
import type { JsonObject } from "./json.ts";
import { renderMember } from "./records.ts";
import type { FormTable, Instance, Store, Task } from "./store.ts";
import {
  activate,
  addSign,
  approve,
  close,
  reject,
  revoke,
  rollback,
  type Step,
  stepChanges,
  TASK_OPEN,
  transfer,
} from "./workflow.ts";

/**
 * The workflow interfaces. An action that fails for a business reason answers HTTP 200 with `status: "failure"`.
 *
 * Source: Jiandaoyun reference §7.
 */
export const WORKFLOW_INTERFACES: readonly Interface[] = [
  readInterface("v6/workflow/instance/get", 30, getInstance),
  readInterface("v1/workflow/instance/logs", 30, logs),
  readInterface("v6/workflow/task/list", 20, tasks),
  readInterface("v1/workflow/cc/list", 5, () => ({ has_more: false, cc_list: [] })),
  readInterface("v1/app/:app_id/entry/:entry_id/data/:data_id/approval_comments", 30, approvalComments),
  action("v1/workflow/instance/close"),
  action("v1/workflow/instance/activate"),
  action("v1/workflow/task/approve"),
  action("v1/workflow/task/reject"),
  action("v1/workflow/task/transfer"),
  action("v2/workflow/task/rollback"),
  action("v2/workflow/task/add_sign"),
  action("v2/workflow/task/revoke"),
];

const COMMENTS_PER_PAGE = 100;

function readInterface(path: string, rate: number, handle: Interface["handle"]): Interface {
  return { path, operation: "workflow-read", rate, effect: "read", handle };
}

function action(path: string): Interface {
  const name = path.slice(path.lastIndexOf("/") + 1);
  return {
    path,
    operation: `workflow-${name.replace("_", "-")}`,
    rate: 20,
    effect: "write",
    handle: (body, context) => act(name, body, context),
  };
}

function act(name: string, body: Body, context: ApiContext): unknown {
  try {
    takeStep(context.store, name, body);
    if (context.switches.apiWorkflowPush) context.onWorkflowStep(read(InstanceRequest, body).instance_id);
    return { status: "success" };
  } catch (error) {
    if (!(error instanceof VendorError) || error.code === 17017) throw error;
    const message = textOf(error.code, context.switches.errorLanguage, error.detail);
    return { status: "failure", code: error.code, message };
  }
}

const InstanceRequest = z.object({ instance_id: z.string() });
const TaskRequest = InstanceRequest.extend({
  username: z.string(),
  task_id: z.string(),
  comment: z.string().optional(),
});
const RollbackRequest = TaskRequest.extend({ flow_id: z.int().optional() });
const TransferRequest = TaskRequest.extend({ transfer_username: z.string() });
const AddSignRequest = TaskRequest.extend({
  add_sign_type: z.union([z.literal(0), z.literal(1), z.literal(2)]),
  add_sign_usernames: z.array(z.string()).min(1),
});
const RevokeRequest = InstanceRequest.extend({ username: z.string(), task_id: z.string().optional() });
const ActivateRequest = InstanceRequest.extend({ flow_id: z.int() });

/**
 * Takes one workflow step and stores it, for the API and for a person alike.
 *
 * @returns the form and the instance as they are now
 */
export function takeStep(store: Store, name: string, body: Body): { table: FormTable; instance: Instance } {
  const { table, instance } = instanceOf(store, read(InstanceRequest, body).instance_id);
  const at = store.clock.now();
  const step = stepNamed(store, table, instance, name, body, at);
  const by = typeof body["username"] === "string" ? body["username"] : instance.creator;
  store.commit(stepChanges(store, table, step, by, at));
  return { table, instance: step.instance };
}

function stepNamed(store: Store, { form }: FormTable, instance: Instance, name: string, body: Body, at: number): Step {
  switch (name) {
    case "approve":
      return approve(store, form, instance, taskAction(body), at);
    case "reject":
      return reject(form, instance, taskAction(body), at);
    case "rollback":
      return rollback(store, form, instance, { ...taskAction(body), flowId: read(RollbackRequest, body).flow_id }, at);
    case "transfer": {
      const to = read(TransferRequest, body).transfer_username;
      return transfer(store, form, instance, { ...taskAction(body), to }, at);
    }
    case "add_sign": {
      const { add_sign_type: type, add_sign_usernames: usernames } = read(AddSignRequest, body);
      return addSign(store, form, instance, { ...taskAction(body), type, usernames }, at);
    }
    case "revoke": {
      const { username, task_id: taskId } = read(RevokeRequest, body);
      return revoke(store, form, instance, { username, taskId }, at);
    }
    case "close":
      return close(instance, at);
    case "activate":
      return activate(store, form, instance, read(ActivateRequest, body).flow_id, at);
    default:
      throw new VendorError(17017, name);
  }
}

function taskAction(body: Body): { username: string; taskId: string; comment: string | undefined } {
  const { username, task_id: taskId, comment } = read(TaskRequest, body);
  return { username, taskId, comment };
}

function instanceOf(store: Store, id: string): { table: FormTable; instance: Instance } {
  const instance = store.instances.get(id);
  const table = instance === undefined ? undefined : store.tables.get(instance.entryId);
  if (instance === undefined || table === undefined) throw new VendorError(50019);
  return { table, instance };
}

const GetRequest = InstanceRequest.extend({ tasks_type: z.union([z.literal(0), z.literal(1)]).default(0) });

function getInstance(body: Body, { store }: ApiContext): unknown {
  const request = read(GetRequest, body);
  const { table, instance } = instanceOf(store, request.instance_id);
  const answer = renderInstance(store, table, instance);
  if (request.tasks_type === 1)
    answer["tasks"] = instance.tasks.map((task) => renderTask(store, table, instance, task));
  return answer;
}

export function renderInstance(store: Store, { form }: FormTable, instance: Instance): JsonObject {
  const answer: JsonObject = {
    app_id: form.appId,
    form_id: form.entryId,
    form_title: form.name,
    instance_id: instance.id,
    url: `https://www.jiandaoyun.com/workflow/process_instance/${instance.id}`,
    create_time: isoOf(instance.createAt),
    update_time: isoOf(instance.updateAt),
    finish_time: instance.finishAt === null ? null : isoOf(instance.finishAt),
    status: instance.status,
    creator: renderMember(instance.creator, { store, origin: "", shape: "api" }),
  };
  if (instance.result !== null) answer["result"] = instance.result;
  return answer;
}

function renderTask(store: Store, { form }: FormTable, instance: Instance, task: Task): JsonObject {
  const context = { store, origin: "", shape: "api" } as const;
  return {
    app_id: form.appId,
    form_id: form.entryId,
    form_title: form.name,
    title: task.flowName,
    instance_id: instance.id,
    task_id: task.taskId,
    flow_id: task.flowId,
    flow_name: task.flowName,
    url: `https://www.jiandaoyun.com/workflow/process_instance/${instance.id}`,
    assignee: renderMember(task.assignee, context),
    creator: renderMember(task.creator, context),
    create_time: isoOf(task.createAt),
    create_action: task.createAction,
    finish_time: task.finishAt === null ? null : isoOf(task.finishAt),
    finish_action: task.finishAction,
    status: task.status,
  };
}

const LogsRequest = InstanceRequest.extend({
  skip: z.int().min(0).default(0),
  limit: z.int().min(1).max(COMMENTS_PER_PAGE).default(COMMENTS_PER_PAGE),
});

/** Only what carries a comment is logged. */
function logs(body: Body, { store }: ApiContext): unknown {
  const { instance_id: id, skip, limit } = read(LogsRequest, body);
  const { instance } = instanceOf(store, id);
  const commented = instance.tasks.filter((task) => (task.comment ?? "") !== "").slice(skip, skip + limit);
  return {
    logs: commented.map((task) => ({
      flow_id: task.flowId,
      flow_name: task.flowName,
      create_action: task.createAction,
      create_time: isoOf(task.createAt),
      finish_action: task.finishAction,
      finish_time: task.finishAt === null ? null : isoOf(task.finishAt),
      comment: task.comment,
      attachments: [],
      operator: renderMember(task.assignee, { store, origin: "", shape: "api" }),
    })),
  };
}

const TaskListRequest = z.object({
  username: z.string(),
  limit: z.int().min(1).max(100).default(10),
  task_id: z.string().optional(),
});

function tasks(body: Body, { store }: ApiContext): unknown {
  const { username, limit, task_id: cursor } = read(TaskListRequest, body);
  const open: { id: string; row: JsonObject }[] = [];
  for (const instance of store.instances.values()) {
    const table = store.tables.get(instance.entryId);
    if (table === undefined) continue;
    for (const task of instance.tasks) {
      const mine = task.assignee === username && task.status === TASK_OPEN;
      if (mine && (cursor === undefined || task.taskId > cursor)) {
        open.push({ id: task.taskId, row: renderTask(store, table, instance, task) });
      }
    }
  }
  const sorted = open.toSorted((left, right) => (left.id < right.id ? -1 : 1));
  return { has_more: sorted.length > limit, tasks: sorted.slice(0, limit).map(({ row }) => row) };
}

const CommentsRequest = z.object({
  app_id: z.string(),
  entry_id: z.string(),
  data_id: z.string(),
  skip: z.int().min(0).default(0),
});

function approvalComments(body: Body, context: ApiContext): unknown {
  const { app_id: appId, data_id: id, skip } = read(CommentsRequest, body);
  checkApp(appId, context);
  const { instance } = instanceOf(context.store, id);
  const commented = instance.tasks.filter((task) => (task.comment ?? "") !== "");
  return {
    approveCommentList: commented.slice(skip, skip + COMMENTS_PER_PAGE).map((task) => ({
      flowNodeName: task.flowName,
      flowAction: task.finishAction,
      comment: task.comment,
      operator: renderMember(task.assignee, { store: context.store, origin: "", shape: "api" }),
    })),
  };
}
