import { mkdtempSync, rmSync } from "node:fs";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startSapB1 } from "./server.ts";
import { batchOf, BOUNDARY, changeSet, logIn, receipt } from "./testing.ts";

const VOUCHERS = 1_000;
const BATCH = 50;
/** What the simulator promises, so that it is never the bottleneck of a run. */
const VOUCHERS_PER_SECOND_MIN = 100;

test("100 vouchers a second go through change sets with claim rows and are found by key, with the books kept on disk", async () => {
  const dataDir = mkdtempSync(join(tmpdir(), "sap-b1-speed-"));
  const company = { userTables: [{ name: "EXTPOST" }], userFields: [{ table: "OJDT", name: "ExtRef" }] };
  const simulator = await startSapB1({ dataDir, http: true, company });
  const agent = new Agent({ keepAlive: true });
  try {
    const client = await logIn(simulator);
    const ask = (method: string, path: string, body = ""): Promise<string> =>
      new Promise((resolve, reject) => {
        const headers = { Cookie: client.cookie, "Content-Type": `multipart/mixed; boundary=${BOUNDARY}` };
        const call = request(`${simulator.baseUrl}${path}`, { method, agent, headers }, (response) => {
          let text = "";
          response.on("data", (chunk: Buffer) => (text += chunk.toString()));
          response.on("end", () => resolve(text));
        });
        call.on("error", reject);
        call.end(body);
      });
    const startedAt = performance.now();
    for (let from = 0; from < VOUCHERS; from += BATCH) {
      const keys = Array.from({ length: BATCH }, (_, index) => `key-${from + index}`);
      const sets = keys.map((key) =>
        changeSet(["POST", "U_EXTPOST", { Code: key }], ["POST", "JournalEntries", receipt(key, { U_ExtRef: key })]),
      );
      const answer = await ask("POST", "$batch", batchOf(...sets));
      expect(answer.match(/201 Created/g)).toHaveLength(2 * BATCH);
      const filter = encodeURIComponent(keys.map((key) => `U_ExtRef eq '${key}'`).join(" or "));
      const found = await ask("GET", `JournalEntries?$filter=${filter}&$select=JdtNum,U_ExtRef&$count=true`);
      expect(found).toContain(`"@odata.count" : ${BATCH}`);
    }
    const rate = VOUCHERS / ((performance.now() - startedAt) / 1_000);
    expect(rate).toBeGreaterThan(VOUCHERS_PER_SECOND_MIN);
  } finally {
    agent.destroy();
    await simulator.close();
    rmSync(dataDir, { recursive: true, force: true });
  }
});
