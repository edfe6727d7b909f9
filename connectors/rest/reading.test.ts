import { afterEach, expect, test } from "vitest";
import type { SourcePage, SourceRecord, StockSource } from "../contract.ts";
import { recipes } from "./signatures.ts";
import { type Answer, type Asked, FLAT, flat, startWarehouse, type Warehouse } from "./testing.ts";

let warehouse: Warehouse | undefined;
afterEach(async () => warehouse?.close());
const start = async (answer: (asked: Asked) => Answer): Promise<Warehouse> => {
  warehouse = await startWarehouse(answer);
  return warehouse;
};
const all = async (
  source: StockSource,
  cursor = "",
): Promise<{ ids: string[]; records: SourceRecord[]; cursor: string }> => {
  const records: SourceRecord[] = [];
  let page: SourcePage = { records: [], cursor, last: false };
  for (let pages = 0; pages < 100 && !page.last; pages += 1) {
    page = await source.readPage("receipt", page.cursor, 1_000);
    records.push(...page.records);
  }
  return { ids: records.map(({ recordId }) => recordId), records, cursor: page.cursor };
};
const forms = (form: object = {}) => ({ forms: { receipt: { ...FLAT, ...form } } });
const list = (rows: readonly string[], more = ""): Answer => ({ json: `{"list":[${rows.join(",")}]${more}}` });

test("a record becomes a document: paths, constants, code maps, kinds by value, numbers without loss", async () => {
  const json = `{"code":0,"data":{"rows":[{"id":12345678901234567890,"no":"RK-1","biz":{"type":"盘点","time":"2025-09-01 23:30:00"},"wh":"A",
    "goods":[{"sku":"007","num":12345678901234567.123456,"price":0.10},{"sku":"B","num":-2.50,"price":1}]}]}}`;
  const { connect } = await start(() => ({ json }));
  const form = {
    carries: "movements",
    request: { path: "receipts" },
    records: "data.rows",
    fields: { recordId: "id", documentNumber: "no", kind: "biz.type", happenedAt: "biz.time", warehouse: "wh" },
    lines: { path: "goods", fields: { item: "sku", quantity: "num", unitPrice: "price" } },
    kinds: { 盘点: { positive: "count-gain", negative: "count-loss" } },
    codes: { warehouse: { A: "WH-SH" } },
    constants: { unit: "件" },
  };
  const { records } = await all(connect({ success: { path: "code", in: ["0"] }, forms: { receipt: form } }));
  expect(records).toHaveLength(1);
  expect(records[0]).toMatchObject({ recordId: "12345678901234567890", problems: [] });
  expect(records[0]?.movements).toMatchObject([
    {
      kind: "count-gain",
      item: "007",
      quantity: "12345678901234567.123456",
      warehouse: "WH-SH",
      happenedOn: "2025-09-01",
      unit: "件",
      amount: "1234567890123456.71",
    },
    { kind: "count-loss", item: "B", quantity: "2.5", lineId: "2", amount: "2.5" },
  ]);
});

test("what is no plain value, and a name of the prototype, are problems and no data", async () => {
  const { connect } = await start(() => list([`{"id":"1","no":"N","at":"2025-09-01","sku":{"a":1},"qty":[1]}`]));
  const { records } = await all(connect(forms({ fields: { ...FLAT.fields, batch: "constructor.name" } })));
  expect(records[0]?.problems.map(({ field, code }) => `${field} ${code}`)).toEqual([
    "qty NUMBER_UNREADABLE",
    "sku NUMBER_UNREADABLE",
  ]);
  expect(records[0]?.movements).toEqual([]);
});

test.each([
  ["page number", { paging: { kind: "page", parameter: "p", first: 0 }, pageSizeParameter: "n" }, ["0", "1", "2"]],
  ["offset", { paging: { kind: "offset", parameter: "p" } }, ["0", "2", "4"]],
  ["cursor", { paging: { kind: "cursor", parameter: "p", from: "next" } }, [undefined, "c2", "c4"]],
])("paging by %s brings every record once", async (_name, form, expected) => {
  const rows = [1, 2, 3, 4, 5].map((id) => flat(id));
  const server = await start(({ query }) => {
    const at = { c2: 2, c4: 4 }[query["p"] ?? ""] ?? Number(query["p"] ?? 0) * (query["n"] === undefined ? 1 : 2);
    return list(rows.slice(at, at + 2), at + 2 < 5 ? `,"next":"c${at + 2}"` : ',"next":null');
  });
  const source = server.connect(forms({ ...form, pageSize: 2 }));
  const first = await all(source);
  expect(first.ids).toEqual(["1", "2", "3", "4", "5"]);
  expect(server.asked.map(({ query }) => query["p"])).toEqual(expected);
  expect((await all(source, first.cursor)).ids).toHaveLength(5);
});

