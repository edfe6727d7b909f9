import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startKingdeeCloud } from "./server.ts";
import { logIn, receipt } from "./testing.ts";

const VOUCHERS = 2_000;
const BATCH = 50;
/** What the simulator promises, so that it is never the bottleneck of a run. */
const VOUCHERS_PER_SECOND_MIN = 500;

test("500 vouchers a second go through BatchSave, Submit, Audit and a query by key, with the books kept on disk", async () => {
  const dataDir = mkdtempSync(join(tmpdir(), "kingdee-speed-"));
  const simulator = await startKingdeeCloud({ dataDir });
  try {
    const maker = await logIn(simulator);
    const auditor = await logIn(simulator, "auditor");
    const startedAt = performance.now();
    for (let start = 0; start < VOUCHERS; start += BATCH) {
      const keys = Array.from({ length: BATCH }, (_, index) => `key-${start + index}`);
      const models = keys.map((key) => receipt(key));
      const saved = await maker.write("BatchSave", { IsVerifyBaseDataField: true, Model: models });
      const data = { Ids: saved.ids.join(",") };
      await maker.write("Submit", data);
      expect((await auditor.write("Audit", data)).ok).toBe(true);
      const rows = await maker.query({
        FieldKeys: "FVOUCHERID,F_ZS_ExtNo,FDocumentStatus,FACCOUNTID.FNumber,FDEBIT,FCREDIT,FQty",
        FilterString: `F_ZS_ExtNo in (${keys.map((key) => `'${key}'`).join(",")})`,
      });
      expect(rows).toHaveLength(2 * BATCH);
    }
    const rate = VOUCHERS / ((performance.now() - startedAt) / 1_000);
    expect(rate).toBeGreaterThan(VOUCHERS_PER_SECOND_MIN);
  } finally {
    await simulator.close();
    rmSync(dataDir, { recursive: true, force: true });
  }
});
