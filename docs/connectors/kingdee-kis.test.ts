import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { parseInstallation } from "../../config/installation.ts";
import { createTarget } from "../../connectors/registry.ts";
import { connectionOf, mergedSettings } from "../../domain/installation.ts";

const blockOf = (page: string): string => {
  const text = readFileSync(fileURLToPath(new URL(page, import.meta.url)), "utf8");
  return /```yaml\n([\s\S]*?)```/.exec(text)?.[1] ?? "";
};
const REST = "companies: [{ code: main, name: 示例公司, standard: CAS }]\nsources: []\n";

test("the configuration shown builds its ledger when pasted, and is the same in both languages", async () => {
  const [english, chinese] = [blockOf("kingdee-kis.md"), blockOf("kingdee-kis.zh-CN.md")];
  expect(parse(chinese)).toEqual(parse(english));
  const installation = parseInstallation(`${english}${REST}`, "kingdee-kis.md");
  for (const ledger of installation.ledgers) {
    const connection = connectionOf(installation, ledger.connection);
    const target = createTarget(connection.vendor, mergedSettings(connection, ledger), {
      connection: connection.name,
      baseUrl: connection.baseUrl,
      secrets: {},
      pacer: { permit: async () => undefined },
      now: () => new Date(0),
      log: () => undefined,
    });
    expect(target.files).toBeDefined();
    expect(target.capabilities.stages).toContain(ledger.targetStage);
    await target.close();
  }
});
