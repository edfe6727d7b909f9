import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import type { AppDefinition } from "./forms.ts";
import { type Jiandaoyun, type JiandaoyunOptions, startJiandaoyun } from "./server.ts";

/** What the tests of this folder share: a company with one form of many field types, and clients of its faces. */
export const APP_ID = "66b1f0a2c3d4e5f600000001";
export const COUNT_FORM = "66b1f0a2c3d4e5f600000202";
export const OTHER_FORM = "66b1f0a2c3d4e5f600000203";
export const FLOW_FORM = "66b1f0a2c3d4e5f600000204";

const Row = z.looseObject({ _id: z.string() });
export type Row = z.infer<typeof Row>;

export const Reply = z.looseObject({
  code: z.number().optional(),
  msg: z.string().optional(),
  status: z.string().optional(),
  message: z.string().optional(),
  success_count: z.number().optional(),
  success_ids: z.array(z.string()).optional(),
});
export const OneReply = z.object({ data: Row });
export const ListReply = z.object({ data: z.array(Row) });

export interface TestCompany extends Jiandaoyun {
  /** Calls the vendor's API; `status` and the parsed body. */
  api(path: string, body: unknown, headers?: Record<string, string>): Promise<{ status: number; body: unknown }>;
  /** Calls the API on the count form. */
  data(name: string, body: object): Promise<{ status: number; body: unknown }>;
  list(body?: object): Promise<Row[]>;
  person(action: string, body: unknown): Promise<unknown>;
  control(name: string, body?: unknown): Promise<unknown>;
}

export async function startCompany(options: JiandaoyunOptions = {}): Promise<TestCompany> {
  const company = await startJiandaoyun({
    seed: 42,
    ...options,
    apps: options.apps ?? [TEST_APP],
    switches: { rates: "off", ...options.switches },
  });
  const call = async (path: string, body: unknown, headers: Record<string, string> = {}) => {
    const init = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
    const answer = await fetch(`${company.baseUrl}${path}`, { ...init, headers });
    const text = await answer.text();
    const parsed: unknown = text.startsWith("{") || text.startsWith("[") ? JSON.parse(text) : text;
    return { status: answer.status, body: parsed };
  };
  const api: TestCompany["api"] = (path, body, headers) =>
    call(`/api/${path}`, body, { Authorization: `Bearer ${company.credentials.apiKey}`, ...headers });
  const data: TestCompany["data"] = (name, body) =>
    api(`v5/app/entry/data/${name}`, { app_id: APP_ID, entry_id: COUNT_FORM, ...body });
  const face = async (path: string, body: unknown): Promise<unknown> => {
    const answer = await call(path, body);
    if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  const tested: TestCompany = {
    ...company,
    api,
    data,
    list: async (body = {}) => ListReply.parse((await data("list", body)).body).data,
    person: (action, body) => face(`/_person/${action}`, body),
    control: (name, body) => face(`/_sim/${name}`, body),
  };
  await tested.person("members", {
    members: [
      { username: "wangcg", name: "王仓管" },
      { username: "lizg", name: "李主管" },
    ],
  });
  return tested;
}

const TEST_APP: AppDefinition = {
  name: "仓库管理",
  app_id: APP_ID,
  forms: [
    {
      name: "盘点明细",
      entry_id: COUNT_FORM,
      fields: [
        { label: "商品编码", type: "text", alias: "sku_code", widgetName: "_widget_1722900000101" },
        { label: "账面数量", type: "number", alias: "book_qty", widgetName: "_widget_1722900000102" },
        { label: "照片", type: "image", alias: "photos" },
        {
          label: "明细",
          type: "subform",
          alias: "lines",
          items: [
            { label: "批次", type: "text", alias: "batch" },
            { label: "数量", type: "number", alias: "quantity" },
          ],
        },
        { label: "盘点时间", type: "datetime", alias: "counted_at" },
        { label: "差异原因", type: "combo", alias: "diff_cause" },
        { label: "标签", type: "checkboxgroup", alias: "tags" },
        { label: "盘点人", type: "user", alias: "counter" },
        { label: "地址", type: "address", alias: "place" },
        { label: "任务", type: "lookup", alias: "task_ref" },
        { label: "商品", type: "linkdata", alias: "sku_link" },
        { label: "编号", type: "sn", alias: "serial" },
        { label: "电话", type: "phone", alias: "phone" },
        { label: "部门", type: "dept", alias: "dept" },
        { label: "备注", type: "textarea" },
        { label: "——", type: "separator" },
      ],
    },
    {
      name: "商品档案",
      entry_id: OTHER_FORM,
      fields: [{ label: "商品编码", type: "text", alias: "code", required: true, unique: true }],
    },
    {
      name: "盘点审批",
      entry_id: FLOW_FORM,
      kind: "flow",
      fields: [{ label: "任务号", type: "text", alias: "task_no" }],
      nodes: [
        { flow_id: 1, name: "仓库主管复核", assignees: ["lizg"] },
        { flow_id: 2, name: "财务确认", assignees: ["wangcg"], commentRequired: true },
      ],
    },
  ],
};

export interface Received {
  readonly url: URL;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: string;
}

export interface Receiver {
  readonly url: string;
  readonly received: Received[];
  close(): Promise<void>;
}

/** A receiver of pushes; `status` may change its mind from push to push, undefined leaves a push unanswered. */
export async function startReceiver(status: (count: number) => number | undefined = () => 200): Promise<Receiver> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks).toString("utf8");
      received.push({ url: new URL(request.url ?? "/", "http://receiver"), headers: request.headers, body });
      const answer = status(received.length);
      if (answer !== undefined) response.writeHead(answer).end("success");
    });
  });
  const port = await listen(server);
  return {
    url: `http://127.0.0.1:${port}/hooks/jdy?tenant=1`,
    received,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve(portOf(server.address())));
  });
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === "string") throw new Error("not listening on a port");
  return address.port;
}

const WAIT_MS_MAX = 8_000;
const WAIT_STEP_MS = 10;

/** Waits until something holds; a test that waits in vain fails. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let waited = 0; waited < WAIT_MS_MAX; waited += WAIT_STEP_MS) {
    if (await holds()) return;
    await sleep(WAIT_STEP_MS);
  }
  throw new Error("waited in vain");
}
