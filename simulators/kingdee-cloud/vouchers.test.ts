import { afterEach, beforeEach, expect, test } from "vitest";
import { type KingdeeCloud, startKingdeeCloud } from "./server.ts";
import { type Client, logIn, receipt, type WriteAnswer } from "./testing.ts";

let simulator: KingdeeCloud;
let maker: Client;
let auditor: Client;

beforeEach(async () => {
  simulator = await startKingdeeCloud();
  maker = await logIn(simulator);
  auditor = await logIn(simulator, "auditor");
});

afterEach(async () => {
  await simulator.close();
});

const save = (model: unknown, options: Record<string, unknown> = {}): Promise<WriteAnswer> => {
  return maker.write("Save", { IsVerifyBaseDataField: "true", ...options, Model: model });
};

/** The receipt with its first line changed. */
function withLine(change: Record<string, unknown>): Record<string, unknown> {
  const model = receipt("k1");
  const [first, second] = Array.isArray(model["FEntity"]) ? model["FEntity"] : [];
  return { ...model, FEntity: [{ ...first, ...change }, second] };
}

test("a voucher is saved, numbered per 凭证字 and period by the server, and echoes what it was asked for", async () => {
  const first = await save(receipt("k1"), {
    NeedReturnFields: ["FVOUCHERGROUPNO", "FYEAR", "FPERIOD", "F_ZS_ExtNo", "F_Unknown", "FEntity.FDEBIT"],
  });
  expect(first).toMatchObject({ ok: true, msgCode: 0, numbers: ["1"] });
  expect(first.returned).toEqual([
    { FVOUCHERGROUPNO: "1", FYEAR: 2025, FPERIOD: 1, F_ZS_ExtNo: "k1", FEntity: [{ FDEBIT: 128.5 }, { FDEBIT: 0 }] },
  ]);
  expect((await save(receipt("k2"))).numbers).toEqual(["2"]);
  expect((await save(receipt("k3", { FDate: "2025-02-01" }))).numbers).toEqual(["1"]);
  expect((await save(receipt("k4", { FVOUCHERGROUPID: { FNumber: "PRE004" } }))).numbers).toEqual(["1"]);
  expect((await save(receipt("k5", { FVOUCHERGROUPNO: "9" }))).numbers).toEqual(["9"]);
  expect((await save(receipt("k6", { FVOUCHERGROUPNO: "9" }))).messages[0]).toBe("凭证号重复：2025年1期 记-9 已存在");
  expect((await save(receipt("k7", { FVOUCHERGROUPNO: " " }))).numbers).toEqual(["10"]);
});

test("amounts and quantities keep their exact value, also beyond what a float holds", async () => {
  const exact = receipt("big", {}, "90071992547409.93");
  const saved = await save(exact);
  expect(saved.ok).toBe(true);
  const service = "Kingdee.BOS.WebApi.ServicesStub.DynamicFormService.ExecuteBillQuery";
  const answer = await maker.post(service, {
    data: {
      FormId: "GL_VOUCHER",
      FieldKeys: "FDEBIT,FQty",
      FilterString: "F_ZS_ExtNo='big' and FDEBIT=90071992547409.93",
    },
  });
  expect(answer.text).toBe("[[90071992547409.9300000000,10.0000000000]]");
});

test("numbers may come as JSON numbers or as text, and amounts are rounded to the currency", async () => {
  await save(receipt("a", {}, 12.345));
  await save(receipt("b", {}, "12.345"));
  expect(await maker.query({ FieldKeys: "FDEBIT", FilterString: "FDEBIT<>0" })).toEqual([[12.35], [12.35]]);
});

