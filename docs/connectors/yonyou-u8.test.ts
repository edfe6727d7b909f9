import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { createTarget } from "../../connectors/registry.ts";

const Page = z.object({
  connections: z.array(
    z.looseObject({
      name: z.string(),
      vendor: z.string(),
      baseUrl: z.string(),
      secrets: z.record(z.string(), z.string()),
      settings: z.record(z.string(), z.unknown()),
    }),
  ),
});
const pages = ["yonyou-u8.md", "yonyou-u8.zh-CN.md"];
const textOf = (name: string): string => readFileSync(fileURLToPath(new URL(name, import.meta.url)), "utf8");
const blockOf = (name: string) => Page.parse(parse(/```yaml\n([\s\S]*?)```/.exec(textOf(name))?.[1] ?? ""));

test.each(pages)(
  "the connections shown in %s build when pasted, with the secrets that they name and no others",
  async (page) => {
    for (const { name, vendor, baseUrl, secrets, settings } of blockOf(page).connections) {
      const target = createTarget(vendor, settings, {
        connection: name,
        baseUrl,
        secrets: Object.fromEntries(Object.keys(secrets).map((secret) => [secret, "value"])),
        pacer: { permit: async () => undefined },
        now: () => new Date(0),
        log: () => undefined,
      });
      expect(target.capabilities.vouchersPerPeriodMax).toBe(32_767);
      await target.close();
    }
  },
);

test("both languages show the same configuration", () => {
  const [english, chinese] = pages.map(blockOf);
  expect(chinese).toEqual(english);
});
