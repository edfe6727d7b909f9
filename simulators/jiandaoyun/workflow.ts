import { VendorError } from "./errors.ts";
import type { Form, WorkflowNode } from "./forms.ts";
import type { Change, FlowState, FormRecord, FormTable, Instance, Store, Task } from "./store.ts";

/**
 * A linear workflow engine: the start node (flow_id 0), then the form's nodes one after the other, each with one task
 * per assignee of which the first that is handled decides.
 *
 * Source of numbers, names and codes: Jiandaoyun reference §7.
 */
export interface Step {
  readonly instance: Instance;
  readonly flowState: FlowState;
}

export const TASK_OPEN = 0;
const TASK_DONE = 1;
const TASK_CLOSED = 2;
const START_NODE = 0;

export function startInstance(store: Store, form: Form, record: FormRecord, at: number): Step {
  if (form.kind !== "flow") throw new VendorError(5060);
  const [first] = form.nodes;
  const instance: Instance = {
    id: record.id,
    entryId: form.entryId,
    creator: record.creator,
    createAt: at,
    updateAt: at,
    finishAt: null,
    status: 0,
    result: null,
    tasks: [],
  };
  return first === undefined
    ? finish(instance, at, 1)
    : running(instance, tasksFor(store, first, instance, at, "forward"), at);
}

/** What changes when a workflow step was taken: the instance, and the state shown on the record. */
export function stepChanges(store: Store, table: FormTable, step: Step, by: string, at: number): Change[] {
  const changes: Change[] = [{ kind: "instance", instance: step.instance }];
  const record = table.live.get(step.instance.id);
  if (record !== undefined) {
    const updated = { ...record, flowState: step.flowState, updater: by, updateAt: at };
    changes.push({ kind: "record", entryId: table.form.entryId, record: updated, at: store.touch(table) });
  }
  return changes;
}

export interface TaskAction {
  readonly username: string;
  readonly taskId: string;
  readonly comment: string | undefined;
}

/** @throws VendorError 50004, 50051, 4009, 5004, 5012 */
function openTask(instance: Instance, form: Form, action: TaskAction): { task: Task; node: WorkflowNode | undefined } {
  if (instance.status !== 0) throw new VendorError(4008);
  const task = instance.tasks.find((entry) => entry.taskId === action.taskId);
  if (task === undefined) throw new VendorError(50004);
  if (task.assignee !== action.username) throw new VendorError(4009);
  if (task.status !== TASK_OPEN) throw new VendorError(50051);
  const node = form.nodes.find((entry) => entry.flow_id === task.flowId);
  if (node?.commentRequired === true && (action.comment ?? "") === "") throw new VendorError(5004);
  if (node?.signatureRequired === true) throw new VendorError(5012);
  return { task, node };
}

export function approve(store: Store, form: Form, instance: Instance, action: TaskAction, at: number): Step {
  const { task } = openTask(instance, form, action);
  const settled = settle(instance, task, action, "forward", at);
  if (task.createAction === "sign_parallel" && settled.tasks.some((entry) => entry.status === TASK_OPEN)) {
    return { instance: settled, flowState: 0 };
  }
  const suspended = settled.tasks.filter((entry) => entry.status === 5 && entry.flowId === task.flowId);
  if (suspended.length > 0) return resume(settled, at);
  const next = form.nodes[form.nodes.findIndex((node) => node.flow_id === task.flowId) + 1];
  const closed = closeOpen(settled, at);
  return next === undefined
    ? finish(closed, at, 1)
    : running(closed, tasksFor(store, next, instance, at, "forward"), at);
}

export function reject(form: Form, instance: Instance, action: TaskAction, at: number): Step {
  const { task } = openTask(instance, form, action);
  return finish(closeOpen(settle(instance, task, action, "reject", at), at), at, 0);
}

/** Back to a node before, or to the start when none is named. */
export function rollback(
  store: Store,
  form: Form,
  instance: Instance,
  action: TaskAction & { readonly flowId: number | undefined },
  at: number,
): Step {
  const { task } = openTask(instance, form, action);
  const closed = closeOpen(settle(instance, task, action, "back", at), at);
  return toNode(store, form, closed, action.flowId ?? START_NODE, at, "back");
}

export function transfer(
  store: Store,
  form: Form,
  instance: Instance,
  action: TaskAction & { readonly to: string },
  at: number,
): Step {
  const { task, node } = openTask(instance, form, action);
  if (action.to === action.username) throw new VendorError(4016);
  if (!store.members.has(action.to)) throw new VendorError(4015);
  if (node?.transferForbidden === true) throw new VendorError(4009);
  const moved = newTask(store, task, action.to, action.username, at, "transfer");
  return running(settle(instance, task, action, "transfer", at), [moved], at);
}

