import { expect, test } from "vitest";
import { ZhangshiError } from "../../domain/errors.ts";
import { clientOf, signedHeaders } from "./signature.ts";

// The worked example of the WebAPI reference §2.1, made with the functions of SDK-Py 8.2.0.
const identity = {
  acctId: "5f00aa11bb22cc",
  userName: "接口用户",
  appId: "201234_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcY",
  appSecret: "0123456789abcdef0123456789abcdef",
  lcid: 2052,
  orgNum: "100",
};
const path = "/k3cloud/Kingdee.BOS.WebApi.ServicesStub.DynamicFormService.Save.common.kdsvc";

test("the client secret comes out of the AppId as in the vendor's kits", () => {
  expect(clientOf(identity.appId)).toEqual({ clientId: "201234", clientSecret: "MTI2MGM1Pj9qPDk/OT04KHMiKnd0IXMr" });
});

test("the headers are the reference's, byte for byte", () => {
  expect(signedHeaders(identity, path, "1700000000")).toEqual({
    "X-Api-ClientID": "201234",
    "X-Api-Auth-Version": "2.0",
    "x-api-timestamp": "1700000000",
    "x-api-nonce": "1700000000",
    "x-api-signheaders": "x-api-timestamp,x-api-nonce",
    "X-Api-Signature": "M2M5NmZiYjQ5NWZmYTIwMTY1ZWE2YjgxZTlhOGUzN2M0NjRjNDExNmJjNzYzZTg4NmEwOWVkMzBjZDM3ZjA1OQ==",
    "X-Kd-Appkey": identity.appId,
    "X-Kd-Appdata": "NWYwMGFhMTFiYjIyY2Ms5o6l5Y+j55So5oi3LDIwNTIsMTAw",
    "X-Kd-Signature": "Y2IyMGM1M2ZmMjk4M2ViZjY4MGZlMjNjMDk5ZjM4NzEzNDgwYzQzNzg5NWU4MDVhYjhiODI4ZDA4NWQwMGU5NA==",
  });
});

test.each([
  [
    "Java",
    "1700000000000",
    "1700000000000",
    "Zjc5MTI5MjU5OTAwZDhhZmM0ZDlhZmEzNzAyMTc5OTcyMzQ2OTQ5NGU2MzNmMWI3ODg3ZTViYzM2ZDIxYmFhNg==",
  ],
  [
    ".NET",
    "1700000000000",
    "0f8fad5bd9cb469fa16570867728950e",
    "NWJjZGQ1MTY0NmI1MmQ2YzNlNWI2YTVkMGI2M2FhNDM5NTk5YzAxOTdhYTNkNjU5NDg2MzFkZTA5OTNmNzMwYQ==",
  ],
])("the formula also gives the %s kit's signature", (_kit, timestamp, nonce, signature) => {
  expect(signedHeaders(identity, path, timestamp, nonce)["X-Api-Signature"]).toBe(signature);
});

test.each(["201234", "a_b_c", "201234_tooshort", "_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcY"])(
  "the AppId %s is refused",
  (appId) => {
    expect(() => clientOf(appId)).toThrow(ZhangshiError);
  },
);
