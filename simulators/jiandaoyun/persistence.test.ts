import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { startCompany } from "./testing.ts";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));
const Ready = z.strictObject({
  vendor: z.literal("jiandaoyun"),
  baseUrl: z.url(),
  credentials: z.object({ apiKey: z.string(), appId: z.string(), webhookSecret: z.string() }),
  openPeriod: z.null(),
});
const Ids = z.strictObject({
  apps: z.array(z.object({ forms: z.array(z.object({ name: z.string(), entry_id: z.string() })) })),
});

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "jiandaoyun-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Running = { child: ChildProcess; ready: z.infer<typeof Ready>; ids: z.infer<typeof Ids> };
async function run(dataDir: string): Promise<Running> {
  const child = spawn(process.execPath, ["--import", "tsx", MAIN, "--data", dataDir, "--seed", "3", "--rates", "off"], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const lineOf = async (stream: Readable): Promise<unknown> => {
    const [line] = await once(createInterface({ input: stream }), "line");
    return JSON.parse(z.string().parse(line));
  };
  const [ready, ids] = await Promise.all([lineOf(child.stdout), lineOf(child.stderr)]);
  return { child, ready: Ready.parse(ready), ids: Ids.parse(ids) };
}

test("what was answered survives kill -9, under the same ids and credentials, and new ids are new", async () => {
  const dataDir = join(folder, "killed");
  const seen = [];
  for (let round = 0; round < 2; round += 1) {
    const { child, ready, ids } = await run(dataDir);
    try {
      const entry_id = ids.apps[0]?.forms.find(({ name }) => name === "库存流水")?.entry_id;
      const send = async (name: string, body: object) => {
        const answer = await fetch(`${ready.baseUrl}/api/v5/app/entry/data/${name}`, {
          method: "POST",
          headers: { Authorization: `Bearer ${ready.credentials.apiKey}` },
          body: JSON.stringify({ app_id: ready.credentials.appId, entry_id, ...body }),
        });
        return JSON.parse(await answer.text());
      };
      const data_list = Array.from({ length: 50 }, (_, index) => ({ move_no: { value: `${round}-${index}` } }));
      const { success_ids } = await send("batch_create", { data_list });
      const { data } = await send("list", { limit: 100 });
      seen.push({
        created: success_ids,
        listed: data.map((row: { _id: string }) => row._id),
        ready: ready.credentials,
      });
    } finally {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
  }
  const [first, second] = seen;
  expect(second?.ready).toEqual(first?.ready);
  expect(second?.listed).toEqual([...(first?.created ?? []), ...(second?.created ?? [])]);
  expect(new Set(second?.listed).size).toBe(100);
});

test("deletions, aliases, keys and transactions are kept as well", async () => {
  const dataDir = join(folder, "kept");
  const batch = { data_list: [{}, {}], transaction_id: "t" };
  let company = await startCompany({ dataDir });
  await company.data("batch_create", batch);
  const [first] = await company.list();
  await company.data("delete", { data_id: first?._id });
  await company.person("forms/alias", { entry_id: "66b1f0a2c3d4e5f600000202", field: "book_qty", alias: "booked" });
  await company.person("keys", { apiKey: "gone" });
  await company.person("keys/delete", { apiKey: "gone" });
  await company.close();

  company = await startCompany({ dataDir });
  try {
    expect(await company.list()).toMatchObject([{ booked: null }]);
    expect((await company.api("v5/app/list", {}, { Authorization: "Bearer gone" })).body).toMatchObject({
      code: 17018,
    });
    // One row of the transaction is live and overwritten, the deleted one is made anew.
    expect((await company.data("batch_create", batch)).body).toMatchObject({ success_count: 2 });
    expect(await company.list()).toHaveLength(2);
  } finally {
    await company.close();
  }
});
