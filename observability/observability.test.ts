import { afterEach, expect, test } from "vitest";
import { createLog, linesInMemory, logAbout, logFunction } from "./log.ts";
import { createMetrics } from "./metrics.ts";
import { type MetricsServer, startMetricsServer } from "./metrics-server.ts";

const servers: MetricsServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

test("every line about a voucher carries company, source and posting key", () => {
  const memory = linesInMemory();
  const log = createLog({ level: "info", destination: memory.destination });
  const about = logAbout(log, { company: "huadong", source: "warehouse", postingKey: "a".repeat(26) });
  logFunction(about)("posted", { ledger: "main" });
  expect(JSON.parse(memory.lines()[0] ?? "")).toMatchObject({
    level: "info",
    company: "huadong",
    source: "warehouse",
    postingKey: "a".repeat(26),
    ledger: "main",
    msg: "posted",
  });
});

test("no secret reaches a line: not by its field, not inside a message, not in an error, not encoded", () => {
  const secret = 'p"ss w0rd/中文';
  const memory = linesInMemory();
  const log = createLog({ level: "info", destination: memory.destination, secrets: [secret] });
  log.info({ password: "short", nested: { appSecret: "other", list: [{ Authorization: "Bearer x" }] } }, "one");
  log.warn({ note: secret, url: `http://x/?k=${encodeURIComponent(secret)}` }, `said ${secret}`);
  log.error({ err: Object.assign(new Error(`no: ${secret}`), { config: { headers: { key: "leaky" } } }) }, "failed");
  log.error({ error: new Error("outer", { cause: new Error(secret) }) });
  log.info({ body: Buffer.from(secret).toString("base64") });
  const written = memory.lines().join("");
  expect(memory.lines()).toHaveLength(5);
  for (const leak of ["short", "other", "Bearer x", "leaky", "w0rd", Buffer.from(secret).toString("base64")]) {
    expect(written).not.toContain(leak);
  }
  expect(written).toContain("***");
});

test("the metrics server shows our numbers, after refreshing them", async () => {
  const metrics = createMetrics();
  metrics.sends.inc({ ledger: "main", outcome: "posted" }, 3);
  const refresh = async () => metrics.postings.set({ company: "huadong", ledger: "main", state: "verified" }, 42);
  const server = await startMetricsServer({ port: 0, host: "127.0.0.1", registry: metrics.registry, refresh });
  servers.push(server);
  const answer = await fetch(`http://127.0.0.1:${server.port}/metrics`);
  const text = await answer.text();
  expect(text).toContain('zhangshi_sends_total{ledger="main",outcome="posted"} 3');
  expect(text).toContain('zhangshi_postings{company="huadong",ledger="main",state="verified"} 42');
  expect((await fetch(`http://127.0.0.1:${server.port}/other`)).status).toBe(404);
});

test("healthz answers 503 and names what is ill, and a failing look says nothing of its inside", async () => {
  const { registry } = createMetrics();
  const ill = await startMetricsServer({
    port: 0,
    registry,
    health: async () => ({ ok: false, checks: { database: "unreachable" } }),
  });
  const broken = await startMetricsServer({
    port: 0,
    registry,
    health: () => Promise.reject(new Error("postgres://u:hunter2@db")),
  });
  servers.push(ill, broken);
  const answer = await fetch(`http://127.0.0.1:${ill.port}/healthz`);
  expect(answer.status).toBe(503);
  expect(await answer.json()).toEqual({ ok: false, checks: { database: "unreachable" } });
  const inside = await fetch(`http://127.0.0.1:${broken.port}/healthz`);
  expect(inside.status).toBe(500);
  expect(await inside.text()).toBe("failed\n");
});
