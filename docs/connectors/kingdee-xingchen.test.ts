import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import {
  KingdeeXingchenSettings,
  credentialsOf,
  parseSettings,
  secretNames,
} from "../../connectors/kingdee-xingchen/settings.ts";
import { failureOf, failuresByCode } from "../../connectors/kingdee-xingchen/vendor-errors.ts";

const pages = ["kingdee-xingchen.md", "kingdee-xingchen.zh-CN.md"].map((name) => ({
  name,
  text: readFileSync(new URL(name, import.meta.url), "utf8"),
}));

const Example = z.object({
  connections: z.tuple([
    z.object({
      vendor: z.literal("kingdee-xingchen"),
      secrets: z.record(z.string(), z.string()),
      settings: z.unknown(),
    }),
  ]),
});

test.each(pages)("$name: its example is a configuration, and names secrets by their place only", ({ text }) => {
  const [, example = ""] = /```yaml\n([\s\S]*?)```/.exec(text) ?? [];
  const [connection] = Example.parse(parse(example)).connections;
  expect(parseSettings(connection.settings, "erp").book).toBe("001");
  expect(Object.values(connection.secrets).every((place) => place.startsWith("env:"))).toBe(true);
  expect(credentialsOf(connection.secrets, "erp").outerInstanceId).toBeDefined();
});

test.each(pages)("$name names every setting and every secret", ({ text }) => {
  for (const name of [...Object.keys(KingdeeXingchenSettings.shape), ...secretNames])
    expect(text).toMatch(new RegExp(`(\`${name}\`|${name}:)`));
});

test.each(pages)("$name says of each known number under which code it comes", ({ text }) => {
  for (const [errcode, { code }] of Object.entries(failuresByCode))
    expect(text).toMatch(new RegExp(`\\| ${errcode}\\b[^|\\n]*\\| \`${code}\``));
});

test.each([
  ["期间已关闭", "PERIOD_CLOSED"],
  ["没有凭证新增的权限", "PERMISSION_DENIED"],
  ["调用频繁", "THROTTLED"],
  ["必须录入核算项目", "DIMENSION_REFUSED"],
  ["科目未启用", "ACCOUNT_REFUSED"],
  ["凭证不平", "REFUSED_BY_ERP"],
  ["供应商已禁用", "MASTER_DATA_REFUSED"],
  ["摘要长度超出", "REFUSED_BY_ERP"],
  ["单号重复", "ALREADY_EXISTS"],
  ["科目余额更新异常", "SERVER_ERROR"],
  ["凭证保存成功，科目余额更新失败", "SERVER_ERROR"],
])("the words %j come as the pages say: %s", (words, code) => {
  expect(failureOf("31337", words).code).toBe(code);
});