const REFUSED: [what: string, model: () => Record<string, unknown>, message: string][] = [
  ["a closed period", () => receipt("k", { FDate: "2024-12-31" }), "凭证日期所在期间已结账，不允许新增凭证"],
  ["a date that is none", () => receipt("k", { FDate: "2025-02-30" }), "字段[日期]的值“2025-02-30”不是日期"],
  ["a period that is not the date's", () => receipt("k", { FPERIOD: 2 }), "凭证日期与会计年度、期间不一致"],
  ["an unbalanced voucher", () => withLine({ FDEBIT: "128.51" }), "凭证借贷不平衡，差额0.01"],
  ["a parent account", () => withLine({ FACCOUNTID: { FNumber: "2221" } }), "科目“2221”不是明细科目"],
  [
    "an unknown account",
    () => withLine({ FACCOUNTID: { FNumber: "9999" } }),
    "基础资料【科目】编码为“9999”的数据不存在或未审核",
  ],
  ["a missing dimension", () => withLine({ FDetailID: {} }), "科目“1405”的核算维度【物料】是必录字段"],
  [
    "an unknown item",
    () => withLine({ FDetailID: { FDETAILID__FFLEX8: { FNumber: "M-999" } } }),
    "基础资料【物料】编码为“M-999”的数据不存在或未审核",
  ],
  ["a unit of another group", () => withLine({ FUnitId: { FNUMBER: "kg" } }), "单位“千克”不属于物料的单位组"],
  ["a quantity without unit", () => withLine({ FUnitId: { FNUMBER: "" } }), "字段[单位]是必录字段"],
  ["no summary", () => withLine({ FEXPLANATION: "" }), "字段[摘要]是必录字段"],
  ["debit and credit in one line", () => withLine({ FCREDIT: 1 }), "借方金额和贷方金额不能同时有值"],
  ["an amount that is no number", () => withLine({ FDEBIT: "12,5" }), "字段[FDEBIT]的值“12,5”不是数字"],
  ["an original amount that differs", () => withLine({ FAMOUNTFOR: 1 }), "原币金额与本位币金额不一致"],
  [
    "an unknown book",
    () => receipt("k", { FAccountBookID: { FNumber: "999" } }),
    "基础资料【账簿】编码为“999”的数据不存在或未审核",
  ],
  ["an entry field in the head", () => receipt("k", { FDEBIT: 1 }), "实体不存在此属性！[EntityType：BillHead]"],
  ["no lines", () => receipt("k", { FEntity: [] }), "凭证没有分录"],
];

test.each(REFUSED)("the books refuse %s, say so, and keep nothing", async (_what, model, message) => {
  const answer = await save(model());
  expect(answer.ok).toBe(false);
  expect([4, 11]).toContain(answer.msgCode);
  expect(answer.messages.join("\n")).toContain(message);
  expect(await maker.query({ FieldKeys: "FVOUCHERID" })).toEqual([]);
});

test("red lines are negative amounts on the same side", async () => {
  const red = receipt("red", {}, "-128.50");
  expect((await save(red)).ok).toBe(true);
  expect(await maker.query({ FieldKeys: "FDEBIT,FCREDIT" })).toEqual([
    [-128.5, 0],
    [0, -128.5],
  ]);
});

test("without IsVerifyBaseDataField an unusable reference is silently left blank", async () => {
  const model = receipt("k", { FVOUCHERGROUPID: { FNumber: "PRE001" } });
  const optional = { FSettleTypeID: { FNumber: "NONE" } };
  const [first, second] = Array.isArray(model["FEntity"]) ? model["FEntity"] : [];
  const lines = { ...model, FEntity: [{ ...first, ...optional }, second] };
  expect((await save(lines)).messages[0]).toContain("基础资料【结算方式】");
  expect((await save(lines, { IsVerifyBaseDataField: false })).ok).toBe(true);
  expect(await maker.query({ FieldKeys: "FSettleTypeID.FNumber", FilterString: "FEntity_FSeq=1" })).toEqual([[null]]);
});

test("an unknown Model key is ignored in silence, or refused with MsgCode 9 where the switch is set", async () => {
  const model = receipt("k", { F_ZS_Wrong: "lost" });
  expect(await save(model, { NeedReturnFields: ["F_ZS_Wrong"] })).toMatchObject({ ok: true, returned: [{}] });
  await maker.person("settings", { strictKeys: true });
  expect(await save(model)).toMatchObject({
    ok: false,
    msgCode: 9,
    messages: ["元数据中标识为F_ZS_Wrong的字段不存在"],
  });
});

test("the account's settings decide: a required quantity is demanded, and other accounts drop quantities", async () => {
  await maker.person("account", { book: "001", number: "1405", quantity: "required" });
  expect((await save(withLine({ FQty: 0 }))).messages[0]).toContain("必须录入数量");
  await maker.person("account", { book: "001", number: "1405", quantity: "none", dimensions: {} });
  const saved = await save(withLine({ FDetailID: {} }));
  expect(saved.ok).toBe(true);
  expect(await maker.query({ FieldKeys: "FQty,FUnitId.FNumber", FilterString: "FEntity_FSeq=1" })).toEqual([[0, null]]);
});

test("a forbidden item can no longer be used, and can again once enabled", async () => {
  await maker.person("forbid", { form: "BD_MATERIAL", number: "M-001" });
  expect((await save(receipt("k"))).messages[0]).toContain("基础资料【物料】");
  await maker.person("enable", { form: "BD_MATERIAL", number: "M-001" });
  expect((await save(receipt("k"))).ok).toBe(true);
});

