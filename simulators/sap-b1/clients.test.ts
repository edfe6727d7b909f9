import { execFile, execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { z } from "zod";
import { startSapB1 } from "./server.ts";

/** Public clients, installed unmodified into a folder that is not under version control. */
const PACKAGES = ["b1sl-python==0.16.0", "pyb1slayer==0.1.2.dev4", "sapb1sl==2.0.0", "requests", "httpx"];
const VENV = fileURLToPath(new URL("../../.zhangshi/sap-b1-clients", import.meta.url));
const PYTHON = `${VENV}/bin/python`;
const SCRIPT = fileURLToPath(new URL("clients.py", import.meta.url));
const INSTALL_TIMEOUT_MS = 180_000;
const RUN_TIMEOUT_MS = 90_000;
const IMPORTS = "import b1sl.b1sl, pyb1slayer, SAPB1SL";

/** @returns why the clients cannot run here; undefined when they can */
function prepare(): string | undefined {
  const run = (command: string, parameters: string[]): void => {
    execFileSync(command, parameters, { stdio: "pipe", timeout: INSTALL_TIMEOUT_MS });
  };
  try {
    if (!existsSync(PYTHON)) run("python3", ["-m", "venv", VENV]);
    try {
      run(PYTHON, ["-c", IMPORTS]);
    } catch {
      run(PYTHON, ["-m", "pip", "install", "--quiet", ...PACKAGES]);
      run(PYTHON, ["-c", IMPORTS]);
    }
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const unavailable = prepare();
if (unavailable !== undefined) {
  process.stderr.write(`\n*** SKIPPED: public clients of Service Layer cannot run here: ${unavailable}\n\n`);
}

test.skipIf(unavailable !== undefined)(
  "three public Python clients work unmodified over verified HTTPS: sessions, paging, keys, change sets, refusals",
  { timeout: RUN_TIMEOUT_MS },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "sap-b1-clients-"));
    const items = Array.from({ length: 45 }, (_, index) => ({
      code: `M-${String(index + 1).padStart(3, "0")}`,
      name: `物料 ${index + 1}`,
    }));
    const simulator = await startSapB1({ company: { items } });
    try {
      const caFile = join(folder, "ca.pem");
      writeFileSync(caFile, simulator.ca ?? "");
      const { origin, credentials } = simulator;
      const child = promisify(execFile)(PYTHON, [SCRIPT], { timeout: RUN_TIMEOUT_MS });
      child.child.stdin?.end(JSON.stringify({ origin, credentials, caFile }));
      const { stdout } = await child;
      const out = z.record(z.string(), z.unknown()).parse(JSON.parse(stdout));
      for (const [version, count] of [
        ["v2", 45],
        ["v1", 46],
      ] as const) {
        expect(out[`b1sl-${version}`]).toEqual({
          item: "物料 1",
          streamed: count,
          count: count,
          exists: false,
          duplicate: expect.stringContaining("Item code 'M-001' already exists"),
          batch: [
            ["applied", 200],
            ["applied", 201],
            ["applied", 204],
          ],
          collapsed: [
            ["rolled_back", 400],
            ["rolled_back", 400],
            ["not_executed", null],
          ],
          rolledBack: false,
        });
      }
      expect(out["pyb1slayer"]).toEqual({ number: 1, listed: [{ JdtNum: 1 }] });
      expect(out["sapb1sl"]).toEqual({
        number: 2,
        refused: expect.stringContaining("Unbalanced Transaction"),
        read: "pyb1slayer",
      });
    } finally {
      await simulator.close();
      rmSync(folder, { recursive: true, force: true });
    }
  },
);
