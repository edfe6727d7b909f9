import { execFile, execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { z } from "zod";
import { startKingdeeCloud } from "./server.ts";
import { receipt } from "./testing.ts";

/** The vendor's own client, installed unmodified into a folder that is not under version control. */
const PACKAGE = "kingdee.cdp.webapi.sdk==8.2.0";
const VENV = fileURLToPath(new URL("../../.zhangshi/kingdee-sdk", import.meta.url));
const PYTHON = `${VENV}/bin/python`;
const INSTALL_TIMEOUT_MS = 180_000;

/** @returns why the client cannot run here; undefined when it can */
function prepare(): string | undefined {
  const run = (command: string, parameters: string[]): void => {
    execFileSync(command, parameters, { stdio: "pipe", timeout: INSTALL_TIMEOUT_MS });
  };
  try {
    if (!existsSync(PYTHON)) run("python3", ["-m", "venv", VENV]);
    try {
      run(PYTHON, ["-c", "import k3cloud_webapi_sdk.main"]);
    } catch {
      run(PYTHON, ["-m", "pip", "install", "--quiet", PACKAGE]);
      run(PYTHON, ["-c", "import k3cloud_webapi_sdk.main"]);
    }
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const SCRIPT = `
import json, sys
from k3cloud_webapi_sdk.main import K3CloudApiSdk
from k3cloud_webapi_sdk.const.const_define import InvokeMethod
config = json.loads(sys.stdin.read())
def client(user):
    sdk = K3CloudApiSdk(config["baseUrl"])
    c = config["credentials"]
    sdk.InitConfig(c["acctId"], user, c["appId"], c["appSecret"], config["baseUrl"], c["lcid"], c["orgNum"])
    return sdk
maker = client(config["credentials"]["userName"])
auditor = client(config["credentials"]["auditorUserName"])
query = {"FormId": "GL_VOUCHER", "FieldKeys": "F_ZS_ExtNo,FDocumentStatus,FDEBITTOTAL", "FilterString": "", "OrderString": "FVOUCHERID", "TopRowCount": 0, "StartRow": 0, "Limit": 0}
out = {}
out["centres"] = json.loads(maker.GetDataCenters())
out["currency"] = json.loads(maker.ExecuteBillQuery({"FormId": "BD_Currency", "FieldKeys": "FCODE", "FilterString": "FNUMBER='PRE001'", "TopRowCount": "0", "StartRow": "0", "Limit": "0"}))
saved = json.loads(maker.Save("GL_VOUCHER", {"IsVerifyBaseDataField": "True", "NeedReturnFields": ["F_ZS_ExtNo"], "Model": config["models"][0]}))
out["saved"] = saved
ids = {"Ids": str(saved["Result"]["Id"])}
out["submitted"] = json.loads(maker.Submit("GL_VOUCHER", ids))
out["ownAudit"] = json.loads(maker.Audit("GL_VOUCHER", json.dumps(ids)))
out["audited"] = json.loads(auditor.Audit("GL_VOUCHER", ids))
out["batch"] = json.loads(maker.BatchSave("GL_VOUCHER", {"Model": config["models"][1:3]}))
out["async"] = json.loads(maker.BatchSaveQuery("GL_VOUCHER", {"Model": config["models"][3:5]}))
out["voided"] = json.loads(maker.ExcuteOperation("GL_VOUCHER", "Cancel", {"Numbers": ["2"]}))
out["view"] = json.loads(maker.View("GL_VOUCHER", {"Id": str(saved["Result"]["Id"])}))
out["rows"] = json.loads(maker.ExecuteBillQuery(query))
out["objects"] = json.loads(maker.BillQuery(query))
out["metadata"] = json.loads(maker.QueryBusinessInfo({"FormId": "GL_VOUCHER"}))
out["session"] = maker.cookiesStore.SID
print(json.dumps(out))
`;

const unavailable = prepare();
if (unavailable !== undefined) {
  process.stderr.write(`\n*** SKIPPED: the vendor's Python client ${PACKAGE} cannot run here: ${unavailable}\n\n`);
}

test.skipIf(unavailable !== undefined)(
  "the vendor's own Python client 8.2.0 works unmodified: Save, Submit, Audit, BatchSave, asynchronous BatchSave, queries",
  { timeout: 60_000 },
  async () => {
    const simulator = await startKingdeeCloud();
    try {
      const { baseUrl, credentials } = simulator;
      const models = Array.from({ length: 5 }, (_, index) => receipt(`sdk-${index}`, {}, 0.1 + index));
      const child = promisify(execFile)(PYTHON, ["-c", SCRIPT]);
      child.child.stdin?.end(JSON.stringify({ baseUrl, credentials, models }));
      const { stdout } = await child;
      const out = z.record(z.string(), z.unknown()).parse(JSON.parse(stdout));
      const good = { Result: { ResponseStatus: { IsSuccess: true, Errors: [] } } };
      expect(out["centres"]).toMatchObject([{ Id: credentials.acctId }]);
      expect(out["currency"]).toEqual([["CNY"]]);
      expect(out["saved"]).toMatchObject({ Result: { Id: 100_001, NeedReturnData: [{ F_ZS_ExtNo: "sdk-0" }] } });
      expect(out["submitted"]).toMatchObject(good);
      expect(out["ownAudit"]).toMatchObject({ Result: { ResponseStatus: { IsSuccess: false, MsgCode: 11 } } });
      expect(out["audited"]).toMatchObject(good);
      expect(out["batch"]).toMatchObject(good);
      expect(out["async"]).toMatchObject(good);
      expect(out["voided"]).toMatchObject(good);
      expect(out["view"]).toMatchObject({ Result: { Result: { F_ZS_ExtNo: "sdk-0", CHECKED: true } } });
      expect(out["rows"]).toEqual([
        ["sdk-0", "C", 0.1],
        ["sdk-1", "A", 1.1],
        ["sdk-2", "A", 2.1],
        ["sdk-3", "A", 3.1],
        ["sdk-4", "A", 4.1],
      ]);
      expect(out["objects"]).toMatchObject([
        { F_ZS_ExtNo: "sdk-0", FDocumentStatus: "C", FDEBITTOTAL: 0.1 },
        {},
        {},
        {},
        {},
      ]);
      expect(JSON.stringify(out["metadata"])).toContain("F_ZS_ExtNo");
      expect(out["session"]).toMatch(/^[0-9a-f-]{36}$/);
    } finally {
      await simulator.close();
    }
  },
);
