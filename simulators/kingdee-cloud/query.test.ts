import { afterAll, beforeAll, expect, test } from "vitest";
import { type KingdeeCloud, startKingdeeCloud } from "./server.ts";
import { type Client, logIn, receipt } from "./testing.ts";

let simulator: KingdeeCloud;
let client: Client;

const VOUCHERS = 1_100;

beforeAll(async () => {
  simulator = await startKingdeeCloud();
  client = await logIn(simulator);
  for (let start = 0; start < VOUCHERS; start += 100) {
    const models = Array.from({ length: 100 }, (_, index) => {
      const number = start + index;
      return receipt(
        `K-${number}`,
        { FDate: number % 2 === 0 ? "2025-01-31" : "2025-02-01", FREFERENCE: "it's" },
        number + 1,
      );
    });
    expect((await client.write("BatchSave", { IsVerifyBaseDataField: true, Model: models })).ok).toBe(true);
  }
});

afterAll(async () => {
  await simulator.close();
});

const count = async (filter: string): Promise<number> => {
  return (await client.query({ FieldKeys: "FVOUCHERID", FilterString: filter })).length;
};

test("no call gives more than 2,000 rows, and nothing says that it was cut", async () => {
  const all = { FieldKeys: "FVOUCHERID,FEntity_FSeq", OrderString: "FVOUCHERID asc" };
  expect(await client.query({ ...all, Limit: 0 })).toHaveLength(2_000);
  expect(await client.query({ ...all, Limit: 10_000 })).toHaveLength(2_000);
  const rest = await client.query({ ...all, StartRow: 2_000, Limit: 2_000 });
  expect(rest).toHaveLength(200);
  expect(rest.at(-1)).toEqual([100_000 + VOUCHERS, 2]);
  expect(await client.query({ ...all, StartRow: 90, Limit: 100, TopRowCount: 100 })).toHaveLength(10);
});

test("a head-only query gives one row per voucher, an entry field anywhere one row per line", async () => {
  const filter = "F_ZS_ExtNo in ('K-0','K-1')";
  expect(await client.query({ FieldKeys: "F_ZS_ExtNo", FilterString: filter })).toEqual([["K-0"], ["K-1"]]);
  expect(await client.query({ FieldKeys: "F_ZS_ExtNo,FACCOUNTID.FNumber", FilterString: filter })).toEqual([
    ["K-0", "1405"],
    ["K-0", "2202.02"],
    ["K-1", "1405"],
    ["K-1", "2202.02"],
  ]);
  const withEntryFilter = `${filter} and FEXPLANATION like '暂估%'`;
  expect(await client.query({ FieldKeys: "F_ZS_ExtNo", FilterString: withEntryFilter })).toHaveLength(4);
});

test("conditions compare, combine and nest as in SQL", async () => {
  expect(await count("")).toBe(VOUCHERS);
  expect(await count("1=1")).toBe(VOUCHERS);
  expect(await count("FDEBITTOTAL > 1098")).toBe(2);
  expect(await count("FDEBITTOTAL >= 1098.00 and FDEBITTOTAL<>1099")).toBe(2);
  expect(await count("(F_ZS_ExtNo='K-5' or F_ZS_ExtNo='K-6') and FDEBITTOTAL=7")).toBe(1);
  expect(await count("FACCOUNTBOOKID.FNUMBER='001' AND FYear=2025 AND FPeriod=2")).toBe(VOUCHERS / 2);
  expect(await count("FDate < '2025-02-01'")).toBe(VOUCHERS / 2);
  expect(await count("FDate >= {ts'2025-02-01 00:00:00'}")).toBe(VOUCHERS / 2);
  expect(await count("FDate between '2025-01-01' and '2025-01-31'")).toBe(VOUCHERS / 2);
  expect(await count("F_ZS_ExtNo like 'K-109_'")).toBe(10);
  expect(await count("F_ZS_ExtNo not like 'K-%'")).toBe(0);
  expect(await count("FREFERENCE = 'it''s' and F_ZS_ExtNo in ('K-1', 'K-2', 'none')")).toBe(2);
  expect(await count("not (FPERIOD=1)")).toBe(VOUCHERS / 2);
  expect(await count("FCHECKERID.FName is null")).toBe(VOUCHERS);
  expect(await count("FREFERENCE is not null and FVOUCHERID > 101099")).toBe(1);
  expect(await count("F_ZS_ExtNo='k-7 '")).toBe(1);
  expect(await count("FVOUCHERID in (100001, 100002) and FDocumentStatus='A' and FInvalid='0'")).toBe(2);
});