test("Save, Submit, Audit by another user, 过账: each step from its own state only", async () => {
  const [id = 0] = (await save(receipt("k"))).ids;
  const data = { Ids: String(id) };
  expect((await auditor.write("Audit", data)).messages[0]).toContain("只有审核中的单据才允许审核");
  expect((await maker.write("Submit", data)).ok).toBe(true);
  expect((await maker.write("Submit", data)).ok).toBe(false);
  expect((await save(receipt("k", { FVOUCHERID: id }))).messages[0]).toContain("单据审核中，不允许修改");
  expect((await maker.write("Audit", data)).messages[0]).toContain("审核人与制单人不能相同");
  expect((await auditor.write("Audit", data)).ok).toBe(true);
  expect(await save(receipt("k", { FVOUCHERID: id }))).toMatchObject({ ok: false, msgCode: 12 });
  expect((await maker.write("Delete", data)).messages[0]).toContain("单据已审核，不允许修改");
  const post = { formid: "GL_VOUCHER", opNumber: "Post", data };
  const service = "Kingdee.BOS.WebApi.ServicesStub.DynamicFormService.ExcuteOperation";
  expect((await auditor.post(service, post)).text).toContain('"IsSuccess":true');
  expect((await maker.write("UnAudit", data)).messages[0]).toContain("凭证已过账，不允许反审核");
  expect(
    await maker.query({
      FieldKeys: "FDocumentStatus,FPOSTED,FCHECKERID.FName,FCreatorId.FName",
      FilterString: "FPOSTED='1'",
    }),
  ).toEqual([["C", true, "审核用户", "接口用户"]]);
});

test("撤销, 反审核, 作废 and deletion lead back and away", async () => {
  const [id = 0] = (await save(receipt("k"))).ids;
  const data = { Ids: id };
  const status = async (): Promise<unknown> => (await maker.query({ FieldKeys: "FDocumentStatus,FInvalid" }))[0];
  await maker.write("Submit", data);
  await maker.write("CancelAssign", data);
  expect(await status()).toEqual(["D", false]);
  await maker.write("Submit", { Numbers: ["1"] });
  await auditor.write("Audit", data);
  await auditor.write("UnAudit", data);
  expect(await status()).toEqual(["D", false]);
  const service = "Kingdee.BOS.WebApi.ServicesStub.DynamicFormService.ExcuteOperation";
  await maker.post(service, { parameters: ["GL_VOUCHER", "Cancel", JSON.stringify(data)] });
  expect(await status()).toEqual(["D", true]);
  expect((await maker.write("Submit", data)).messages[0]).toContain("凭证已作废");
  await maker.post(service, { parameters: ["GL_VOUCHER", "UnCancel", JSON.stringify(data)] });
  expect(await status()).toEqual(["D", false]);
  expect((await maker.write("Delete", data)).ok).toBe(true);
  expect(await status()).toBeUndefined();
  expect(await maker.write("Submit", data)).toMatchObject({ ok: false, msgCode: 10 });
});

test("an id in the Model overwrites that voucher, and rows that are not named are deleted unless told otherwise", async () => {
  const [id = 0] = (await save(receipt("first"))).ids;
  const entries = (await maker.query({ FieldKeys: "FEntryID", OrderString: "FVOUCHERID,FEntity_FSeq" })).flat();
  const again = await save(receipt("second", { FVOUCHERID: id }));
  expect(again.ids).toEqual([id]);
  expect(await maker.query({ FieldKeys: "F_ZS_ExtNo" })).toEqual([["second"]]);
  expect((await maker.query({ FieldKeys: "FEntryID" })).flat()).not.toEqual(entries);
  const [kept] = (await maker.query({ FieldKeys: "FEntryID", FilterString: "FDEBIT<>0" })).flat();
  const model = { FVOUCHERID: id, FEntity: [{ FEntryID: kept, FEXPLANATION: "改" }] };
  expect((await save(model)).messages[0]).toContain("凭证借贷不平衡");
  expect((await save(model, { IsDeleteEntry: "False" })).ok).toBe(true);
  expect(await maker.query({ FieldKeys: "FEXPLANATION", FilterString: `FEntryID=${String(kept)}` })).toEqual([["改"]]);
  expect(await save(receipt("new", { FVOUCHERID: 999_999 }))).toMatchObject({ ok: false, msgCode: 10 });
});

