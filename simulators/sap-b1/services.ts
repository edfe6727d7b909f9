/** Global operations: periods, company settings, rounding, vouchers, drafts, lists. */

import { parseDecimal, roundDecimal } from "../shared/decimal.ts";
import { JsonNumber, type JsonOut } from "../shared/json.ts";
import { emptyAnswer, jsonAnswer, type ServiceAnswer, textAnswer } from "./answers.ts";
import { runPostQuery } from "./cross-join.ts";
import { cancelDocument } from "./documents.ts";
import { DOCUMENT_KINDS } from "./document-kinds.ts";
import { notFound, ServiceError, unknownResource } from "./errors.ts";
import { decimal, doubleText, type Row } from "./model.ts";
import { saveDraft } from "./operations.ts";
import { CATEGORIES, PERIODS } from "./periods.ts";
import { contextName } from "./queries.ts";
import { sapJson } from "./sap-json.ts";
import { bodyOf, type ServiceRequest, spellingOf } from "./service.ts";
import { fillRow, isRecord, readRow, writeRow } from "./values.ts";
import type { Context, World } from "./world.ts";

const CANCELLABLE = ["Invoices", "DeliveryNotes", "PurchaseInvoices", "PurchaseDeliveryNotes"];

type Run = (context: Context, body: unknown, request: ServiceRequest) => ServiceAnswer;

const RUN: Readonly<Record<string, Run>> = {
  CompanyService_GetPeriods: ({ world }, _body, request) =>
    collection(world, request, "PeriodCategoryParams", keysOf(world, CATEGORIES)),
  CompanyService_GetPeriod: ({ world }, body, request) => {
    const key = paramOf(body, "PeriodCategoryParams");
    return one(world, request, "PeriodCategory", found(world, CATEGORIES, key));
  },
  CompanyService_GetFinancePeriods: ({ world }, body, request) => {
    const category = found(world, CATEGORIES, paramOf(body, "PeriodCategoryParams"));
    const rows = [...world.store.rows(PERIODS)]
      .map(([, { row }]) => row)
      .filter((row) => row["PeriodIndicator"] === category["PeriodIndicator"]);
    const written = rows.map((row) => spelled(world, request, "FinancePeriod", row));
    return collection(world, request, "FinancePeriod", written);
  },
  CompanyService_GetFinancePeriod: ({ world }, body, request) =>
    one(world, request, "FinancePeriod", found(world, PERIODS, paramOf(body, "FinancePeriodParams"))),
  CompanyService_UpdateFinancePeriod: ({ world, origin }, body) => {
    const given = isRecord(body) ? body["FinancePeriod"] : undefined;
    const key = isRecord(given) ? String(given["AbsoluteEntry"]) : "";
    const before = found(world, PERIODS, key);
    const change = readRow(world.schema.type("FinancePeriod"), given, optionsOf(world));
    world.store.transact(() => world.store.put(PERIODS, key, { ...before, ...change }, origin));
    return emptyAnswer();
  },
  CompanyService_GetAdminInfo: ({ world }, _body, request) => plain(world, request, "AdminInfo", adminInfo(world)),
  CompanyService_GetCompanyInfo: ({ world }, _body, request) => {
    const { negativeStock, notificationRules } = world.settings;
    return plain(world, request, "CompanyInfo", {
      CompanyName: world.credentials.companyDb,
      Version: Number(VERSION),
      EnableExpensesManagement: "tNO",
      BlockStockNegativeQuantity: negativeStock === "block" ? "tYES" : "tNO",
      EnableTransactionNotification: notificationRules.length > 0 ? "tYES" : "tNO",
      MinimumAmountForAppndixOP: 0,
    });
  },
  CompanyService_RoundDecimal: ({ world }, body, request) => plainValue(world, request, rounded(world, body)),
  JournalVouchersService_Add: (context, body) => {
    context.world.store.transact(() => addVouchers(context, body));
    return emptyAnswer();
  },
  DraftsService_SaveDraftToDocument: (context, body) => {
    const document = isRecord(body) ? body["Document"] : undefined;
    const key = isRecord(document) ? String(document["DocEntry"]) : "";
    context.world.store.transact(() => saveDraft(context, key));
    return emptyAnswer();
  },
  InventoryCountingsService_GetList: ({ world }, _body, request) =>
    collection(world, request, "InventoryCountingParams", listOf(world, "InventoryCountings")),
  InventoryPostingsService_GetList: ({ world }, _body, request) =>
    collection(world, request, "InventoryPostingParams", listOf(world, "InventoryPostings")),
  InventoryPostingsService_SetCopyOption: () => emptyAnswer(),
  QueryService_PostQuery: ({ world }, body, request) =>
    textAnswer(sapJson(runPostQuery(world, body, request), world.settings.jsonStyle), "text/plain;charset=utf-8"),
  ...Object.fromEntries(CANCELLABLE.map((set) => [`${set}Service_Cancel2`, cancelWithChanges(set)])),
};

/** Release 10.00.310. */
export const VERSION = "1000310";

