import pg from "/work/main/node_modules/pg/lib/index.js";
import { openDatabase, inTransaction } from "/work/main/db/database.ts";
import { migrateToLatest } from "/work/main/db/migrate.ts";
import { startPostgres } from "/work/main/embedded/postgres.ts";
import { enterMonth, draftingOf } from "/work/main/test/bench/warehouse-month.ts";
import { draftPage } from "/work/main/activities/drafting.ts";
const p = await startPostgres({ throwAway: true, environment: {...process.env, ZHANGSHI_DATABASE_URL: undefined}});
try {
await migrateToLatest(p.url);
const db = openDatabase(p.url);
await enterMonth(db, Number(process.argv[2] ?? 8000));
await db.pool.query("SELECT 1");
for (let r=0;r<2;r++){
await db.pool.query("TRUNCATE posting_keys, postings, voucher_lines, posting_movements, cost_entries, costing_states, estimates, blocked_movements, draft_cursors");
const times = new Map<string, number>();
const deps = { ...draftingOf(db), inTransaction: (d: any, work: any) => inTransaction(d, async (client: any) => {
  const q = client.query.bind(client);
  client.query = async (t: any, v: any) => { if (typeof t === "object" && t.cursor===undefined && typeof t.text !== "string") return q(t, v); const s = performance.now(); try { return await q(t, v);} finally { const k = (typeof t === "string" ? t : t.text).replace(/\s+/g," ").slice(0,70); times.set(k,(times.get(k)??0)+performance.now()-s);} };
  try { return await work(client);} finally { client.query = q; } }) };
let s = performance.now(), c = process.cpuUsage();
const t0 = s;
for (;;) { const { more } = await draftPage(deps as any, 10000); console.log("page", Math.round(performance.now()-s)); s = performance.now(); if (!more) break; }
const u = process.cpuUsage(c);
console.log("total", Math.round(performance.now()-t0), "node cpu ms", Math.round((u.user+u.system)/1000));
console.log([...times].sort((a,b)=>b[1]-a[1]).slice(0,14).map(([k,v])=>`${Math.round(v)} ${k}`).join("\n"));
}
await db.close();
} finally { await p.stop(); }
