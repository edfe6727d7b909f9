import { createHmac } from "node:crypto";
import { expect, test } from "vitest";
import { verifyPush } from "./push.ts";
import { RestSettings } from "./settings.ts";
import { recipes } from "./signatures.ts";
import { FLAT } from "./testing.ts";

const NOW = new Date("2025-09-02T00:00:00Z");
const BODY = '{"event":"stockin","data":{"id":"R-1","qty":118.0},"state":"deleted"}';
const HMAC = {
  signature: { kind: "hmac", header: "X-Signature", prefix: "sha256=", timestampBefore: "." },
  timestamp: { in: "header", name: "X-Time", format: "epoch-seconds" },
  form: { path: "event", names: { stockin: "receipt" } },
  recordId: "data.id",
  removedWhen: { path: "state", in: ["deleted"] },
};
const settingsOf = (push: object) => RestSettings.parse({ push, forms: { receipt: FLAT } }).push;
const verify = (push: object, headers: Record<string, string>, query: Record<string, string>, body = BODY, now = NOW) =>
  verifyPush(settingsOf(push), "push-secret", "Asia/Shanghai", now, { headers, query, rawBody: Buffer.from(body) });

const STAMP = "1756771200";
const signed = (body: string, stamp = STAMP): Record<string, string> => ({
  "x-signature": `sha256=${createHmac("sha256", "push-secret").update(`${stamp}.${body}`).digest("hex")}`,
  "x-time": stamp,
});

test("a signed push says what to look at again", () => {
  expect(verify(HMAC, signed(BODY), {})).toMatchObject({ form: "receipt", recordId: "R-1", event: "removed" });
  const changed = BODY.replace("deleted", "ok");
  expect(verify({ ...HMAC, deliveryHeader: "X-Id" }, { ...signed(changed), "X-ID": "d-1" }, {}, changed)).toEqual({
    deliveryId: "d-1",
    form: "receipt",
    recordId: "R-1",
    event: "changed",
  });
});

test("the same message is the same delivery, another one is not", () => {
  const first = verify(HMAC, signed(BODY), {}).deliveryId;
  expect(verify(HMAC, signed(BODY), {}).deliveryId).toBe(first);
  expect(verify(HMAC, signed(`${BODY} `), {}, `${BODY} `).deliveryId).not.toBe(first);
});

test.each([
  ["another body", signed(BODY), BODY.replace("118.0", "118")],
  ["no signature", { "x-time": STAMP }, BODY],
  ["another time", { ...signed(BODY), "x-time": "1756771201" }, BODY],
  [
    "a signature without its prefix",
    { ...signed(BODY), "x-signature": signed(BODY)["x-signature"]?.slice(7) ?? "" },
    BODY,
  ],
])("%s is a wrong signature", (_name, headers, body) => {
  expect(() => verify(HMAC, headers, {}, body)).toThrow(/PUSH_SIGNATURE_WRONG/);
});

test("a push outside the window is too old in either direction, and none is taken where none is set up", () => {
  for (const minutes of [-16, 16])
    expect(() => verify(HMAC, signed(BODY), {}, BODY, new Date(NOW.getTime() + minutes * 60_000))).toThrow(
      /PUSH_TOO_OLD/,
    );
  const request = { headers: signed(BODY), query: {}, rawBody: Buffer.from(BODY) };
  expect(() => verifyPush(undefined, "push-secret", "Asia/Shanghai", NOW, request)).toThrow(/PUSH_SIGNATURE_WRONG/);
  expect(() => verifyPush(settingsOf(HMAC), "", "Asia/Shanghai", NOW, request)).toThrow(/PUSH_SIGNATURE_WRONG/);
});

test("a genuine push that is no JSON is unreadable, and one about nothing of ours concerns no form", () => {
  expect(() => verify(HMAC, signed("{"), {}, "{")).toThrow(/PUSH_UNREADABLE/);
  const other = BODY.replace("stockin", "toString");
  expect(verify(HMAC, signed(other), {}, other)).toMatchObject({ form: "", recordId: "", event: "form-changed" });
  const unnamed = '{"event":"stockin"}';
  expect(verify(HMAC, signed(unnamed), {}, unnamed)).toMatchObject({ form: "receipt", event: "form-changed" });
});

test("a push that is signed as requests are, with parameters in the address, is verified with the same recipe", () => {
  const push = {
    signature: { kind: "recipe", recipe: "qimen-md5" },
    timestamp: { in: "query", name: "timestamp", format: "local" },
    form: "receipt",
    recordId: "data.id",
  };
  const query = { method: "stockchange.report", timestamp: "2025-09-02 08:00:00", app_key: "k" };
  const sign = recipes["qimen-md5"](query, BODY, "push-secret");
  expect(verify(push, {}, { ...query, sign })).toMatchObject({ form: "receipt", recordId: "R-1", event: "changed" });
  expect(() => verify(push, {}, { ...query, app_key: "other", sign })).toThrow(/PUSH_SIGNATURE_WRONG/);
});