export const SERVICES: ReadonlySet<string> = new Set(Object.keys(RUN));

export function runService(context: Context, name: string, request: ServiceRequest): ServiceAnswer {
  const run = RUN[name];
  if (run === undefined) throw unknownResource();
  return run(context, bodyOf(request.text), request);
}

const optionsOf = (world: World) => ({ schema: world.schema, memoLength: world.settings.memoLength });

function paramOf(body: unknown, name: string): string {
  const params = isRecord(body) ? body[name] : undefined;
  return isRecord(params) ? String(params["AbsoluteEntry"]) : "";
}

function found(world: World, table: string, key: string): Row {
  const row = world.row(table, key);
  if (row === undefined) throw notFound();
  return row;
}

function spelled(world: World, request: ServiceRequest, type: string, row: Row): Record<string, JsonOut> {
  return writeRow(world.schema.type(type), row, world.schema, spellingOf(world, request.version));
}

const keysOf = (world: World, table: string): JsonOut[] =>
  [...world.store.rows(table)].map(([, { row }]) => ({ AbsoluteEntry: Number(row["AbsoluteEntry"]) }));

const listOf = (world: World, set: string): JsonOut[] =>
  [...world.store.rows(set)].map(([, { row }]) => ({
    DocumentEntry: Number(row["DocumentEntry"]),
    DocumentNumber: Number(row["DocumentNumber"]),
  }));

function collection(world: World, request: ServiceRequest, type: string, value: readonly JsonOut[]): ServiceAnswer {
  const context = `${request.root}$metadata#Collection(SAPB1.${type})`;
  return jsonAnswer(request.version, world.settings.jsonStyle, { [contextName(request.version)]: context, value });
}

function plain(world: World, request: ServiceRequest, type: string, value: Record<string, JsonOut>): ServiceAnswer {
  const context = `${request.root}$metadata#SAPB1.${type}`;
  return jsonAnswer(request.version, world.settings.jsonStyle, { [contextName(request.version)]: context, ...value });
}

const one = (world: World, request: ServiceRequest, type: string, row: Row): ServiceAnswer =>
  plain(world, request, type, spelled(world, request, type, row));

/** A bare scalar, such as `2.9292` (fixture B1SLayer). */
const plainValue = (world: World, request: ServiceRequest, value: JsonOut): ServiceAnswer =>
  jsonAnswer(request.version, world.settings.jsonStyle, value);

function adminInfo(world: World): Record<string, JsonOut> {
  const { totalsAccuracy, priceAccuracy, perpetual } = world.settings;
  return {
    CompanyName: world.credentials.companyDb,
    LocalCurrency: world.localCurrency,
    SystemCurrency: world.localCurrency,
    TotalsAccuracy: totalsAccuracy,
    PriceAccuracy: priceAccuracy,
    AccuracyofQuantities: 6,
    RateAccuracy: 6,
    PercentageAccuracy: 2,
    MeasuringAccuracy: 6,
    QueryAccuracy: 6,
    UseNegativeAmounts: "tYES",
    ContinuousStockManagement: perpetual ? "tYES" : "tNO",
    ContinuousStockSystem: "bis_MovingAverage",
    BlockPostingDateEditing: "tNO",
  };
}

/** Rounds the company's way; contexts differ in their number of decimals. */
function rounded(world: World, body: unknown): JsonOut {
  const data = isRecord(body) ? body["DecimalData"] : undefined;
  const value = isRecord(data) ? parseDecimal(String(data["Value"])) : undefined;
  if (!isRecord(data) || value === undefined)
    throw new ServiceError(-1004, "'' is not a valid value for property 'Value'");
  const places = data["Context"] === "rcSum" || data["Context"] === "rcTax" ? world.settings.totalsAccuracy : 6;
  return new JsonNumber(doubleText(decimal(roundDecimal(value, places))));
}

/** Unposted vouchers: no key comes back. One entry, or several under one envelope (the simulator's choice). */
function addVouchers({ world, origin }: Context, body: unknown): void {
  const voucher = isRecord(body) ? body["JournalVoucher"] : undefined;
  const given = isRecord(voucher) ? voucher["JournalEntry"] : undefined;
  const entries = Array.isArray(given) ? given : given === undefined ? [] : [given];
  if (entries.length === 0) throw new ServiceError(-1005, "Data  not found");
  const type = world.schema.type("JournalEntry");
  for (const entry of entries) {
    const row = readRow(type, entry, optionsOf(world));
    const key = String(world.next("JournalVouchers", 1));
    world.store.put("JournalVouchers", key, fillRow(type, row, world.schema), origin);
  }
}

function cancelWithChanges(set: string): Run {
  return (context, body) => {
    const document = isRecord(body) ? body["Document"] : undefined;
    const key = isRecord(document) ? String(document["DocEntry"]) : "";
    if (!DOCUMENT_KINDS.has(set) || context.world.row(set, key) === undefined) throw notFound();
    context.world.store.transact(() => cancelDocument(context, set, key));
    return emptyAnswer();
  };
}