test("the next page by its address, in the body or in the header, stays on the same server", async () => {
  const server = await start(({ path, query }) => {
    if (path.endsWith("evil")) return list([flat(9)], ',"next":"https://elsewhere.example/api/more"');
    if (query["after"] === "1") return list([flat(2)]);
    return {
      ...list([flat(1)], ',"next":"/api/receipts?after=1"'),
      headers: { Link: '<receipts?after=1>; rel="next"' },
    };
  });
  for (const from of ["next", ""])
    expect((await all(server.connect(forms({ paging: { kind: "link", from } })))).ids).toEqual(["1", "2"]);
  const evil = server.connect(forms({ request: { path: "evil" }, paging: { kind: "link", from: "next" } }));
  await expect(all(evil)).rejects.toThrow(/another server/);
});

test("a feed goes on where it stopped", async () => {
  const server = await start(({ query }) => {
    const at = Number(query["since"] ?? 0);
    return list(at < 2 ? [flat(at + 1)] : [], `,"token":"${Math.min(at + 1, 2)}"`);
  });
  const source = server.connect(
    forms({ paging: { kind: "cursor", parameter: "since", from: "token", resumes: true } }),
  );
  const first = await all(source);
  expect(first.ids).toEqual(["1", "2"]);
  expect((await all(source, first.cursor)).ids).toEqual([]);
  expect(server.asked.at(-1)?.query["since"]).toBe("2");
});

const WINDOW = {
  window: {
    fromParameter: "start",
    toParameter: "end",
    startOn: "2025-09-01",
    time: "at",
    spanMs: 12 * 3_600_000,
    overlapMs: 600_000,
  },
  paging: { kind: "page", parameter: "page" },
  pageSize: 2,
  total: "total",
};
/** Answers by window, ends included, as most of these systems do. */
const windowed =
  (times: () => readonly string[]) =>
  ({ query }: Asked): Answer => {
    const inside = times().filter((at) => at >= (query["start"] ?? "") && at <= (query["end"] ?? ""));
    const from = (Number(query["page"]) - 1) * 2;
    return list(
      inside.slice(from, from + 2).map((at) => flat(at, at)),
      `,"total":${inside.length}`,
    );
  };

test("windows in the company's zone follow one another; a record on their seam comes once", async () => {
  const server = await start(
    windowed(() => ["2025-09-01 00:00:00", "2025-09-01 12:00:00", "2025-09-01 23:59:59", "2025-09-02 07:59:59"]),
  );
  const { ids, cursor } = await all(server.connect(forms(WINDOW)));
  expect(ids).toHaveLength(4);
  expect([...new Set(server.asked.map(({ query }) => `${query["start"]} – ${query["end"]}`))]).toEqual([
    "2025-09-01 00:00:00 – 2025-09-01 12:00:00",
    "2025-09-01 12:00:00 – 2025-09-02 00:00:00",
    "2025-09-02 00:00:00 – 2025-09-02 08:00:00",
  ]);
  expect(JSON.parse(cursor)).toEqual({ from: "2025-09-02T00:00:00.000Z" });
});

test("the next sync begins at the overlap, and a record of this very second waits for it", async () => {
  const times = ["2025-09-02 07:55:00", "2025-09-02 08:00:00"];
  const server = await start(windowed(() => times));
  const { ids, cursor } = await all(server.connect(forms(WINDOW)));
  expect(ids).toEqual(["2025-09-02 07:55:00"]);
  const later = server.connect(forms(WINDOW), { now: () => new Date("2025-09-02T00:05:00Z") });
  expect((await all(later, cursor)).ids).toEqual(times);
  expect(server.asked.at(-1)?.query["start"]).toBe("2025-09-02 07:50:00");
});

