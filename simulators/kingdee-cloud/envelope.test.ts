import { afterEach, beforeEach, expect, test } from "vitest";
import { type KingdeeCloud, startKingdeeCloud } from "./server.ts";
import { type Client, FORM_SERVICE, logIn, receipt } from "./testing.ts";

let simulator: KingdeeCloud;
let client: Client;

beforeEach(async () => {
  simulator = await startKingdeeCloud({ asyncDelayMs: 20 });
  client = await logIn(simulator);
});

afterEach(async () => {
  await simulator.close();
});

const DATA = { FormId: "BD_Currency", FieldKeys: "FCODE", FilterString: "FNUMBER='PRE001'", Limit: "0" };

test("all five envelopes are read, whatever the Content-Type says", async () => {
  const text = JSON.stringify(DATA);
  const net = {
    format: 1,
    useragent: "ApiClient",
    rid: "17",
    timestamp: "2025-01-31T10:00:00.0000000+08:00",
    v: "1.0",
  };
  const bodies: unknown[] = [
    { data: DATA },
    { data: text },
    { parameters: [text] },
    { parameters: [DATA] },
    { ...net, parameters: JSON.stringify([text]) },
    { ...net, parameters: [DATA] },
    new URLSearchParams({ data: text }).toString(),
  ];
  for (const body of bodies) {
    const answer = await client.post(`${FORM_SERVICE}ExecuteBillQuery`, body, { "Content-Type": "applicatin/json" });
    expect(answer.text).toBe('[["CNY"]]');
  }
  const report = { FieldKeys: "FBALANCEID", Model: { FACCTBOOKID: { FNumber: "001" }, FSTARTYEAR: 2025 } };
  const form = new URLSearchParams({ formid: "GL_RPT_AccountBalance", data: JSON.stringify(report) });
  const answer = await client.post(`${FORM_SERVICE}GetSysReportData`, form.toString());
  expect(answer.text).toContain("FSTARTPERIOD");
});

test("an operation carries three parameters, and both spellings of its method work", async () => {
  await client.write("Save", { Model: receipt("k") });
  const data = JSON.stringify({ Numbers: ["1"] });
  const first = await client.post(`${FORM_SERVICE}ExcuteOperation`, { parameters: ["GL_VOUCHER", "Cancel", data] });
  expect(first.text).toContain('"SuccessEntitys":[{"Id":100001,"Number":"1","DIndex":0}]');
  const body = { formid: "gl_voucher", opNumber: "UnCancel", data };
  expect((await client.post(`${FORM_SERVICE}EXECUTEOPERATION`, body)).text).toContain('"IsSuccess":true');
});

test("a success and a failure are compact JSON in the fixed order of keys", async () => {
  const saved = await client.post(`${FORM_SERVICE}Save`, { formid: "GL_VOUCHER", data: { Model: receipt("k") } });
  expect(saved.text).toBe(
    '{"Result":{"ResponseStatus":{"IsSuccess":true,"Errors":[],"SuccessEntitys":[{"Id":100001,"Number":"1","DIndex":0}],"SuccessMessages":[],"MsgCode":0},"Id":100001,"Number":"1","NeedReturnData":[{}]}}',
  );
  const model = receipt("k", { FDate: "2024-01-31" });
  const refused = await client.post(`${FORM_SERVICE}Save`, { formid: "GL_VOUCHER", data: { Model: model } });
  expect(refused.text).toBe(
    '{"Result":{"ResponseStatus":{"ErrorCode":500,"IsSuccess":false,"Errors":[{"FieldName":"FDate","Message":"凭证日期所在期间已结账，不允许新增凭证","DIndex":0}],"SuccessEntitys":[],"SuccessMessages":[],"MsgCode":11},"Id":"","Number":"","NeedReturnData":[{}]}}',
  );
});

test("a failed query is the failure inside two arrays, found by the text that SDK-Java looks for", async () => {
  const answer = await client.post(`${FORM_SERVICE}ExecuteBillQuery`, { data: { ...DATA, FieldKeys: "FXXX" } });
  expect(answer.text).toBe(
    '[[{"Result":{"ResponseStatus":{"ErrorCode":500,"IsSuccess":false,"Errors":[{"FieldName":"","Message":"元数据中标识为FXXX的字段不存在","DIndex":0}],"SuccessEntitys":[],"SuccessMessages":[],"MsgCode":9}}}]]',
  );
});

test("what is not understood is named: form, body, method, path", async () => {
  const wrongForm = { data: { ...DATA, FormId: "BD_NONE" } };
  expect((await client.post(`${FORM_SERVICE}ExecuteBillQuery`, wrongForm)).text).toContain("业务对象不存在");
  expect((await client.post(`${FORM_SERVICE}Save`, { data: {} })).text).toContain("表单标识为空");
  const garbled = await client.post(`${FORM_SERVICE}Save`, "{garbled");
  expect(garbled).toMatchObject({ status: 200, text: expect.stringMatching(/^response_error:/) });
  expect((await client.post(`${FORM_SERVICE}NoSuchMethod`, {})).text).toMatch(/^response_error:/);
  expect((await client.post("Kingdee.Other.Service", {})).status).toBe(404);
});

test("BillQuery gives objects under the spelling that was sent", async () => {
  const answer = await client.post(`${FORM_SERVICE}BillQuery`, { data: { ...DATA, FieldKeys: "FCode,fnumber" } });
  expect(answer.text).toBe('[{"FCode":"CNY","fnumber":"PRE001"}]');
});

test("an asynchronous BatchSave is a task that is polled until it is complete", async () => {
  const body = {
    formid: "GL_VOUCHER",
    data: { Model: [receipt("a"), receipt("b")] },
    beginmethod: "BeginQueryImpl",
    querymethod: "QueryAsyncResult",
  };
  const begun = await client.post(`${FORM_SERVICE}BatchSave`, body);
  const id = /"TaskId":"([^"]+)"/.exec(begun.text)?.[1] ?? "";
  expect(begun.text).toBe(
    `{"Status":0,"TaskId":"${id}","Result":null,"Cancelled":false,"IsFaulted":false,"FaultedException":null,"Successful":false,"Message":null,"Progress":0,"ProgressDesc":null}`,
  );
  const poll = async (): Promise<string> => {
    const query = { queryInfo: JSON.stringify({ TaskId: id, Cancelled: false }) };
    return (await client.post(`${FORM_SERVICE}QueryAsyncResult`, query)).text;
  };
  await expect.poll(poll, { timeout: 3_000 }).toContain('"Status":2');
  expect(await poll()).toContain('"SuccessEntitys":[{"Id":100001,"Number":"1","DIndex":0},{"Id":100002');
  const java = { parameters: [{ TaskId: id, Cancelled: false }] };
  expect((await client.post(`${FORM_SERVICE}QueryAsyncResult`, java)).text).toContain('"Status":2');
});

test("QueryBusinessInfo tells the fields of a form, the custom one included while it is there", async () => {
  const ask = async (): Promise<string> => {
    return (await client.post(`${FORM_SERVICE}QueryBusinessInfo`, { data: { FormId: "GL_VOUCHER" } })).text;
  };
  expect(await ask()).toContain('"Key":"F_ZS_ExtNo"');
  expect(await ask()).toContain('"Key":"FDETAILID__FFLEX8","Name":[{"Key":2052,"Value":"物料"}]');
  await client.person("custom-field", { name: null });
  expect(await ask()).not.toContain("F_ZS_ExtNo");
});
