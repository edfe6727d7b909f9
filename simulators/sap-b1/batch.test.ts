import { afterEach, expect, test } from "vitest";
import { type SapB1, type SapB1Options, startSapB1 } from "./server.ts";
import { batchOf, BOUNDARY, changeSet, type Client, getPart, logIn, receipt } from "./testing.ts";

let simulator: SapB1 | undefined;

const CLAIMS = {
  suppliers: [{ code: "VEN001", name: "示例供应商" }],
  items: [{ code: "A100", name: "Item" }],
  warehouses: [{ code: "01", name: "Main" }],
  userTables: [{ name: "EXTPOST" }],
  userFields: [{ table: "OJDT", name: "ExtRef", size: 60 }],
};

async function start(options: SapB1Options = {}, root: "v1" | "v2" = "v2"): Promise<Client> {
  simulator = await startSapB1({ http: true, company: CLAIMS, ...options });
  return logIn(simulator, root);
}

afterEach(async () => {
  await simulator?.close();
  simulator = undefined;
});

const claim = (key: string): readonly [string, string, object] => [
  "POST",
  "/b1s/v2/U_EXTPOST",
  { Code: key, Name: key },
];
const entry = (key: string): readonly [string, string, object] => [
  "POST",
  "/b1s/v2/JournalEntries",
  receipt(key, { U_ExtRef: key }),
];
const counts = async (client: Client): Promise<string> =>
  `${(await client.get("U_EXTPOST/$count")).text} ${(await client.get("JournalEntries/$count")).text}`;

test("a change set of two that went through is framed byte for byte as captured on v2", async () => {
  const client = await start();
  const posted = await client.batch(
    batchOf(
      changeSet(["POST", "/b1s/v2/U_EXTPOST", { Code: "k", Name: "k" }], ["PATCH", "/b1s/v2/$1", { Name: "other" }]),
    ),
  );
  expect(posted.status).toBe(200);
  const [, id = ""] =
    /^multipart\/mixed;boundary=batchresponse_(\S+)$/.exec(String(posted.headers["content-type"])) ?? [];
  const [, set = ""] = /boundary=changesetresponse_(\S+)\r\n/.exec(posted.text) ?? [];
  const body = `{\n   "@odata.context" : "${simulator?.origin ?? ""}/b1s/v2/$metadata#U_EXTPOST/$entity",\n   "Code" : "k",\n   "Name" : "k"\n}\n`;
  expect(posted.text).toBe(
    [
      `--batchresponse_${id}`,
      `Content-Type: multipart/mixed; boundary=changesetresponse_${set}`,
      "",
      `--changesetresponse_${set}`,
      "Content-Type: application/http",
      "Content-Transfer-Encoding: binary",
      "Content-ID: 1",
      "",
      "HTTP/1.1 201 Created",
      "Content-Type: application/json;odata.metadata=minimal;charset=utf-8",
      `Content-Length: ${Buffer.byteLength(body)}`,
      `Location: ${simulator?.origin ?? ""}/b1s/v2/U_EXTPOST('k')`,
      "OData-Version: 4.0",
      "",
      body,
      `--changesetresponse_${set}`,
      "Content-Type: application/http",
      "Content-Transfer-Encoding: binary",
      "Content-ID: 2",
      "",
      "HTTP/1.1 204 No Content",
      "OData-Version: 4.0",
      "",
      "",
      `--changesetresponse_${set}--`,
      `--batchresponse_${id}--`,
      "",
    ].join("\r\n"),
  );
});

test("a failed change set is one part under the batch, byte for byte as captured on v2", async () => {
  const client = await start();
  const set = changeSet(claim("k"), ["POST", "/b1s/v2/JournalEntries(99)/Cancel", {}], entry("k"));
  const posted = await client.batch(batchOf(set, getPart("/b1s/v2/Items")));
  const [, id = ""] = /^--batchresponse_(\S+)/.exec(posted.text) ?? [];
  expect(posted.text).toBe(
    [
      `--batchresponse_${id}`,
      "Content-Type: application/http",
      "Content-Transfer-Encoding: binary",
      "Content-ID: 2",
      "",
      "HTTP/1.1 404 Not Found",
      "Content-Type: application/json;charset=utf-8",
      "Content-Length: 210",
      "OData-Version: 4.0",
      "",
      '{\n   "error" : {\n      "code" : "-2028",\n      "details" : [\n         {\n            "code" : "",\n            "message" : ""\n         }\n      ],\n      "message" : "No matching records found (ODBC -2028)"\n   }\n}\n',
      `--batchresponse_${id}--`,
      "",
    ].join("\r\n"),
  );
  expect(await counts(client)).toBe("0 0");
});

test("v1 says 202, puts the Content-ID into the inner answer, and explains errors with an innererror", async () => {
  const client = await start({}, "v1");
  const good = await client.batch(batchOf(changeSet(["POST", "/b1s/v1/Items", { ItemCode: "i1" }])));
  expect(good.status).toBe(202);
  const lines = good.text.split("\r\n");
  expect(lines.slice(4, 13)).toEqual([
    "Content-Type: application/http",
    "Content-Transfer-Encoding: binary",
    "",
    "HTTP/1.1 201 Created",
    "Content-ID: 1",
    "Content-Type: application/json;odata=minimalmetadata;charset=utf-8",
    expect.stringMatching(/^Content-Length: \d+$/),
    "DataServiceVersion: 3.0",
    'ETag: W/"356A192B7913B04C54574D18C28D46E6395428AB"',
  ]);
  expect(lines[13]).toMatch(/^Location: .*\/b1s\/v1\/Items\('i1'\)$/);
  const bad = await client.batch(batchOf(changeSet(["POST", "Items", { ItemCode: "i1" }])));
  expect(bad.text).toContain('"code" : -10,');
  expect(bad.text).toContain("Item code 'i1' already exists");
  expect(bad.text).toContain('"innererror" : {');
});

