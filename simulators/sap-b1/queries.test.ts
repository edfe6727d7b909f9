import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { type SapB1, startSapB1 } from "./server.ts";
import { type Client, logIn, receipt } from "./testing.ts";

let simulator: SapB1;
let client: Client;

beforeEach(async () => {
  simulator = await startSapB1({ http: true });
  client = await logIn(simulator);
});

afterEach(() => simulator.close());

const Page = z.object({
  value: z.array(z.record(z.string(), z.unknown())),
  "@odata.nextLink": z.string().optional(),
  "@odata.count": z.number().optional(),
});

async function page(path: string, headers: Record<string, string> = {}): Promise<z.infer<typeof Page>> {
  return Page.parse((await client.get(encodeURI(path).replaceAll("'", "%27"), headers)).json);
}

async function post(count: number): Promise<void> {
  for (let index = 1; index <= count; index += 1) {
    const date = `2025-01-${String(1 + (index % 28)).padStart(2, "0")}`;
    await client.post("JournalEntries", receipt(`R-${index}`, { ReferenceDate: date }, `${index}.50`));
  }
}

test("pages hold 20; Prefer changes that and is acknowledged; the next link is relative with a literal $skip", async () => {
  await post(45);
  const first = await page("JournalEntries?$select=JdtNum&$filter=JdtNum gt 2");
  expect(first.value).toHaveLength(20);
  expect(first["@odata.nextLink"]).toBe("JournalEntries?$select=JdtNum&$filter=JdtNum%20gt%202&$skip=20");
  const second = await page("JournalEntries?$select=JdtNum&$skip=40");
  expect(second.value.map(({ JdtNum }) => JdtNum)).toEqual([41, 42, 43, 44, 45]);
  expect(second["@odata.nextLink"]).toBeUndefined();
  const all = await client.get("JournalEntries?$select=JdtNum", { Prefer: "odata.maxpagesize=0" });
  expect(Page.parse(all.json).value).toHaveLength(45);
  const seven = await client.get("JournalEntries?$select=JdtNum", { Prefer: "odata.maxpagesize=7" });
  expect(seven.headers["preference-applied"]).toBe("odata.maxpagesize=7");
  expect(Page.parse(seven.json).value).toHaveLength(7);
  expect((await page("JournalEntries?$select=JdtNum", { "B1S-PageSize": "3" })).value).toHaveLength(3);
});

test("no next link when $top fits into a page, even if more match; above a page it carries what is left", async () => {
  await post(30);
  expect((await page("JournalEntries?$top=5"))["@odata.nextLink"]).toBeUndefined();
  const more = await page("JournalEntries?$top=25");
  expect(more.value).toHaveLength(20);
  expect(more["@odata.nextLink"]).toBe("JournalEntries?$top=5&$skip=20");
});

test("counts come as v1 and v2 say them", async () => {
  await post(3);
  expect((await page("JournalEntries?$count=true"))["@odata.count"]).toBe(3);
  expect((await page("JournalEntries?$inlinecount=allpages"))["@odata.count"]).toBe(3);
  expect((await client.call("JournalEntries?$inlinecount=allpages", { root: "v1" })).json).toMatchObject({
    "odata.count": "3",
  });
  const bare = await client.get("JournalEntries/$count?$filter=Reference+eq+%27R-2%27");
  expect(bare).toMatchObject({ text: "1", headers: { "content-type": expect.stringContaining("text/plain") } });
  expect((await client.get("JournalEntries?$inlinecount=some")).status).toBe(400);
});

