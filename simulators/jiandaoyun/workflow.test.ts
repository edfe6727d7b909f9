import { afterEach, beforeEach, expect, test } from "vitest";
import { APP_ID, FLOW_FORM, OneReply, startCompany, startReceiver, type TestCompany, until } from "./testing.ts";

let company: TestCompany;
beforeEach(async () => {
  company = await startCompany();
});
afterEach(() => company.close());

async function start() {
  const data = { task_no: { value: "CT-1" } };
  const answer = await company.api("v5/app/entry/data/create", {
    app_id: APP_ID,
    entry_id: FLOW_FORM,
    data_creator: "wangcg",
    is_start_workflow: true,
    data,
  });
  return OneReply.parse(answer.body).data;
}

async function instance(id: string) {
  const { body } = await company.api("v6/workflow/instance/get", { instance_id: id, tasks_type: 1 });
  return JSON.parse(JSON.stringify(body));
}

async function openTask(username: string): Promise<string> {
  const { body } = await company.api("v6/workflow/task/list", { username });
  return JSON.parse(JSON.stringify(body)).tasks[0]?.task_id ?? "none";
}

async function act(path: string, instance_id: string, username: string, more: object = {}) {
  const task_id = await openTask(username);
  return company.api(`v1/workflow/task/${path}`, { instance_id, username, task_id, ...more });
}

test("a record created through the API starts its workflow only when asked", async () => {
  expect(await start()).toMatchObject({ flowState: 0 });
  const plain = await company.api("v5/app/entry/data/create", { app_id: APP_ID, entry_id: FLOW_FORM, data: {} });
  expect(plain.body).toMatchObject({ data: { flowState: 1 } });
  const { _id } = OneReply.parse(plain.body).data;
  const none = await company.api("v6/workflow/instance/get", { instance_id: _id });
  expect(none.body).toMatchObject({ code: 50019 });
});

test("two approvals finish it; a required comment is demanded and then logged", async () => {
  const { _id } = await start();
  expect(await act("approve", _id, "lizg")).toEqual({ status: 200, body: { status: "success" } });
  const refused = await act("approve", _id, "wangcg");
  expect(refused).toMatchObject({ status: 200, body: { status: "failure", code: 5004, message: expect.any(String) } });
  await act("approve", _id, "wangcg", { comment: "同意" });
  expect(await instance(_id)).toMatchObject({ status: 1, result: 1, tasks: [{ status: 1 }, { status: 1 }] });
  const record = await company.api("v5/app/entry/data/get", { app_id: APP_ID, entry_id: FLOW_FORM, data_id: _id });
  expect(record.body).toMatchObject({ data: { flowState: 1 } });
  const path = `v1/app/${APP_ID}/entry/${FLOW_FORM}/data/${_id}/approval_comments`;
  expect((await company.api(path, { skip: 0 })).body).toMatchObject({
    approveCommentList: [{ flowNodeName: "财务确认", comment: "同意", operator: { username: "wangcg" } }],
  });
});

test("the wrong person fails inside HTTP 200", async () => {
  const { _id } = await start();
  const task_id = await openTask("lizg");
  const answer = await company.api("v1/workflow/task/approve", { instance_id: _id, username: "wangcg", task_id });
  expect(answer).toMatchObject({ status: 200, body: { status: "failure", code: 4009 } });
});

test("rejecting ends it with flowState 3, after which it is closed", async () => {
  const { _id } = await start();
  await act("reject", _id, "lizg");
  expect(await instance(_id)).toMatchObject({ status: 1, result: 0 });
  const again = await company.api("v1/workflow/instance/close", { instance_id: _id });
  expect(again.body).toMatchObject({ status: "failure", code: 4008 });
});

test("transfer, add-sign, rollback, revoke, close and activate move the task where they should", async () => {
  const { _id } = await start();
  expect((await act("transfer", _id, "lizg", { transfer_username: "lizg" })).body).toMatchObject({ code: 4016 });
  await act("transfer", _id, "lizg", { transfer_username: "#admin" });
  const mine = await openTask("#admin");
  await company.api("v2/workflow/task/add_sign", {
    instance_id: _id,
    username: "#admin",
    task_id: mine,
    add_sign_type: 0,
    add_sign_usernames: ["lizg"],
  });
  expect(await openTask("#admin")).toBe("none");
  await act("approve", _id, "lizg");
  expect(await openTask("#admin")).toBe(mine);
  await company.api("v2/workflow/task/rollback", { instance_id: _id, username: "#admin", task_id: mine, flow_id: 0 });
  await act("approve", _id, "wangcg");
  expect(await openTask("lizg")).not.toBe("none");
  await company.api("v2/workflow/task/revoke", { instance_id: _id, username: "wangcg" });
  expect(await openTask("lizg")).toBe("none");
  await company.api("v1/workflow/instance/close", { instance_id: _id });
  expect(await instance(_id)).toMatchObject({ status: 2 });
  await company.api("v1/workflow/instance/activate", { instance_id: _id, flow_id: 1 });
  expect(await openTask("lizg")).not.toBe("none");
});

test("a person's step pushes, the same step through the API does not", async () => {
  const receiver = await startReceiver();
  try {
    const events = ["data_create", "data_update", "flow_state_change", "flow_task_change"];
    await company.person("pushes", { entry_id: FLOW_FORM, url: receiver.url, events });
    const { _id } = await start();
    await act("approve", _id, "lizg");
    expect(JSON.stringify(await company.person("pushes/log", {}))).toContain('"deliveries":[]');
    const task_id = await openTask("wangcg");
    await company.person("workflow/approve", { instance_id: _id, username: "wangcg", task_id, comment: "好" });
    await until(() => receiver.received.length === 3);
    const ops = new Set(receiver.received.map(({ body }) => JSON.parse(body).op));
    expect(ops).toEqual(new Set(["data_update", "flow_state_change", "flow_task_change"]));
  } finally {
    await receiver.close();
  }
});