/** 0 before: mine waits; 1 after: theirs follows mine; 2 parallel: both have to be handled. */
export function addSign(
  store: Store,
  form: Form,
  instance: Instance,
  action: TaskAction & { readonly type: 0 | 1 | 2; readonly usernames: readonly string[] },
  at: number,
): Step {
  const { task } = openTask(instance, form, action);
  if (action.usernames.some((username) => !store.members.has(username))) throw new VendorError(4015);
  const createAction = (["sign_before", "sign_after", "sign_parallel"] as const)[action.type];
  const added = action.usernames.map((username) => newTask(store, task, username, action.username, at, createAction));
  if (action.type === 1) return running(settle(instance, task, action, "sign_after", at), added, at);
  const mine: Task = action.type === 0 ? { ...task, status: 5 } : { ...task, createAction: "sign_parallel" };
  return running({ ...instance, tasks: replaceTask(instance.tasks, mine) }, added, at);
}

/** The submitter, or whoever handled a task before, takes the step back. */
export function revoke(
  store: Store,
  form: Form,
  instance: Instance,
  action: { readonly username: string; readonly taskId: string | undefined },
  at: number,
): Step {
  if (instance.status !== 0) throw new VendorError(4008);
  const flowId = revokedNode(instance, action);
  return toNode(store, form, closeOpen(instance, at), flowId, at, "revoke");
}

function revokedNode(instance: Instance, action: { username: string; taskId: string | undefined }): number {
  if (action.taskId === undefined) {
    if (instance.creator !== action.username) throw new VendorError(4005);
    return START_NODE;
  }
  const task = instance.tasks.find((entry) => entry.taskId === action.taskId);
  if (task === undefined) throw new VendorError(50004);
  if (task.assignee !== action.username || task.status !== TASK_DONE) throw new VendorError(4005);
  return task.flowId;
}

/** Ended by an administrator. */
export function close(instance: Instance, at: number): Step {
  if (instance.status !== 0) throw new VendorError(4008);
  const closed: Instance = { ...closeOpen(instance, at), status: 2, finishAt: at, updateAt: at };
  return { instance: closed, flowState: 2 };
}

/** Opened again at a node. */
export function activate(store: Store, form: Form, instance: Instance, flowId: number, at: number): Step {
  if (instance.status === 0) throw new VendorError(4026);
  const reopened: Instance = { ...instance, status: 0, result: null, finishAt: null };
  return toNode(store, form, reopened, flowId, at, "activate");
}

function toNode(store: Store, form: Form, instance: Instance, flowId: number, at: number, createAction: string): Step {
  if (flowId === START_NODE) {
    const start: WorkflowNode = { flow_id: START_NODE, name: "开始", assignees: [instance.creator] };
    return running(instance, tasksFor(store, start, instance, at, createAction), at);
  }
  const node = form.nodes.find((entry) => entry.flow_id === flowId);
  if (node === undefined) throw new VendorError(5003);
  return running(instance, tasksFor(store, node, instance, at, createAction), at);
}

function tasksFor(store: Store, node: WorkflowNode, instance: Instance, at: number, createAction: string): Task[] {
  return node.assignees.map((assignee) => ({
    taskId: store.ids.objectId(at),
    flowId: node.flow_id,
    flowName: node.name,
    assignee,
    creator: instance.creator,
    createAt: at,
    createAction,
    finishAt: null,
    finishAction: null,
    status: TASK_OPEN,
    comment: null,
  }));
}

function newTask(store: Store, task: Task, assignee: string, creator: string, at: number, createAction: string): Task {
  const taskId = store.ids.objectId(at);
  return { ...task, taskId, assignee, creator, createAt: at, createAction, status: TASK_OPEN, comment: null };
}

function settle(instance: Instance, task: Task, action: TaskAction, finishAction: string, at: number): Instance {
  const done: Task = { ...task, status: TASK_DONE, finishAt: at, finishAction, comment: action.comment ?? null };
  return { ...instance, updateAt: at, tasks: replaceTask(instance.tasks, done) };
}

function replaceTask(tasks: readonly Task[], changed: Task): Task[] {
  return tasks.map((task) => (task.taskId === changed.taskId ? changed : task));
}

function closeOpen(instance: Instance, at: number): Instance {
  const tasks = instance.tasks.map((task): Task => {
    const open = task.status === TASK_OPEN || task.status === 5;
    return open ? { ...task, status: TASK_CLOSED, finishAt: at, finishAction: "close" } : task;
  });
  return { ...instance, tasks };
}

function resume(instance: Instance, at: number): Step {
  const tasks = instance.tasks.map((task): Task => (task.status === 5 ? { ...task, status: TASK_OPEN } : task));
  return running({ ...instance, tasks }, [], at);
}

function running(instance: Instance, added: readonly Task[], at: number): Step {
  return { instance: { ...instance, updateAt: at, tasks: [...instance.tasks, ...added] }, flowState: 0 };
}

function finish(instance: Instance, at: number, result: 0 | 1): Step {
  const finished: Instance = { ...instance, status: 1, result, finishAt: at, updateAt: at };
  return { instance: finished, flowState: result === 1 ? 1 : 3 };
}