test("a condition or key that makes no sense is refused, not ignored", async () => {
  const refused = async (data: Record<string, unknown>): Promise<unknown> => {
    const [[failure] = []] = await client.query({ FieldKeys: "FVOUCHERID", ...data });
    return failure;
  };
  const status = (msgCode: number): object => ({
    Result: { ResponseStatus: expect.objectContaining({ IsSuccess: false, MsgCode: msgCode }) },
  });
  expect(await refused({ FilterString: "F_ZS_ExtNo=" })).toMatchObject(status(8));
  expect(await refused({ FilterString: "F_ZS_ExtNo='a' or" })).toMatchObject(status(8));
  expect(await refused({ FilterString: "(FYEAR=2025" })).toMatchObject(status(8));
  expect(await refused({ FilterString: "FYEAR='abc'" })).toMatchObject(status(8));
  expect(await refused({ FilterString: "F_Other='a'" })).toMatchObject(status(9));
  expect(await refused({ FieldKeys: "FDetailID" })).toMatchObject(status(9));
  expect(await refused({ FieldKeys: "FDETAILID__FFLEX8" })).toMatchObject(status(9));
  expect(await refused({ FieldKeys: "FACCOUNTID.FPARENTID.FName" })).toMatchObject(status(9));
  expect(await refused({ FieldKeys: "" })).toMatchObject(status(8));
});

test("references give ids by themselves and fields one level down, dates and decimals in the vendor's forms", async () => {
  const keys =
    "FACCOUNTID,FACCOUNTID.FNumber,FACCOUNTID.FName,FDetailID.FFLEX8.FNumber,FDetailID.FFLEX4.FName,FDate,FDC";
  const [first, second] = await client.query({ FieldKeys: keys, FilterString: "F_ZS_ExtNo='K-0'" });
  expect(first?.slice(1)).toEqual(["1405", "库存商品", "M-001", null, "2025-01-31T00:00:00", 1]);
  expect(second?.slice(1)).toEqual(["2202.02", "暂估应付款", null, "示例供应商", "2025-01-31T00:00:00", -1]);
  expect(first?.[0]).toEqual(expect.any(Number));
});

test("order goes by any columns, up and down", async () => {
  const page = { FieldKeys: "FPERIOD,F_ZS_ExtNo,FDEBITTOTAL", OrderString: "FPERIOD desc, FDEBITTOTAL asc", Limit: 2 };
  expect(await client.query(page)).toEqual([
    [2, "K-1", 2],
    [2, "K-3", 4],
  ]);
});

test("base data is queried like any form, with the state that says whether it may be used", async () => {
  const items = await client.query({
    FormId: "BD_MATERIAL",
    FieldKeys: "FNumber,FName,FBaseUnitId.FNumber,FDocumentStatus,FForbidStatus,FUseOrgId.FNumber",
    FilterString: "FNumber='007'",
  });
  expect(items).toEqual([["007", "示例物料三", "Xiang", "C", "A", "100"]]);
  const book = await client.query({
    FormId: "BD_AccountBook",
    FieldKeys: "FNumber,FCurrentYear,FCurrentPeriod,FACCTTBLID.FNumber",
  });
  expect(book).toEqual([["001", 2025, 1, "KMB001"]]);
  const accounts = await client.query({
    FormId: "BD_Account",
    FieldKeys: "FNumber,FIsDetail,FDC,FISQUANTITIES,FITEMDETAILID,FPARENTID.FNumber",
    FilterString: "FNumber in ('1405','2221.01','2202.02') and FACCTTBLID.FNumber='KMB001'",
    OrderString: "FNumber",
  });
  expect(accounts).toEqual([
    ["1405", true, 1, true, "FFLEX8", null],
    ["2202.02", true, -1, false, "FFLEX4", "2202"],
    ["2221.01", false, -1, false, null, "2221"],
  ]);
});
