import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { DEMO_COMPANY, type KingdeeCloud, startKingdeeCloud } from "./server.ts";
import { type Client, FORM_SERVICE, logIn, receipt } from "./testing.ts";

let simulator: KingdeeCloud;
let client: Client;

beforeEach(async () => {
  const openings = [
    { account: "1405", amount: "1000.00", quantity: "100", unit: "Pcs", dimensions: { FFLEX8: "M-001" } },
    { account: "1002", amount: "500.00" },
    { account: "2202.01", amount: "-1500.00", dimensions: { FFLEX4: "VEN001" } },
  ];
  simulator = await startKingdeeCloud({ books: [{ ...DEMO_COMPANY, openings }] });
  client = await logIn(simulator);
  const other = { FDate: "2025-02-10" };
  for (const model of [receipt("jan", {}, "12345.67"), receipt("red", {}, "-45.67"), receipt("feb", other, "100")]) {
    expect((await client.write("Save", { IsVerifyBaseDataField: true, Model: model })).ok).toBe(true);
  }
});

afterEach(async () => {
  await simulator.close();
});

const Report = z.object({
  Result: z.object({ IsSuccess: z.literal(true), RowCount: z.number(), Rows: z.array(z.array(z.string())) }),
});

async function report(period: string, model: Record<string, unknown>, keys: string): Promise<string[][]> {
  const data = {
    FieldKeys: keys,
    SchemeId: "",
    StartRow: 0,
    Limit: 2_000,
    IsVerifyBaseDataField: "true",
    FilterString: [],
    Model: {
      FACCTBOOKID: { FNumber: "001" },
      FSTARTYEAR: "2025",
      FSTARTPERIOD: period,
      FENDYEAR: "2025",
      FENDPERIOD: period,
      FNOTPOSTVOUCHER: true,
      ...model,
    },
  };
  const answer = await client.post(`${FORM_SERVICE}GetSysReportData`, { formid: "GL_RPT_AccountBalance", data });
  return Report.parse(JSON.parse(answer.text)).Result.Rows;
}

const MONEY = "FBALANCEID,FBEGINDEBITLOCAL,FBEGINCREDITLOCAL,FDEBITLOCAL,FCREDITLOCAL,FENDDEBITLOCAL,FENDCREDITLOCAL";

test("the balance of accounts: opening, turnover, closing, with parents, as text with thousands separated", async () => {
  expect(await report("1", {}, MONEY)).toEqual([
    ["1002", "500.00", "0.00", "0.00", "0.00", "500.00", "0.00"],
    ["1405", "1,000.00", "0.00", "12,300.00", "0.00", "13,300.00", "0.00"],
    ["2202", "0.00", "1,500.00", "0.00", "12,300.00", "0.00", "13,800.00"],
    ["2202.01", "0.00", "1,500.00", "0.00", "0.00", "0.00", "1,500.00"],
    ["2202.02", "0.00", "0.00", "0.00", "12,300.00", "0.00", "12,300.00"],
  ]);
});

test("the next period opens with the last one's closing balance, and the year to date goes on", async () => {
  const rows = await report("2", { FBALANCELEVEL: "1" }, `${MONEY},FYTDDEBITLOCAL`);
  expect(rows.find(([account]) => account === "1405")).toEqual([
    "1405",
    "13,300.00",
    "0.00",
    "100.00",
    "0.00",
    "13,400.00",
    "0.00",
    "12,400.00",
  ]);
  expect(rows.map(([account]) => account)).toEqual(["1002", "1405", "2202"]);
});

test("per dimension, with the quantities of 数量核算", async () => {
  const keys =
    "FBALANCEID,FDETAILNUMBER,FDETAILNAME,FFLEX8,FUNITNUMBER,FBEGINQTY,FDEBITQTY,FCREDITQTY,FENDQTY,FENDDEBITLOCAL";
  const rows = await report("1", { FSHOWDETAIL: true, FSHOWDETAILONLY: true }, keys);
  expect(rows.find(([account]) => account === "1405")).toEqual([
    "1405",
    "M-001",
    "示例物料一",
    "M-001",
    "Pcs",
    "100",
    "20",
    "0",
    "120",
    "13,300.00",
  ]);
});

test("unposted vouchers count only when asked for, and a voided one never", async () => {
  const plain = await report("1", { FNOTPOSTVOUCHER: false }, MONEY);
  expect(plain.find(([account]) => account === "1405")?.[3]).toBe("0.00");
  const [[id] = []] = await client.query({ FieldKeys: "FVOUCHERID", FilterString: "F_ZS_ExtNo='red'" });
  await client.person("void", { id });
  const rows = await report("1", {}, MONEY);
  expect(rows.find(([account]) => account === "1405")?.[3]).toBe("12,345.67");
});

test("quantities in another unit of the item's group are counted in the item's base unit", async () => {
  const model = receipt("grams");
  const [first, second] = Array.isArray(model["FEntity"]) ? model["FEntity"] : [];
  const line = {
    ...first,
    FDetailID: { FDETAILID__FFLEX8: { FNumber: "M-002" } },
    FUnitId: { FNumber: "g" },
    FQty: 2500,
  };
  expect(
    (await client.write("Save", { IsVerifyBaseDataField: true, Model: { ...model, FEntity: [line, second] } })).ok,
  ).toBe(true);
  const rows = await report("1", { FSHOWDETAIL: true }, "FBALANCEID,FFLEX8,FUNITNUMBER,FENDQTY");
  expect(rows).toContainEqual(["1405", "M-002", "kg", "2.5"]);
  expect(rows).toContainEqual(["1405", "", "", ""]);
});