test("filters know six comparisons, four functions, and the literals of every kind", async () => {
  await post(12);
  const found = async (filter: string): Promise<unknown[]> => {
    const { value } = await page(`JournalEntries?$select=JdtNum&$filter=${filter}`);
    return value.map(({ JdtNum }) => JdtNum);
  };
  expect(await found("Reference eq 'R-3' or Reference eq 'R-5'")).toEqual([3, 5]);
  expect(await found("JdtNum ge 11 and not (JdtNum eq 12)")).toEqual([11]);
  expect(await found("ReferenceDate eq '20250103'")).toEqual([2]);
  expect(await found("ReferenceDate le datetime'2025-01-03T00:00:00'")).toEqual([1, 2]);
  expect(await found("ReferenceDate gt 2025-01-12")).toEqual([12]);
  expect(await found("startswith(Reference,'R-1')")).toEqual([1, 10, 11, 12]);
  expect(await found("endswith(Reference,'2') and contains(Memo,'暂估')")).toEqual([2, 12]);
  expect(await found("substringof('-10',Reference)")).toEqual([10]);
  expect(await found("UseAutoStorno eq 'N' and OriginalJournal eq '30' and JdtNum lt 3")).toEqual([1, 2]);
  expect(await found("UseAutoStorno eq 'tYES'")).toEqual([]);
  expect(await found("Reference2 eq null and JdtNum eq 4")).toEqual([4]);
  expect(await found("Reference2 ne 'x'")).toEqual([]);
  expect(await found("Reference eq 'r-3'")).toEqual([]);
  const folded = await page("JournalEntries?$filter=Reference eq 'r-3'", { "B1S-CaseInsensitive": "true" });
  expect(folded.value).toHaveLength(1);
});

test("what a query may not ask is refused with the code of its kind", async () => {
  const refusals: [query: string, code: string, text: string][] = [
    ["$select=Nope", "-1000", "Property 'Nope' of 'JournalEntry' is invalid"],
    ["$filter=Nope eq 1", "201", "Property 'Nope' is invalid"],
    ["$orderby=Nope", "201", "Property 'Nope' is invalid"],
    ["$select=1", "201", "Not supported query string"],
    ["$filter=tolower(Memo) eq 'x'", "-1000", "Property 'tolower' of 'Document' is invalid"],
    ["$filter=UseAutoStorno eq true", "-1004", "'true' is not a valid value for property 'UseAutoStorno'"],
    ["$filter=JdtNum add 1 eq 2", "201", "Not supported query string"],
    ["$top=-1", "201", "Not supported query string"],
    ["$search=x", "201", "Not supported query string"],
  ];
  for (const [query, code, text] of refusals) {
    const refused = await client.get(`JournalEntries?${encodeURI(query)}`);
    expect(refused).toMatchObject({ status: 400, json: { error: { code, message: text } } });
  }
  expect((await client.get("Nonsense")).status).toBe(404);
  expect((await client.get("Items?sap-case-insensitive=true&$crosscompany=true")).status).toBe(200);
});

test("keys come in every accepted form; single properties and counts are addressed behind them", async () => {
  await client.post("Items", { ItemCode: "O'Neil/1", ItemName: "Quote" });
  for (const path of ["Items('O''Neil%2F1')", "Items(%27O%27%27Neil%2F1%27)", "Items(ItemCode='O''Neil%2F1')"]) {
    expect((await client.get(path)).json).toMatchObject({ ItemCode: "O'Neil/1" });
  }
  expect((await client.get("Items('M-001')/ItemName")).json).toEqual({ value: "示例物料一" });
  expect((await client.get("Items('M-001')/ItemName/$value")).text).toBe("示例物料一");
  expect((await client.get("Items('nope')")).status).toBe(404);
  expect((await client.post("JournalEntries(1)/JournalEntryLines", {})).json).toMatchObject({
    error: { code: "-1008" },
  });
});

test("ordering follows the property's kind, and rows of equal value come by key", async () => {
  await post(11);
  const { value } = await page("JournalEntries?$select=JdtNum&$orderby=Series desc,JdtNum desc&$top=3");
  expect(value.map(({ JdtNum }) => JdtNum)).toEqual([11, 10, 9]);
});

