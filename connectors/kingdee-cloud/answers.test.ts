import nock from "nock";
import { afterEach, expect, test } from "vitest";
import { parseVendorJson } from "../transport/json.ts";
import type { Exchange } from "../transport/vendor-http.ts";
import { failureIn, isSessionLost } from "./answers.ts";
import { createKingdeeCloud } from "./connector.ts";
import { problemOf, saveOutcomes } from "./posting.ts";
import { receiptDraft, soon } from "./testing.ts";

afterEach(() => {
  nock.cleanAll();
  nock.restore();
});

const answered = (text: string, status = 200): Exchange => ({
  kind: "answered",
  status,
  headers: {},
  body: parseVendorJson(text),
  text,
});
const failure = (msgCode: number, message: string): string =>
  `{"Result":{"ResponseStatus":{"ErrorCode":500,"IsSuccess":false,"Errors":[{"FieldName":null,"Message":"${message}","DIndex":0}],"SuccessEntitys":[],"SuccessMessages":[],"MsgCode":${msgCode}}}}`;
const LOST = "会话信息已丢失，请重新登录";

test.each([
  ["the envelope", answered(failure(1, LOST))],
  ["a query's envelope", answered(`[[${failure(1, LOST)}]]`)],
  ["another MsgCode with the words", answered(failure(4, "ctx == null"))],
  ["a bare list of errors", answered(`[{"FieldName":null,"Message":"${LOST}","DIndex":0}]`)],
  ["the code -10001", answered('{"ErrorCode":-10001,"Message":""}')],
  ["HTTP 401", answered("{}", 401)],
  ["response_error", { kind: "unreadable", status: 200, text: `response_error:${LOST}`, message: "" } as const],
])("a lost session is known in the form of %s", (_name, answer) => {
  expect(isSessionLost(answer)).toBe(true);
});

test("the words of a lost session inside a good answer mean nothing", () => {
  const good = `{"Result":{"ResponseStatus":{"IsSuccess":true,"Errors":[],"SuccessEntitys":[{"Id":1,"Number":"${LOST}","DIndex":0}],"MsgCode":0}}}`;
  expect(isSessionLost(answered(good))).toBe(false);
  expect(isSessionLost(answered(`[["${LOST}",12.50]]`))).toBe(false);
  expect(failureIn(parseVendorJson(`[["${LOST}",12.50]]`))).toBeUndefined();
});

test.each([
  [0, "", "uncertain", "SERVER_ERROR"],
  [2, "", "refused", "PERMISSION_DENIED"],
  [4, "", "uncertain", "SERVER_ERROR"],
  [6, "", "uncertain", "SERVER_ERROR"],
  [7, "", "not-done", "LICENCE_EXHAUSTED"],
  [10, "", "refused", "MASTER_DATA_REFUSED"],
  [11, "FACCOUNTID", "refused", "ACCOUNT_REFUSED"],
  [11, "FDETAILID__FFLEX8", "refused", "DIMENSION_REFUSED"],
  [11, "FUnitId", "refused", "MASTER_DATA_REFUSED"],
  [11, "FDEBIT", "refused", "REFUSED_BY_ERP"],
  [13, "", "not-done", "CONFLICT"],
  [14, "", "not-done", "THROTTLED"],
  [15, "", "refused", "PERMISSION_DENIED"],
  [99, "", "uncertain", "SERVER_ERROR"],
])("MsgCode %i on field %j is %s %s", (msgCode, field, kind, code) => {
  expect(problemOf(msgCode, field, "text")).toMatchObject({ kind, code });
});

test("whatever the MsgCode, an ERP that says it exists already is uncertain", () => {
  expect(problemOf(11, "FBILLNO", "凭证号 5 已存在")).toMatchObject({ kind: "uncertain", code: "ALREADY_EXISTS" });
});

const drafts = [receiptDraft("a"), receiptDraft("b")];
const codes = (text: string, status = 200): readonly string[] =>
  saveOutcomes(drafts, answered(text, status), "F_ZS_ExtNo").map((one) =>
    one.kind === "posted" ? `posted ${one.erpId}` : `${one.kind} ${one.code}`,
  );

test("throttling and lost rights hold for the whole request, a refusal only for the document it names", () => {
  expect(codes(failure(14, "调用限制"))).toEqual(["not-done THROTTLED", "not-done THROTTLED"]);
  expect(codes(failure(2, "没有权限"))).toEqual(["refused PERMISSION_DENIED", "refused PERMISSION_DENIED"]);
  expect(codes(failure(11, "必录"))).toEqual(["refused REFUSED_BY_ERP", "uncertain ANSWER_INCOMPLETE"]);
  expect(codes(failure(13, "冲突"))).toEqual(["not-done CONFLICT", "uncertain ANSWER_INCOMPLETE"]);
});

test("an echoed key proves its own voucher, in whatever order the keys come back", () => {
  const [a, b] = drafts.map((draft) => draft.key);
  const saved = (echo: string): string =>
    `{"Result":{"ResponseStatus":{"IsSuccess":true,"Errors":[],"SuccessEntitys":[{"Id":12,"Number":"2","DIndex":1},{"Id":11,"Number":"1","DIndex":0}],"MsgCode":0},"NeedReturnData":${echo}}}`;
  expect(codes(saved(`[{"f_zs_extno":"${b}"},{"f_zs_extno":"${a}"}]`))).toEqual(["posted 11", "posted 12"]);
  expect(codes(saved(`[{"F_ZS_ExtNo":"${b}"},{"F_ZS_ExtNo":null}]`))).toEqual([
    "uncertain KEY_NOT_ECHOED",
    "posted 12",
  ]);
  expect(codes(saved("null"))).toEqual(["uncertain KEY_NOT_ECHOED", "uncertain KEY_NOT_ECHOED"]);
});

test("an answer that names one document as saved and as failed, or twice, is not believed", () => {
  const twice = `{"Result":{"ResponseStatus":{"IsSuccess":false,"Errors":[{"FieldName":"","Message":"x","DIndex":1}],"SuccessEntitys":[{"Id":11,"Number":"1","DIndex":0},{"Id":12,"Number":"2","DIndex":0},{"Id":13,"Number":"3","DIndex":1}],"MsgCode":11},"NeedReturnData":[]}}`;
  expect(codes(twice)).toEqual(["uncertain ANSWER_INCOMPLETE", "uncertain ANSWER_INCOMPLETE"]);
});

test.each(["{}", "[]", "null", '"x"', '{"Result":{}}'])("the answer %s is unreadable for a save", (text) => {
  expect(codes(text)).toEqual(["uncertain ANSWER_UNREADABLE", "uncertain ANSWER_UNREADABLE"]);
});

test("a gateway's HTTP 519 on a save is uncertain", async () => {
  nock.activate();
  nock("http://gateway.test")
    .post(/BatchSave/)
    .reply(519, { errcode: 4006, description: "X-Api-TimeStamp expired[GW]", data: null });
  const target = createKingdeeCloud(
    { books: { "001": "100" } },
    {
      connection: "erp",
      baseUrl: "http://gateway.test/k3cloud",
      secrets: {
        acctId: "a",
        userName: "u",
        appId: "201234_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcY",
        appSecret: "0123456789abcdef",
      },
      pacer: { permit: async () => undefined },
      now: () => new Date(),
      log: () => undefined,
    },
  );
  const [outcome] = await target.post([receiptDraft("a")], soon());
  expect(outcome).toMatchObject({ kind: "uncertain", code: "SERVER_ERROR" });
  await target.close();
});