test("claim row and journal entry stand or fall together: a repeat is refused by the unique code", async () => {
  const client = await start();
  const send = (key: string): ReturnType<Client["batch"]> => client.batch(batchOf(changeSet(claim(key), entry(key))));
  expect((await send("count:1")).text.match(/HTTP\/1\.1 201 Created/g)).toHaveLength(2);
  const again = await send("count:1");
  expect(again.text).toContain("Content-ID: 1\r\n\r\nHTTP/1.1 400 Bad Request");
  expect(again.text).toContain('"code" : "-2035"');
  expect(await counts(client)).toBe("1 1");
  const unbalanced = receipt("count:2", { JournalEntryLines: [{ AccountCode: "1405", Debit: "1" }] });
  await client.batch(batchOf(changeSet(claim("count:2"), ["POST", "/b1s/v2/JournalEntries", unbalanced])));
  expect(await counts(client)).toBe("1 1");
  expect((await send("count:2")).text).toContain("HTTP/1.1 201 Created");
  const found = await client.get(
    "JournalEntries?$filter=U_ExtRef eq 'count:2'&$select=JdtNum,U_ExtRef&$top=2".replaceAll(" ", "%20"),
  );
  expect(found.json).toMatchObject({ value: [{ JdtNum: 2, U_ExtRef: "count:2" }] });
});

test("a batch stops at its first failing part; what went before stays", async () => {
  const client = await start();
  const posted = await client.batch(
    batchOf(changeSet(claim("a"), entry("a")), changeSet(claim("a"), entry("a")), changeSet(claim("b"), entry("b"))),
  );
  expect(posted.text.match(/HTTP\/1\.1/g)).toHaveLength(3);
  expect(await counts(client)).toBe("1 1");
  const goOn = await client.batch(batchOf(changeSet(claim("a"), entry("a")), changeSet(claim("b"), entry("b"))), {
    headers: { Prefer: "odata.continue-on-error" },
  });
  expect(goOn.text.match(/HTTP\/1\.1/g)).toHaveLength(3);
  expect(await counts(client)).toBe("2 2");
});

test("continue-on-error with a change set whose last operation fails kills the worker: 502 in HTML", async () => {
  const client = await start();
  const set = changeSet(claim("a"), ["POST", "/b1s/v2/JournalEntries", { JournalEntryLines: [] }]);
  const died = await client.batch(batchOf(changeSet(claim("b")), set), {
    headers: { Prefer: "odata.continue-on-error" },
  });
  expect(died.status).toBe(502);
  expect(died.text).toContain("Proxy Error");
  expect(await counts(client)).toBe("1 0");
});

test("framings of known clients all parse", async () => {
  const client = await start();
  const lf = [
    `--${BOUNDARY}`,
    'Content-Type: multipart/mixed; boundary="changeset_x"',
    "",
    "--changeset_x",
    "Content-Type: application/http; msgtype=request",
    "content-transfer-encoding: binary",
    "Content-ID: 7d2f9c8e-0a51",
    "",
    'POST /b1s/v1/U_EXTPOST HTTP/1.1\nHost: b1.example.test:50000\nContent-Type: application/json\n\n{"Code":"q","Name":"q"}',
    "--changeset_x--",
    `--${BOUNDARY}`,
    `--${BOUNDARY}`,
    "Content-Type: application/http",
    "",
    "GET /b1s/v2/U_EXTPOST?%24filter=Code+eq+%27q%27",
    "",
    `--${BOUNDARY}--`,
  ].join("\r\n");
  const quoted = { "Content-Type": `multipart/mixed; boundary="${BOUNDARY}"` };
  const done = await client.batch(lf, { headers: quoted });
  expect(done.text.match(/HTTP\/1\.1 2\d\d/g)).toEqual(["HTTP/1.1 201", "HTTP/1.1 200"]);
  expect(done.text).toContain("Content-ID: 7d2f9c8e-0a51");
  const outside = `--${BOUNDARY}\r\nContent-Type: application/http\r\n\r\nPOST U_EXTPOST\r\n\r\n{"Code":"r"}\r\n--${BOUNDARY}--\r\n`;
  expect((await client.batch(outside)).text).toContain("HTTP/1.1 201 Created");
  expect(await counts(client)).toBe("2 0");
});

test("what is no batch is refused as a whole", async () => {
  const client = await start();
  for (const body of ["", "nonsense", `--${BOUNDARY}\r\nContent-Type: application/http\r\n\r\nGET Items\r\n`]) {
    const refused = await client.batch(body);
    expect(refused.status).toBe(400);
    expect(refused.json).toMatchObject({ error: { code: "-1000", message: "Incomplete Batch Request Body!" } });
  }
  expect(
    (await client.batch(batchOf(changeSet(["POST", "U_EXTPOST", { Code: "\0" }])).replace("\\u0000", "\0"))).json,
  ).toMatchObject({
    error: { code: "242" },
  });
  expect((await client.batch(batchOf(changeSet(["GET", "Items"])))).status).toBe(400);
  const nameless = batchOf(changeSet(["POST", "U_EXTPOST", { Code: "x" }])).replace(/Content-ID: 1\r\n/, "");
  expect((await client.batch(nameless)).status).toBe(400);
  expect((await client.batch(nameless, { root: "v1" })).status).toBe(202);
});