test("a window with too many pages is read in halves", async () => {
  const times = Array.from({ length: 9 }, (_, index) => `2025-09-01 0${index}:00:00`);
  const server = await start(windowed(() => times));
  expect((await all(server.connect({ ...forms(WINDOW), pagesMax: 2 }))).ids.sort()).toEqual(times);
});

test("a window whose records move while it is read is read again", async () => {
  const times = ["2025-09-01 01:00:00", "2025-09-01 02:00:00", "2025-09-01 03:00:00", "2025-09-01 04:00:00"];
  let calls = 0;
  const server = await start((asked) => {
    calls += 1;
    // After the first page the first record is changed: it leaves the window and the third slips on to the first page.
    if (calls === 2) times.shift();
    return windowed(() => times)(asked);
  });
  expect((await all(server.connect(forms(WINDOW)))).ids).toEqual([
    "2025-09-01 02:00:00",
    "2025-09-01 03:00:00",
    "2025-09-01 04:00:00",
  ]);
});

test.each([
  ["one by one by path", { path: "receipts/{id}", records: "" }],
  ["together in a parameter", { parameter: "ids", max: 10 }],
  ["not at all, so the whole is read", undefined],
])("records are asked for by id: %s", async (_name, byId) => {
  const server = await start(({ path, query }) => {
    if (path.endsWith("/1")) return { json: flat(1) };
    if (path.includes("receipts/")) return { status: 404, json: '{"error":"none"}' };
    if (query["ids"] !== undefined)
      return list(
        query["ids"]
          .split(",")
          .filter((id) => id === "1")
          .map((id) => flat(id)),
      );
    return list([flat(1), flat(3)]);
  });
  const found = await server.connect(forms({ byId })).readRecords("receipt", ["1", "2"]);
  expect([...found.keys()]).toEqual(["1"]);
});

test("header, basic and OAuth2 client credentials authorise, and a withdrawn token is renewed once", async () => {
  let issued = 0;
  const server = await start(({ path, headers, body }) => {
    if (path === "/token") {
      issued += 1;
      expect(Object.fromEntries(new URLSearchParams(body))).toMatchObject({
        grant_type: "client_credentials",
        client_id: "c",
        client_secret: "secret-c",
      });
      return { json: `{"access_token":"t${issued}","expires_in":3600}` };
    }
    return headers.authorization === "Bearer t1" && issued === 1 && server.asked.length > 3
      ? { status: 401 }
      : list([flat(headers.authorization ?? "none")]);
  });
  const secrets = { token: "abc-token", user: "u", password: "p", clientId: "c", clientSecret: "secret-c" };
  const ids = async (auth: object): Promise<string[]> =>
    (await all(server.connect({ ...forms(), auth }, { secrets }))).ids;
  expect(await ids({ kind: "header" })).toEqual(["Bearer abc-token"]);
  expect(await ids({ kind: "header", name: "X-Key", prefix: "" })).toEqual(["none"]);
  expect(server.asked.at(-1)?.headers["x-key"]).toBe("abc-token");
  expect(await ids({ kind: "basic" })).toEqual(["Basic dTpw"]);
  server.asked.length = 0;
  const source = server.connect(
    { ...forms(), auth: { kind: "oauth2", tokenUrl: new URL("/token", server.baseUrl).href } },
    { secrets },
  );
  expect([...(await all(source)).ids, ...(await all(source)).ids, ...(await all(source)).ids]).toEqual([
    "Bearer t1",
    "Bearer t1",
    "Bearer t2",
  ]);
  expect(issued).toBe(2);
});

test("a signed form carries its business parameters as JSON, its time stamp and a signature over all of it", async () => {
  const server = await start(() => list([flat(1)]));
  const settings = {
    ...forms({
      request: { path: "open/query", encoding: "form", wrapIn: "biz", parameters: { status: "done" } },
      paging: { kind: "page", parameter: "page_index" },
    }),
    signing: { recipe: "jushuitan" },
    common: { app_key: "k", version: "2" },
    commonSecrets: { access_token: "accessToken" },
  };
  await all(server.connect(settings, { secrets: { appSecret: "shh!", accessToken: "at-1" } }));
  const { sign = "", ...parameters } = Object.fromEntries(new URLSearchParams(server.asked[0]?.body ?? ""));
  expect(parameters).toEqual({
    app_key: "k",
    version: "2",
    access_token: "at-1",
    timestamp: "1756771200",
    biz: '{"status":"done","page_index":"1"}',
  });
  expect(sign).toBe(recipes.jushuitan(parameters, "", "shh!"));
});

