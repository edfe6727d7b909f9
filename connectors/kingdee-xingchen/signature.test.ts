import { expect, test } from "vitest";
import { appSignature, queryOf, signedHeaders } from "./signature.ts";

const client = { clientId: "205022", clientSecret: "0123456789abcdef0123456789abcdef" };
const nonce = "1700000000";
const timestamp = "1700000000000";
const APP_SIGNATURE = "ZDljMTI3NGIyNTE1MTRkYzlkNjc1MDNhYjUzMzgzNWMyY2M4YTdjMzdmNmM3YTVlNDkxMTkzNjdiOTFjNzUyZQ==";

test("the application's signature is the one the vendor prints", () => {
  expect(appSignature("abc", "abc123")).toBe(APP_SIGNATURE);
});

test("a call without query is signed as in the reference, byte for byte", () => {
  expect(signedHeaders(client, "POST", "/jdy/v2/fi/voucher", {}, timestamp, nonce)).toEqual({
    "X-Api-ClientID": "205022",
    "X-Api-Auth-Version": "2.0",
    "X-Api-TimeStamp": timestamp,
    "X-Api-Nonce": nonce,
    "X-Api-SignHeaders": "X-Api-TimeStamp,X-Api-Nonce",
    "X-Api-Signature": "NmJmODAwOWVlNTJmMTZiMzljODdjZTg0YjZkMWIzNzExNTliODliMDBhNTQzZmQ1MTQ2NDIwMWY4NDIzMmJlMw==",
  });
});

test("each value of a query is encoded twice for the signature, whatever the order in which it was given", () => {
  const path = "/jdyconnector/app_management/kingdee_auth_token";
  const expected = "ZGE1ZGI2ZmEzODhmYTJlN2E4MzU1NTM1MTlmZWZmMTg5YTE0YTc1NDUzMGQ3YjI3YjZjNzhkZmQ3MmMwYTE5NQ==";
  for (const parameters of [
    { app_key: "abc", app_signature: APP_SIGNATURE },
    { app_signature: APP_SIGNATURE, app_key: "abc" },
  ])
    expect(signedHeaders(client, "GET", path, parameters, timestamp, nonce)["X-Api-Signature"]).toBe(expected);
});

test("the URL's query is sorted and encoded once", () => {
  expect(queryOf({ page: "1", app_signature: "a+b==", 编码: "记 1" })).toBe(
    "app_signature=a%2Bb%3D%3D&page=1&%E7%BC%96%E7%A0%81=%E8%AE%B0%201",
  );
});
