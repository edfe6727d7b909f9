import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadRulePack, standardRules } from "../mappings/load.ts";
import { NORMAL_LOSS } from "./company.ts";
import { UNRULED_CAUSE } from "./planted/before.ts";
import { demoRulePackYaml } from "./rules.ts";

test("the demo's rule pack is read like any other, and names normal loss as the only plain reason for scrap", () => {
  const folder = mkdtempSync(join(tmpdir(), "demo-rules-"));
  try {
    const file = join(folder, "rules.yaml");
    writeFileSync(file, demoRulePackYaml());
    const pack = loadRulePack(file);
    expect(pack.rules).toHaveLength(standardRules("cas").rules.length);
    const scrap = pack.rules.filter(({ when }) => when.kind === "scrap");
    expect(scrap.find(({ name }) => name === "scrap")?.when.cause).toBe(NORMAL_LOSS);
    expect(scrap.every(({ when }) => when.cause !== undefined && !when.cause.includes(UNRULED_CAUSE))).toBe(true);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