test("a JSON body is signed with the common parameters that stand in the address", async () => {
  const server = await start(() => list([flat(1)]));
  const settings = {
    ...forms({ request: { path: "router", encoding: "json", parameters: { "pager.size": 5, open: true } } }),
    signing: { recipe: "qimen-md5", timestampFormat: "local" },
    common: { method: "q" },
    commonIn: "query",
  };
  await all(server.connect(settings, { secrets: { appSecret: "shh!" } }));
  const { sign = "", ...parameters } = server.asked[0]?.query ?? {};
  expect(parameters).toEqual({ method: "q", timestamp: "2025-09-02 08:00:00" });
  expect(server.asked[0]?.body).toBe('{"pager":{"size":5},"open":true}');
  expect(sign).toBe(recipes["qimen-md5"](parameters, server.asked[0]?.body ?? "", "shh!"));
});

test.each([
  [
    "a refusal inside HTTP 200",
    { json: '{"code":7,"msg":"sign error shh-secret"}' },
    {},
    /READ_FAILED.*sign error \*\*\*/,
  ],
  ["a refused log-in inside HTTP 200", { json: '{"code":190,"msg":"no"}' }, {}, /LOGIN_REFUSED/],
  ["too many calls", { json: '{"code":200,"msg":"slow down"}' }, {}, /THROTTLED/],
  ["HTTP 403", { status: 403 }, {}, /PERMISSION_DENIED/],
  ["HTTP 500", { status: 500 }, {}, /READ_FAILED/],
  ["no list", { json: '{"code":0,"list":"none"}' }, {}, /no list of records/],
  [
    "an answer that is too long",
    list([flat(1, undefined, `,"x":"${"x".repeat(5_000)}"`)]),
    { answerBytesMax: 2_000 },
    /READ_FAILED/,
  ],
])("%s is named and stops the reading", async (_name, answer, more, expected) => {
  const server = await start(() => answer);
  const settings = {
    ...forms(),
    success: { path: "code", in: ["0"] },
    message: "msg",
    throttled: { path: "code", in: ["200"] },
    loginRefused: { path: "code", in: ["190"] },
    ...more,
  };
  await expect(all(server.connect(settings, { secrets: { appSecret: "shh-secret" } }))).rejects.toThrow(expected);
});

test("each request waits for its permit, and secrets have to be there", async () => {
  const lanes: string[] = [];
  const server = await start(() => list([flat(1)]));
  await all(server.connect(forms(), { pacer: { permit: async (lane) => void lanes.push(lane) } }));
  expect(lanes).toEqual(["read"]);
  expect(() => server.connect({ ...forms(), auth: { kind: "header" } })).toThrow(/SECRET_MISSING.*token/);
  expect(() => server.connect(forms({ fields: { recordId: "id" } }))).toThrow(/CONFIG_INVALID/);
});

test("items and balances come page by page, and the check asks for one page of each form", async () => {
  const server = await start(({ path }) =>
    path.endsWith("stock") ? list(['{"sku":"A","wh":"W1","n":5}']) : list(['{"sku":"A","u":"件","name":"钉"}']),
  );
  const settings = {
    forms: {
      item: {
        carries: "items",
        request: { path: "items" },
        records: "list",
        fields: { item: "sku", unit: "u", name: "name" },
      },
      stock: {
        carries: "balances",
        request: { path: "stock" },
        records: "list",
        fields: { item: "sku", warehouse: "wh", quantity: "n", batch: "lot" },
      },
    },
  };
  const source = server.connect(settings);
  const [items, balances, stages]: [unknown[], unknown[], string[]] = [[], [], []];
  for await (const item of source.items()) items.push(item);
  for await (const balance of source.balances()) balances.push(balance);
  for await (const { stage, subject, state } of source.check()) stages.push(`${stage} ${subject} ${state}`);
  expect(items).toEqual([{ code: "A", name: "钉", itemClass: "", unit: "件", conversions: [] }]);
  expect(balances).toEqual([{ item: "A", warehouse: "W1", batch: "", quantity: "5" }]);
  expect(stages.slice(1, 5)).toEqual([
    "rights item ok",
    "key-field item ok",
    "rights stock ok",
    "key-field stock warning",
  ]);
});
