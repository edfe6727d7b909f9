import { expect, test } from "vitest";
import { recipes } from "./signatures.ts";

test("旺店通: the worked example of the reference comes out", () => {
  const parameters = {
    sid: "demo2",
    appkey: "demo2-ot",
    timestamp: "1788230400",
    start_time: "2026-09-01 00:00:00",
    end_time: "2026-09-02 00:00:00",
    page_no: "0",
    page_size: "40",
  };
  expect(recipes.wangdian(parameters, "", "demo-secret")).toBe("f55822e30844b158e72963f5592d9497");
});

test("旺店通: lengths count bytes, so a Chinese value is longer than its characters", () => {
  // md5 of "04-name:0006-仓库" + "s", computed with another program (md5sum).
  expect(recipes.wangdian({ name: "仓库" }, "", "s")).toBe("56fbdcefdb18691b105a6f7a53de95ee");
});

const TOP = {
  method: "taobao.item.seller.get",
  app_key: "12345678",
  session: "test",
  timestamp: "2016-01-01 12:00:00",
  format: "json",
  v: "2.0",
  sign_method: "md5",
  fields: "num_iid,title,nick,price,num",
  num_iid: "11223344",
};

test("奇门 by MD5: the example of TOP's document 101617 comes out", () => {
  expect(recipes["qimen-md5"](TOP, "", "helloworld")).toBe("66987CB115214E59E6EC978214934FB8");
});

test("奇门 by HMAC: the vectors of RFC 2202 and RFC 4231 come out", () => {
  expect(recipes["qimen-hmac"]({ Hi: " There" }, "", "\u000b".repeat(16))).toBe("9294727A3638BB1C13F48EF8158BFC9D");
  expect(recipes["qimen-hmac"]({ "what do ya want ": "for nothing?" }, "", "Jefe")).toBe(
    "750C783E6AB0B503EAA86E310A5DB738",
  );
  expect(recipes["qimen-hmac-sha256"]({ "what do ya want ": "for nothing?" }, "", "Jefe")).toBe(
    "5BDCC146BF60754E6A042426089575C75A003F089D2739839DEC58B964EC3843",
  );
});

test("奇门: the body stands behind the parameters", () => {
  expect(recipes["qimen-hmac"]({ "what do ya want ": "for " }, "nothing?", "Jefe")).toBe(
    "750C783E6AB0B503EAA86E310A5DB738",
  );
  expect(recipes["qimen-md5"](TOP, "<x/>", "helloworld")).not.toBe(recipes["qimen-md5"](TOP, "", "helloworld"));
});

test("聚水潭 puts the secret in front, 管易 on both sides", () => {
  // "message digest" and "abc" are of RFC 1321 A.5, put together as 聚水潭 does; "aba" was computed with md5sum.
  expect(recipes.jushuitan({ age: " digest" }, "", "mess")).toBe("f96b697d7cb7938d525a2f31aaf161d0");
  expect(recipes.jushuitan({ c: "", b: "c" }, "", "a")).toBe("900150983cd24fb0d6963f7d28e17f72");
  expect(recipes.guanyi({}, "b", "a")).toBe("79AF87723DC295F95BDB277A61189A2A");
});

test("names are sorted by their bytes: upper case, then underscore, then lower case", () => {
  const text = (parameters: Record<string, string>): string => recipes.jushuitan(parameters, "", "");
  expect(text({ appKey: "1", app_key: "2" })).toBe(text({ app_key: "2", appKey: "1" }));
  expect(text({ a_: "", aK: "b", a_k: "c" })).toBe(recipes.jushuitan({ aKba_k: "c" }, "", ""));
});
