import { execFile, execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { z } from "zod";
import { startYonyouU8 } from "./server.ts";

/** A public client of EAI, unmodified, in a folder that is not under version control. It needs nothing but Python. */
const REPOSITORY = "https://github.com/banban-AI/U8EAI";
const COMMIT = "cb4b84d60e2c941a3e3d8e62186fb315f21dc203";
const FOLDER = fileURLToPath(new URL("../../.zhangshi/u8-eai-client", import.meta.url));
const FETCH_TIMEOUT_MS = 30_000;

/** @returns why the client cannot run here; undefined when it can */
function prepare(): string | undefined {
  const git = (...parameters: string[]): string =>
    execFileSync("git", parameters, { stdio: "pipe", timeout: FETCH_TIMEOUT_MS, encoding: "utf8" });
  try {
    if (!existsSync(`${FOLDER}/.git`)) git("clone", "--quiet", REPOSITORY, FOLDER);
    git("-C", FOLDER, "checkout", "--quiet", COMMIT);
    const changed = git("-C", FOLDER, "status", "--porcelain", "--untracked-files=no").trim();
    if (changed !== "") return `the files in ${FOLDER} were changed`;
    execFileSync("python3", ["--version"], { stdio: "pipe" });
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const SCRIPT = `
import json, sys
sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
from U8EaiClient import U8EaiClient
from customer_api import CustomerApi
from inventory_api import InventoryApi
from vendor_api import VendorApi
from warehouse_api import WarehouseApi
good = U8EaiClient(eai_url=sys.argv[2], sender="001")
stranger = U8EaiClient(eai_url=sys.argv[2], sender="999")
def told(result):
    return [result.is_success, result.succeed, result.desc, result.key]
named = lambda code: {"code": code, "name": code, "abbrname": code, "sort_code": "01"}
receipt = {"receiveflag": "1", "vouchtype": "08", "warehousecode": "CK01", "date": "2025-01-31", "code": "P1", "receivecode": "13", "maker": "x"}
print(json.dumps({
    "alive": good.test_connection(),
    "customer": told(CustomerApi(good).add(named("C1"))),
    "again": told(CustomerApi(good).add(named("C1"))),
    "vendor": told(VendorApi(good).add(named("V1"))),
    "scope": told(VendorApi(good).add(dict(named("V2"), bvencargo="0"))),
    "warehouse": told(WarehouseApi(good).add({"code": "W1", "name": "W1"})),
    "camel": told(WarehouseApi(good).add({"code": "W2", "name": "W2", "cwhcode": "W2"})),
    "item": told(InventoryApi(good).add({"code": "I1", "name": "I1", "sort_code": "01"})),
    "receipt": told(good.send("storein", "add", receipt, [{"inventorycode": "I1", "quantity": "3"}])),
    "stranger": told(CustomerApi(stranger).add(named("C2"))),
    "broken": told(good._post("<ufinterface>")),
}))
`;

const unavailable = prepare();
if (unavailable !== undefined) {
  process.stderr.write(`\n*** SKIPPED: the public EAI client ${REPOSITORY} cannot run here: ${unavailable}\n\n`);
}

test.skipIf(unavailable !== undefined)(
  "a public Python client of EAI works unmodified: archives, a receipt, refusals and the health check",
  { timeout: 60_000 },
  async () => {
    const simulator = await startYonyouU8();
    try {
      const url = `${simulator.baseUrl}u8eai/import.asp`;
      const { stdout } = await promisify(execFile)("python3", ["-c", SCRIPT, FOLDER, url]);
      const told = z.record(z.string(), z.unknown()).parse(JSON.parse(stdout));
      expect(told).toMatchObject({
        alive: true,
        customer: [true, 0, "ok", "C1"],
        again: [false, 101, "客户编码已经存在，不可重复！", "C1"],
        vendor: [true, 0, "ok", "V1"],
        scope: [false, 1, "必须至少选择一个业务范围", "V2"],
        warehouse: [true, 0, "ok", "W1"],
        camel: [false, 1, "数据库没有提供的字段(cwhcode)! 或者提供该字段的值格式不正确!", "W2"],
        item: [true, 0, "ok", "I1"],
        receipt: [true, 0, "ok", "P1"],
        stranger: [false, 1, "注册号不正确!", ""],
      });
      expect(JSON.stringify(told["broken"])).toContain("HTTP 500");
      expect(simulator.world.stock.balances("001").map(({ item }) => item)).toEqual(["I1"]);
    } finally {
      await simulator.close();
    }
  },
);
