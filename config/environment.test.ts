import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readEnvironment } from "./environment.ts";

test("an empty environment means embedded servers and safe defaults", () => {
  expect(readEnvironment({})).toEqual({
    databaseUrl: undefined,
    temporalAddress: undefined,
    temporalNamespace: "default",
    temporalApiKey: undefined,
    temporalTls: false,
    dataFolder: ".zhangshi",
    cacheFolder: undefined,
    configFile: undefined,
    logLevel: "info",
    metricsPort: undefined,
    temporalMetricsPort: undefined,
  });
});

test("a variable that is set but empty counts as not set", () => {
  const blank = { ZHANGSHI_DATABASE_URL: "", TEMPORAL_ADDRESS: " ", ZHANGSHI_METRICS_PORT: "", ZHANGSHI_LOG_LEVEL: "" };
  expect(readEnvironment(blank)).toEqual(readEnvironment({}));
});

test("port 0 is a port, not an absence", () => {
  expect(readEnvironment({ ZHANGSHI_METRICS_PORT: "0" }).metricsPort).toBe(0);
});

test("a refusal names the variable and what is expected, and does not repeat the value", () => {
  const bad = { ZHANGSHI_DATABASE_URL: "mysql://boss:hunter2@db/x", TEMPORAL_ADDRESS: "https://temporal" };
  expect(() => readEnvironment(bad)).toThrow(/ZHANGSHI_DATABASE_URL: .*postgres:\/\/.*TEMPORAL_ADDRESS: .*host:port/s);
  expect(() => readEnvironment(bad)).not.toThrow(/hunter2/);
});

test("a secret may come from the first line of a file, but not from two places", () => {
  const folder = mkdtempSync(join(tmpdir(), "zhangshi-environment-"));
  try {
    const file = join(folder, "database-url");
    writeFileSync(file, "postgres://u:p@db:5432/zhangshi\n");
    expect(readEnvironment({ ZHANGSHI_DATABASE_URL_FILE: file }).databaseUrl).toBe("postgres://u:p@db:5432/zhangshi");
    expect(() => readEnvironment({ ZHANGSHI_DATABASE_URL_FILE: file, ZHANGSHI_DATABASE_URL: "postgres://x" })).toThrow(
      "ZHANGSHI_DATABASE_URL: ZHANGSHI_DATABASE_URL_FILE is set as well",
    );
    expect(() => readEnvironment({ ZHANGSHI_DATABASE_URL_FILE: join(folder, "none") })).toThrow("cannot be read");
  } finally {
    rmSync(folder, { recursive: true });
  }
});
