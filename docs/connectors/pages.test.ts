import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { parseInstallation } from "../../config/installation.ts";
import { createSource } from "../../connectors/registry.ts";
import { connectionOf, sourceSettings } from "../../domain/installation.ts";

const textOf = (name: string): string => readFileSync(fileURLToPath(new URL(name, import.meta.url)), "utf8");
const blocksOf = (name: string): string[] =>
  [...textOf(name).matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, yaml]) => yaml ?? "");
const REST = "companies: [{ code: huadong, name: 华东, standard: CAS }]\nledgers: []\n";
const Named = z.looseObject({ sources: z.array(z.looseObject({ settings: z.record(z.string(), z.unknown()) })) });

test.each([
  ["files.md", 1],
  ["files.zh-CN.md", 1],
  ["sql.md", 1],
  ["sql.zh-CN.md", 1],
  ["rest.md", 2],
  ["rest.zh-CN.md", 2],
])("the configuration shown in %s builds its source when pasted", async (page, blocks) => {
  const [example = "", push] = blocksOf(page);
  expect(blocksOf(page)).toHaveLength(blocks);
  const installation = parseInstallation(`${example}${REST}`, page);
  for (const source of installation.sources) {
    const connection = connectionOf(installation, source.connection);
    const secrets = Object.fromEntries(["user", "password", "appSecret", "pushSecret"].map((name) => [name, "secret"]));
    const more = push === undefined ? {} : z.record(z.string(), z.unknown()).parse(parse(push));
    const built = createSource(
      connection.vendor,
      { ...sourceSettings(installation, source), ...more },
      {
        connection: connection.name,
        baseUrl: connection.baseUrl,
        secrets,
        pacer: { permit: async () => undefined },
        now: () => new Date(0),
        log: () => undefined,
      },
    );
    expect(built.forms).toEqual(Object.keys(z.record(z.string(), z.unknown()).parse(source.settings["forms"])));
    await built.close();
  }
});

test.each(["files", "sql", "rest"])("both languages of %s show the same configuration", (page) => {
  const [english, chinese] = [`${page}.md`, `${page}.zh-CN.md`].map((name) =>
    blocksOf(name).map((block): unknown => parse(block)),
  );
  expect(chinese).toEqual(english);
  expect(Named.safeParse(english?.[0]).success).toBe(true);
});
