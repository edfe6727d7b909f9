import { afterEach, expect, test } from "vitest";
import { RateLimits } from "./rates.ts";
import { createSwitches } from "./switches.ts";
import { APP_ID, COUNT_FORM, OTHER_FORM, startCompany, type TestCompany } from "./testing.ts";

let company: TestCompany;
afterEach(() => company.close());

const LIST = "v5/app/entry/data/list";
const form = { app_id: APP_ID, entry_id: COUNT_FORM };

async function withKey(settings: object) {
  await company.person("keys", { apiKey: "second-key", ...settings });
  return { Authorization: "Bearer second-key" };
}

test("no key is 8301, an unknown or disabled one 17018", async () => {
  company = await startCompany();
  expect((await company.api(LIST, form, { Authorization: "" })).body).toMatchObject({ code: 8301 });
  expect((await company.api(LIST, form, { Authorization: "Bearer nope" })).body).toMatchObject({ code: 17018 });
  expect((await company.api(LIST, form)).status).toBe(200);
  await company.person("keys/alter", { apiKey: company.credentials.apiKey, enabled: false });
  expect(await company.api(LIST, form)).toMatchObject({ status: 400, body: { code: 17018 } });
});

test("a key stays inside its apps, its interfaces and its addresses", async () => {
  company = await startCompany();
  const { app_id: other } = JSON.parse(JSON.stringify(await company.person("apps", { name: "别的应用" })));
  const headers = await withKey({ apps: [other], interfaces: [LIST, "v5/app/list"], ips: ["10.0.*.7"] });
  const call = (path: string, body: object, ip: string) =>
    company.api(path, body, { ...headers, "X-Forwarded-For": ip });
  expect((await call(LIST, form, "127.0.0.1")).body).toMatchObject({ code: 17052 });
  expect((await call(LIST, form, "10.0.9.7")).body).toMatchObject({ code: 17053 });
  expect((await call("v5/app/entry/data/get", form, "10.0.9.7")).body).toMatchObject({ code: 17054 });
  expect((await call("v5/app/list", {}, "10.0.9.7")).body).toEqual({ apps: [{ name: "别的应用", app_id: other }] });
});

test("unknown apps, forms, paths and bodies each have their answer", async () => {
  company = await startCompany();
  expect((await company.api(LIST, { ...form, app_id: OTHER_FORM })).body).toMatchObject({ code: 2004 });
  expect((await company.api(LIST, { ...form, entry_id: APP_ID })).body).toMatchObject({ code: 3000 });
  expect((await company.api(LIST, { app_id: APP_ID })).body).toMatchObject({ code: 17017 });
  expect((await company.api(LIST, [1])).body).toMatchObject({ code: 1 });
  expect(await company.api("v4/app/x/entry/y/data", {})).toMatchObject({ status: 404, body: { code: 17017 } });
});

test("a body of more than 2 MB is refused", async () => {
  company = await startCompany();
  const data_list = [{ sku_code: { value: "x".repeat(2 * 1024 * 1024) } }];
  expect((await company.data("batch_create", { data_list })).status).toBe(413);
  expect(await company.list()).toEqual([]);
});

test("the 31st list within a second is 8304, the 51st call of any kind 8303; a second later both pass", async () => {
  company = await startCompany();
  let now = 0;
  const limits = new RateLimits(() => now);
  const vendor = createSwitches();
  const take = (path: string, times: number) => {
    for (let call = 0; call < times; call += 1) limits.take(path, 30, vendor);
  };
  take(LIST, 30);
  expect(() => take(LIST, 1)).toThrow("8304");
  now = 999;
  take("v5/app/list", 20); // a refused call costs nothing
  expect(() => take("v5/app/list", 1)).toThrow("8303");
  now = 1000;
  take(LIST, 30);
});

test("a call above the rate is HTTP 400 with a code, not 429", async () => {
  company = await startCompany({ switches: { rates: 0.01 } });
  const [first, second] = [await company.api(LIST, form), await company.api(LIST, form)];
  expect(first.status).toBe(200);
  expect(second).toMatchObject({ status: 400, body: { code: 8303 } });
});

test("the limits can be switched off, and what was asked is counted per interface and second", async () => {
  company = await startCompany();
  await Promise.all(Array.from({ length: 60 }, () => company.api(LIST, form)));
  const counters = JSON.parse(JSON.stringify(await company.control("counters")));
  expect(counters.totals).toEqual({ list: 60 });
  const seconds: { counts: { list: number } }[] = counters.perSecond;
  expect(seconds.reduce((sum, { counts }) => sum + counts.list, 0)).toBe(60);
});

test("errors come in Chinese, or in English when switched", async () => {
  company = await startCompany();
  expect((await company.api(LIST, { ...form, entry_id: APP_ID })).body).toEqual({ code: 3000, msg: "表单不存在" });
  await company.control("switches", { errorLanguage: "en" });
  expect((await company.api(LIST, { ...form, entry_id: APP_ID })).body).toMatchObject({ msg: "Form does not exist" });
});

test("members and departments can be read", async () => {
  company = await startCompany();
  expect((await company.api("v5/corp/user/get", { username: "lizg" })).body).toMatchObject({
    user: { username: "lizg", name: "李主管", departments: [1], status: 1, type: 0 },
  });
  expect((await company.api("v5/corp/user/get", { username: "nobody" })).body).toMatchObject({ code: 1010 });
  await company.person("departments", { departments: [{ dept_no: 12, name: "仓储部" }] });
  const below = await company.api("v6/corp/department/list", { dept_no: 1, has_child: true });
  expect(below.body).toMatchObject({ departments: [{ dept_no: 1 }, { dept_no: 12, name: "仓储部", parent_no: 1 }] });
});
