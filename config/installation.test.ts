import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ZhangshiError } from "../domain/errors.ts";
import { installationDigest, parseInstallation, resolveCertificateAuthority, resolveSecrets } from "./installation.ts";

const file = `connections:
  - name: forms
    vendor: jiandaoyun
    baseUrl: http://127.0.0.1:1
    settings: { apps: [warehouse] }
    secrets: { apiKey: "env:FORMS_KEY" }
  - { name: erp, vendor: kingdee-cloud, baseUrl: "https://erp.example" }
companies:
  - { code: huadong, name: 华东商贸, standard: CAS }
sources:
  - { code: warehouse, company: huadong, connection: forms }
ledgers:
  - code: main
    company: huadong
    connection: erp
    book: "001"
    estimateStyle: reverse-on-invoice
    closedPeriod: hold
    averagingScope: company
`;

const refusal = (text: string): ZhangshiError => {
  try {
    parseInstallation(text, "zhangshi.yaml");
  } catch (error) {
    if (error instanceof ZhangshiError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
};

test("what is left out of the file gets the defaults a Chinese company expects", () => {
  const installation = parseInstallation(file, "zhangshi.yaml");
  expect(installation.companies[0]?.zone).toBe("Asia/Shanghai");
  expect(installation.ledgers[0]).toMatchObject({
    currency: "CNY",
    word: "记",
    targetStage: "audited",
    approval: false,
    leaseMs: 120_000,
    deadlineMs: 60_000,
    settlingMs: 60_000,
    codeTables: {},
  });
  expect(installation.connections[0]?.settings).toEqual({ apps: ["warehouse"] });
});

test("a wrong value is refused with file, line, column, field, value and what is expected", () => {
  const error = refusal(file.replace("closedPeriod: hold", "closedPeriod: perhaps"));
  expect(error.code).toBe("CONFIG_INVALID");
  expect(error.details).toMatchObject({
    file: "zhangshi.yaml",
    line: "18",
    column: "19",
    field: "ledgers[0].closedPeriod",
    value: "perhaps",
  });
  expect(error.details["expected"]).toContain("next-open");
  expect(error.say("zh")).toContain("重新 apply");
});

test("a missing value points at what should contain it, an unknown one at itself", () => {
  expect(refusal(file.replace('    book: "001"\n', "")).details).toMatchObject({
    line: "13",
    field: "ledgers[0].book",
  });
  const misspelt = refusal(file.replace("averagingScope: company", "averagingScope: company\n    curency: CNY"));
  expect(misspelt.details).toMatchObject({ line: "20", field: "ledgers[0].curency", value: "CNY" });
});

test("broken YAML names its line", () => {
  expect(refusal("connections: [\n  {name: a\n").details["line"]).toBe("3");
});

test("unknown connections and companies, codes defined twice and too short a lease are refused", () => {
  expect(refusal(file.replace("connection: erp", "connection: other")).details).toMatchObject({ value: "other" });
  expect(refusal(file.replace("company: huadong, connection", "company: huabei, connection")).details).toMatchObject({
    field: "sources[0].company",
    value: "huabei",
  });
  expect(refusal(file.replace("name: erp", "name: forms")).details["field"]).toBe("connections[1].name");
  expect(refusal(file.replace("closedPeriod: hold", "closedPeriod: hold\n    leaseMs: 10")).details["field"]).toBe(
    "ledgers[0].leaseMs",
  );
});

test("a ledger that asks for approval is refused as long as nobody can approve, with its place", () => {
  const error = refusal(file.replace("closedPeriod: hold", "closedPeriod: hold\n    approval: true"));
  expect(error.code).toBe("CONFIG_INVALID");
  expect(error.details).toMatchObject({ line: "19", field: "ledgers[0].approval", value: "true" });
  expect(error.details["expected"]).toContain("approvals do not exist yet");
  parseInstallation(file.replace("closedPeriod: hold", "closedPeriod: hold\n    approval: false"), "zhangshi.yaml");
});

test("a secret written into the file is refused and not repeated", () => {
  const error = refusal(file.replace("env:FORMS_KEY", "hunter2"));
  expect(error.details["field"]).toBe("connections[0].secrets.apiKey");
  expect(error.message).not.toContain("hunter2");
});

test("secrets come from the environment or a file's first line, and a missing one is named without any value", () => {
  const folder = mkdtempSync(join(tmpdir(), "zhangshi-secrets-"));
  try {
    const path = join(folder, "key");
    writeFileSync(path, "from-file\n");
    const secrets = { one: "env:ONE", two: `file:${path}` };
    expect(resolveSecrets({ name: "erp", secrets }, { ONE: "from-environment" })).toEqual({
      one: "from-environment",
      two: "from-file",
    });
    expect(() => resolveSecrets({ name: "erp", secrets }, {})).toThrow(
      /SECRET_MISSING.*connection=erp, secret=one, place=env:ONE/,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("the digest ignores comments and the order of keys, and sees every value", () => {
  const digest = installationDigest(parseInstallation(file, "a"));
  const reordered = `# a comment\n${file.replace("code: huadong, name: 华东商贸", "name: 华东商贸, code: huadong")}`;
  expect(installationDigest(parseInstallation(reordered, "b"))).toBe(digest);
  expect(installationDigest(parseInstallation(file.replace('"001"', '"002"'), "c"))).not.toBe(digest);
});

test("a private authority is read from its file, and one that is none is named", () => {
  const folder = mkdtempSync(join(tmpdir(), "zhangshi-ca-"));
  try {
    const [pem, other] = [join(folder, "ca.pem"), join(folder, "other")];
    const certificate = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
    writeFileSync(pem, certificate);
    writeFileSync(other, "nothing");
    const resolve = (certificateAuthority?: string) =>
      resolveCertificateAuthority({ name: "erp", certificateAuthority });
    expect(resolve()).toBeUndefined();
    expect(resolve(certificate)).toBe(certificate);
    expect(resolve(`file:${pem}`)).toBe(certificate);
    expect(() => resolve(`file:${other}`)).toThrow(/FILE_UNREADABLE.*connection=erp/);
    expect(() => resolve(`file:${folder}/gone`)).toThrow(/FILE_UNREADABLE.*gone/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