test("etags guard what carries them, and a projected read shows a frozen one", async () => {
  const item = await client.get("Items('M-001')");
  expect(item.headers["etag"]).toBe('W/"356A192B7913B04C54574D18C28D46E6395428AB"');
  const patch = (headers: Record<string, string>) =>
    client.call("Items('M-001')", { method: "PATCH", body: { ItemName: "x" }, headers });
  expect((await patch({ "If-Match": String(item.headers["etag"]) })).status).toBe(204);
  const stale = await patch({ "If-Match": String(item.headers["etag"]) });
  expect(stale).toMatchObject({ status: 412, json: { error: { code: "-2039" } } });
  const projected = await client.get("Items('M-001')?$select=ItemName");
  expect(projected.headers["etag"]).toBeUndefined();
  expect(projected.json).toMatchObject({ "@odata.etag": 'W/"356A192B7913B04C54574D18C28D46E6395428AB"' });
  expect((await patch({})).status).toBe(204);
});

test("POST can stand for another method, and can ask for an answer without content", async () => {
  const patched = await client.post(
    "Items('M-001')",
    { ItemName: "by override" },
    { "X-HTTP-Method-Override": "PATCH" },
  );
  expect(patched.status).toBe(204);
  const silent = await client.post("Items", { ItemCode: "i1" }, { Prefer: "return-no-content" });
  expect(silent).toMatchObject({
    status: 204,
    headers: { location: "/b1s/v2/Items('i1')", "preference-applied": "return-no-content" },
  });
});

test("lines are filtered through a cross join", async () => {
  await post(3);
  const asked = await client.post("QueryService_PostQuery", {
    QueryPath: "$crossjoin(JournalEntries,JournalEntries/JournalEntryLines)",
    QueryOption:
      "$expand=JournalEntries($select=JdtNum,Reference),JournalEntries/JournalEntryLines($select=AccountCode,Debit)&$filter=JournalEntries/JdtNum eq JournalEntries/JournalEntryLines/JdtNum and JournalEntries/JournalEntryLines/Debit gt 1.5",
  });
  expect(asked.headers["content-type"]).toContain("text/plain");
  expect(asked.json).toMatchObject({
    value: [
      { JournalEntries: { JdtNum: 2 }, "JournalEntries/JournalEntryLines": { AccountCode: "1405", Debit: 2.5 } },
      { JournalEntries: { JdtNum: 3 }, "JournalEntries/JournalEntryLines": { Debit: 3.5 } },
    ],
  });
  const bare = await client.get("$crossjoin(Items,Warehouses)");
  expect(bare.json).toMatchObject({ error: { code: "-1000", message: "invalid $crossjoin query" } });
});

test("periods and company settings are read by their services, and metadata names what is there", async () => {
  expect((await client.get("CompanyService_GetPeriods")).json).toMatchObject({
    value: [{ AbsoluteEntry: 1 }, {}, {}, {}],
  });
  const periods = await client.post("CompanyService_GetFinancePeriods", { PeriodCategoryParams: { AbsoluteEntry: 2 } });
  expect(periods.json).toMatchObject({
    value: [{ PeriodCode: "2025-01", PeriodStatus: "ltUnlocked" }, ...Array(11).fill({})],
  });
  expect((await client.get("CompanyService_GetAdminInfo")).json).toMatchObject({
    TotalsAccuracy: 2,
    LocalCurrency: "CNY",
  });
  const rounded = await client.post("CompanyService_RoundDecimal", {
    DecimalData: { Value: 12.345, Context: "rcSum" },
  });
  expect(rounded.text.trim()).toBe("12.35");
  const xml = await client.get("$metadata", { "B1S-WithMappingInfo": "1" });
  expect(xml.text).toContain(
    '<EntitySet Name="JournalEntries" EntityType="SAPB1.JournalEntry" TableName="OJDT" ServiceCode="30"',
  );
  expect((await client.call("$metadata", { root: "v1" })).text).toContain('m:DataServiceVersion="3.0"');
  expect((await client.get("")).json).toMatchObject({
    value: expect.arrayContaining([{ name: "Items", kind: "EntitySet", url: "Items" }]),
  });
});
