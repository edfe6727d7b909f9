import { z } from "zod";
import type { FaultKind } from "../../simulators/shared/faults.ts";
import { type Jiandaoyun, startJiandaoyun } from "../../simulators/jiandaoyun/server.ts";
import type { ConnectorContext, StockSource } from "../contract.ts";
import { createJiandaoyun } from "./connector.ts";

/** A company of the simulator with one receipt form, and the connector that reads it over HTTP. */
export const APP_ID = "66b1f0a2c3d4e5f600000001";
export const RECEIPTS = "66b1f0a2c3d4e5f600000202";
export const ITEMS = "66b1f0a2c3d4e5f600000203";
export const COUNTS = "66b1f0a2c3d4e5f600000204";
export const ORDERS = "66b1f0a2c3d4e5f600000205";
export const NOW = new Date("2025-02-10T02:00:00Z");

export const receiptForm = {
  entryId: RECEIPTS,
  carries: "movements",
  fields: {
    documentNumber: "receipt_no",
    happenedAt: "biz_date",
    kind: "biz_type",
    partner: "supplier_code",
    warehouse: "wh_code",
  },
  lines: {
    subform: "lines",
    fields: { item: "sku_code", batch: "batch_no", unit: "uom", quantity: "actual_qty", unitPrice: "price" },
  },
  kinds: { 采购入库: "purchase-receipt", 销售退货: "sales-return" },
  onlyWhen: [{ field: "doc_status", in: ["已过账"] }],
  taxRate: "0.13",
};

export const settings = {
  company: "demo",
  source: "warehouse",
  appId: APP_ID,
  retryWaitMs: 20,
  forms: {
    receipt: receiptForm,
    item: {
      entryId: ITEMS,
      carries: "items",
      fields: { item: "sku_code", name: "sku_name", itemClass: "category", unit: "uom" },
      lines: { subform: "units", fields: { conversionUnit: "other_unit", conversionFactor: "factor" } },
    },
    count: {
      entryId: COUNTS,
      carries: "counts",
      fields: {
        documentNumber: "task_no",
        happenedAt: "counted_at",
        item: "sku_code",
        bookQuantity: "book_qty",
        countedQuantity: "counted_qty",
        warehouse: "wh_code",
        unit: "uom",
      },
    },
  },
};

const text = (alias: string) => ({ label: alias, type: "text", alias });
const number = (alias: string) => ({ label: alias, type: "number", alias });
const forms = [
  {
    name: "入库单",
    entry_id: RECEIPTS,
    fields: [
      text("receipt_no"),
      text("supplier_code"),
      text("wh_code"),
      text("remark"),
      { label: "类型", type: "combo", alias: "biz_type" },
      { label: "状态", type: "radiogroup", alias: "doc_status" },
      { label: "日期", type: "datetime", alias: "biz_date" },
      {
        label: "明细",
        type: "subform",
        alias: "lines",
        items: [text("sku_code"), text("batch_no"), text("uom"), number("actual_qty"), number("price")],
      },
    ],
  },
  {
    name: "商品档案",
    entry_id: ITEMS,
    fields: [
      text("sku_code"),
      text("sku_name"),
      text("category"),
      text("uom"),
      { label: "单位", type: "subform", alias: "units", items: [text("other_unit"), number("factor")] },
    ],
  },
  {
    name: "盘点明细",
    entry_id: COUNTS,
    fields: [
      text("task_no"),
      text("sku_code"),
      text("wh_code"),
      text("uom"),
      number("book_qty"),
      number("counted_qty"),
      { label: "时间", type: "datetime", alias: "counted_at" },
    ],
  },
];

export const line = (over: object = {}) => ({
  sku_code: "SKU-1",
  batch_no: "B1",
  uom: "件",
  actual_qty: 12.5,
  price: 3.21,
  ...over,
});
export const receipt = (number: string, lines: readonly object[] = [line()], over: object = {}) => ({
  receipt_no: number,
  supplier_code: "S-1",
  wh_code: "WH-1",
  biz_type: "采购入库",
  doc_status: "已过账",
  biz_date: "2025-01-31T08:00:00.000Z",
  lines,
  ...over,
});

export interface Company extends Jiandaoyun {
  readonly source: StockSource;
  readonly logged: string[];
  person(action: string, body: object): Promise<unknown>;
  control(name: string, body: object): Promise<unknown>;
  /** One receipt, entered by a person. @returns its id */
  enter(data: object): Promise<string>;
  faults(kind: FaultKind, operation: string, more?: object): Promise<unknown>;
  connect(over?: object, context?: Partial<ConnectorContext>): StockSource;
}

const Entered = z.object({ data: z.object({ _id: z.string() }) });

export async function startCompany(rates: "off" | "vendor" | number = "off"): Promise<Company> {
  const simulator = await startJiandaoyun({
    seed: 5,
    switches: { rates },
    clock: { startAt: "2025-02-01T00:00:00.000Z" },
  });
  const post = async (path: string, body: object): Promise<unknown> => {
    const answer = await fetch(`${simulator.baseUrl}/${path}`, { method: "POST", body: JSON.stringify(body) });
    const json: unknown = await answer.json();
    if (!answer.ok) throw new Error(`${path}: ${JSON.stringify(json)}`);
    return json;
  };
  const person = (action: string, body: object) => post(`_person/${action}`, body);
  await person("apps", { name: "仓库管理", app_id: APP_ID, forms });
  const logged: string[] = [];
  const opened: StockSource[] = [];
  const connect: Company["connect"] = (over = {}, context = {}) => {
    const source = createJiandaoyun(
      { ...settings, ...over },
      {
        connection: "jdy",
        baseUrl: simulator.baseUrl,
        secrets: { apiKey: simulator.credentials.apiKey, webhookSecret: simulator.credentials.webhookSecret },
        pacer: { permit: async () => undefined },
        now: () => NOW,
        log: (message, fields) => void logged.push(`${message} ${JSON.stringify(fields)}`),
        ...context,
      },
    );
    opened.push(source);
    return source;
  };
  return {
    ...simulator,
    source: connect(),
    logged,
    person,
    control: (name, body) => post(`_sim/${name}`, body),
    enter: async (data) => Entered.parse(await person("records/create", { entry_id: RECEIPTS, data })).data._id,
    faults: (kind, operation, more = {}) => post("_sim/faults", { faults: [{ kind, operation, ...more }] }),
    connect,
    close: async () => {
      for (const source of opened) await source.close();
      await simulator.close();
    },
  };
}
