import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { expect, test } from "vitest";
import { startYonyouU8 } from "./server.ts";
import { eai, receiptLines, sql, voucherXml } from "./testing.ts";

const VOUCHERS = 600;
/**
 * What the simulator promises, so that it is never the bottleneck of a run: with caller and all, in time of the processor,
 * which a busy machine does not stretch.
 */
const PROCESSOR_MS_PER_VOUCHER_MAX = 10;

test("a voucher through EAI, looked up by its key before and after, with the books on disk, costs 10 ms of processor time", async () => {
  const dataDir = mkdtempSync(join(tmpdir(), "u8-speed-"));
  const simulator = await startYonyouU8({ dataDir });
  try {
    const started = process.cpuUsage();
    const one = async (key: string): Promise<void> => {
      const query = `select coutno_id, ccode, md, mc, iflag from GL_accvouch where coutno_id = '${key}'`;
      expect(await sql(simulator, query)).toEqual([]);
      await eai(simulator, voucherXml(receiptLines(), { key }));
      expect(await sql(simulator, query)).toHaveLength(2);
    };
    for (let start = 0; start < VOUCHERS; start += 10) {
      await Promise.all(Array.from({ length: 10 }, (_, index) => one(`key-${start + index}`)));
    }
    const { user, system } = process.cpuUsage(started);
    expect((user + system) / 1_000 / VOUCHERS).toBeLessThan(PROCESSOR_MS_PER_VOUCHER_MAX);
  } finally {
    await simulator.close();
    rmSync(dataDir, { recursive: true, force: true });
  }
});