test("NeedUpDateFields lets only the named fields through", async () => {
  const [id = 0] = (await save(receipt("first", { FREFERENCE: "原" }))).ids;
  const change = { FVOUCHERID: id, FREFERENCE: "新", F_ZS_ExtNo: "other", FEntity: [] };
  expect((await save(change, { NeedUpDateFields: ["FREFERENCE"] })).ok).toBe(true);
  expect(await maker.query({ FieldKeys: "FREFERENCE,F_ZS_ExtNo,FDEBITTOTAL" })).toEqual([["新", "first", 128.5]]);
});

test("a BatchSave answers per document, and calls a mixed result a failure unless switched", async () => {
  const models = [receipt("a"), receipt("b", { FDate: "2024-01-01" }), receipt("c")];
  const data = { IsVerifyBaseDataField: true, NeedReturnFields: ["F_ZS_ExtNo"], Model: models };
  const batch = await maker.write("BatchSave", data);
  expect(batch).toMatchObject({ ok: false, returned: [{ F_ZS_ExtNo: "a" }, {}, { F_ZS_ExtNo: "c" }] });
  expect(batch.ids).toHaveLength(2);
  expect(batch.messages).toEqual(expect.arrayContaining([expect.stringContaining("已结账")]));
  await maker.person("settings", { mixedBatchIsSuccess: true });
  expect(await maker.write("BatchSave", data)).toMatchObject({ ok: true });
  const many = Array.from({ length: 501 }, (_, index) => receipt(`m${index}`));
  expect(await maker.write("BatchSave", { Model: many })).toMatchObject({ ok: false, msgCode: 8 });
});

test("View shows the whole voucher under the model's names", async () => {
  const [id = 0] = (await save(receipt("k"))).ids;
  const service = "Kingdee.BOS.WebApi.ServicesStub.DynamicFormService.View";
  const answer = await maker.post(service, { formid: "GL_VOUCHER", data: { Id: String(id) } });
  expect(JSON.parse(answer.text)).toMatchObject({
    Result: {
      ResponseStatus: null,
      Result: {
        Id: id,
        VOUCHERGROUPNO: "1",
        F_ZS_ExtNo: "k",
        AccountBookID: { Number: "001" },
        GLVOUCHERENTRY: [
          { Seq: 1, DEBIT: 128.5, ACCOUNTID: { Number: "1405" }, DetailID: { FFLEX8: { Number: "M-001" } } },
          { Seq: 2, CREDIT: 128.5, DetailID: { FFLEX4: { Name: [{ Key: 2052, Value: "示例供应商" }] } } },
        ],
      },
    },
  });
});

test("two companies keep apart: own book, own periods, own items, own chart", async () => {
  await maker.person("base-data", {
    companies: [
      {
        number: "002",
        organization: "200",
        standard: "SME",
        openPeriod: "2025-03",
        items: [{ number: "N-1", name: "货物", unit: "Pcs" }],
        suppliers: [{ number: "VEN001", name: "同号供应商" }],
      },
    ],
  });
  const other = { FAccountBookID: { FNumber: "002" }, FDate: "2025-03-05" };
  expect((await save(receipt("x", other))).messages[0]).toContain("基础资料【物料】编码为“M-001”");
  const model = { ...withLine({ FDetailID: { FDETAILID__FFLEX8: { FNumber: "N-1" } } }), ...other };
  expect((await save(model)).numbers).toEqual(["1"]);
  expect((await save({ ...model, FDate: "2025-02-05" })).messages[0]).toContain("已结账");
  expect((await save(receipt("y"))).numbers).toEqual(["1"]);
  expect(
    await maker.query({ FieldKeys: "FAccountBookID.FNumber,FDetailID.FFLEX4.FName", FilterString: "FCREDIT<>0" }),
  ).toEqual([
    ["002", "同号供应商"],
    ["001", "示例供应商"],
  ]);
});

test("base data is created through Save, and usable once it is submitted and audited", async () => {
  const model = { FNumber: "M-100", FName: "新物料", FUseOrgId: { FNumber: "100" }, FBaseUnitId: { FNumber: "Pcs" } };
  const item = await maker.write("Save", { Model: model }, "BD_MATERIAL");
  expect(item).toMatchObject({ ok: true, numbers: ["M-100"] });
  const use = withLine({ FDetailID: { FDETAILID__FFLEX8: { FNumber: "M-100" } } });
  expect((await save(use)).ok).toBe(false);
  await maker.write("Submit", { Numbers: ["M-100"] }, "BD_MATERIAL");
  await maker.write("Audit", { Numbers: ["M-100"] }, "BD_MATERIAL");
  expect((await save(use)).ok).toBe(true);
  expect((await maker.write("Save", { Model: model }, "BD_MATERIAL")).messages[0]).toContain("已存在");
});
