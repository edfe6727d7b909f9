import { expect, test } from "vitest";
import { appSignature, signedTexts, signText } from "./signing.ts";

test("app_signature of the vendor's own example comes out as printed there", () => {
  expect(appSignature("abc", "abc123")).toBe(
    "ZDljMTI3NGIyNTE1MTRkYzlkNjc1MDNhYjUzMzgzNWMyY2M4YTdjMzdmNmM3YTVlNDkxMTkzNjdiOTFjNzUyZQ==",
  );
});

/** The example on the vendor's page about signing, with the parameters as they stand there. */
const EXAMPLE = {
  path: "/jdyconnector/app_management/kingdee_auth_token",
  query: new URLSearchParams({
    app_signature: "MzZlYTk0ODk4MWZlNjdiODNmNWU4YzViNzYxNGM5MTFlOGJkN2NjMzk0MTJkZGNhZGM0NzZhN2YxZDJmOTlkZA==",
    app_key: "bVZgAZOv1",
  }),
  nonce: "4427456950",
  timestamp: "1670305063559",
  secret: "f2adcfef73369bfc4e1384677d38a0ff",
};

test("X-Api-Signature of the vendor's own example comes out as printed there", () => {
  const texts = signedTexts("GET", EXAMPLE.path, EXAMPLE.query, EXAMPLE.nonce, EXAMPLE.timestamp);
  expect(texts).toContain(
    [
      "GET",
      "%2Fjdyconnector%2Fapp_management%2Fkingdee_auth_token",
      "app_key=bVZgAZOv1&app_signature=MzZlYTk0ODk4MWZlNjdiODNmNWU4YzViNzYxNGM5MTFlOGJkN2NjMzk0MTJkZGNhZGM0NzZhN2YxZDJmOTlkZA%253D%253D",
      "x-api-nonce:4427456950",
      "x-api-timestamp:1670305063559",
      "",
    ].join("\n"),
  );
  expect(texts.map((text) => signText(EXAMPLE.secret, text))).toContain(
    "OTFiZTliNDFiMjNkYTI3YzVhNzg4MDI4ZGU3MWY1ZTA5ZTk1NjVlNGM1YTI1ZjIxY2Y5YTA3ZGY2OGI1MGQ1MQ==",
  );
});

test("a call without parameters signs an empty line", () => {
  const texts = signedTexts("post", "/jdy/v2/fi/voucher", new URLSearchParams(), "1700000000", "1700000000000");
  expect(texts).toEqual([
    "POST\n%2Fjdy%2Fv2%2Ffi%2Fvoucher\n\nx-api-nonce:1700000000\nx-api-timestamp:1700000000000\n",
  ]);
  expect(signText("0123456789abcdef0123456789abcdef", texts[0] ?? "")).toBe(
    "NmJmODAwOWVlNTJmMTZiMzljODdjZTg0YjZkMWIzNzExNTliODliMDBhNTQzZmQ1MTQ2NDIwMWY4NDIzMmJlMw==",
  );
});

test("each language's way of encoding blanks, brackets and Chinese twice is understood, encoding once is not", () => {
  const texts = signedTexts("GET", "/jdy/v2/bd/material", new URLSearchParams({ search: "物 (A)" }), "1", "2");
  const lines = texts.map((text) => text.split("\n")[2]);
  const chinese = "%25E7%2589%25A9";
  expect(lines).toContain(`search=${chinese}%2520(A)`);
  expect(lines).toContain(`search=${chinese}%2520%2528A%2529`);
  expect(lines).toContain(`search=${chinese}%2B%2528A%2529`);
  expect(lines).not.toContain("search=%E7%89%A9%20(A)");
});
