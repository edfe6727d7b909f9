import { expect, test } from "vitest";
import { boundaryIn, readBatch, writeBatch } from "./multipart.ts";
import { committed, errorV2, rolledBack } from "./recorded.testing.ts";

test("a batch is written with one change set per voucher, CRLF throughout and a Content-ID per operation", () => {
  const operation = (contentId: string, path: string) => ({ contentId, path, json: '{"Code":"k"}' });
  const text = writeBatch("batch_1", [
    { boundary: "cs_1", operations: [operation("1", "/b1s/v2/U_T"), operation("2", "/b1s/v2/JournalEntries")] },
  ]);
  expect(text).toBe(
    [
      "--batch_1",
      "Content-Type: multipart/mixed; boundary=cs_1",
      "",
      "--cs_1",
      "Content-Type: application/http",
      "Content-Transfer-Encoding: binary",
      "Content-ID: 1",
      "",
      "POST /b1s/v2/U_T HTTP/1.1",
      "Content-Type: application/json",
      "",
      '{"Code":"k"}',
      "--cs_1",
      "Content-Type: application/http",
      "Content-Transfer-Encoding: binary",
      "Content-ID: 2",
      "",
      "POST /b1s/v2/JournalEntries HTTP/1.1",
      "Content-Type: application/json",
      "",
      '{"Code":"k"}',
      "--cs_1--",
      "--batch_1--",
      "",
    ].join("\r\n"),
  );
});

test("committed and rolled-back change sets are told apart by their nesting", () => {
  const failure = rolledBack(3, "404 Not Found", errorV2("-2028", "No matching records found (ODBC -2028)"));
  const parts = readBatch(`${committed(1, 48_211, {})}${failure}--batchresponse_A--\r\n`, "batchresponse_A");
  expect(parts).toMatchObject([
    {
      kind: "set",
      answers: [
        { contentId: "1", status: 201 },
        { contentId: "2", status: 201 },
      ],
    },
    { kind: "single", answer: { contentId: "3", status: 404 } },
  ]);
  const [set, single] = parts ?? [];
  expect(set?.kind === "set" && JSON.parse(set.answers[1]?.text ?? "")).toMatchObject({ JdtNum: 48_211 });
  expect(single?.kind === "single" && JSON.parse(single.answer.text).error.code).toBe("-2028");
});

test("the first edition names the operation inside the answer, and a success may have no body", () => {
  const text = [
    "--b",
    "Content-Type: multipart/mixed; boundary=c",
    "",
    "--c",
    "Content-Type: application/http",
    "Content-Transfer-Encoding: binary",
    "",
    "HTTP/1.1 201 Created",
    "Content-ID: 1",
    "Content-Type: application/json;odata=minimalmetadata;charset=utf-8",
    "",
    '{\n   "Code" : "k"\n}\n',
    "--c",
    "Content-Type: application/http",
    "Content-Transfer-Encoding: binary",
    "",
    "HTTP/1.1 204 No Content",
    "Content-ID: 2",
    "DataServiceVersion: 3.0",
    "",
    "",
    "--c--",
    "--b--",
    "",
  ].join("\r\n");
  expect(readBatch(text, "b")).toMatchObject([
    {
      kind: "set",
      answers: [
        { contentId: "1", status: 201, text: '{\n   "Code" : "k"\n}' },
        { contentId: "2", status: 204, text: "" },
      ],
    },
  ]);
});

test("an answer without its last delimiter is not whole", () => {
  expect(readBatch(committed(1, 1, {}), "batchresponse_A")).toBeUndefined();
  expect(readBatch(`${committed(1, 1, {}).slice(0, 300)}\r\n--batchresponse_A--`, "batchresponse_A")).toBeUndefined();
  expect(readBatch("<html>Proxy Error</html>", "batchresponse_A")).toBeUndefined();
});

test("boundaries are read quoted and unquoted", () => {
  expect(boundaryIn("multipart/mixed;boundary=a-b_c")).toBe("a-b_c");
  expect(boundaryIn('multipart/mixed; charset=utf-8; boundary="a b"')).toBe("a b");
  expect(boundaryIn("application/json")).toBeUndefined();
});
