/** One company as a caller describes it, and how it is put into an empty database. */

import { parseDecimal } from "../shared/decimal.ts";
import { type AccountSeed, chartOf, DETERMINATION, type Standard } from "./charts.ts";
import { ACCOUNTS, PARTNERS, postJournal } from "./ledger.ts";
import { putAccount } from "./master-data.ts";
import { decimal, type Row } from "./model.ts";
import { dayBefore, seedPeriods } from "./periods.ts";
import { putRate } from "./rates.ts";
import { receiveOpeningStock } from "./stock.ts";
import { createUserObjects, type UserTableSeed, type UserFieldSeed } from "./user-objects.ts";
import { fillRow } from "./values.ts";
import type { Context } from "./world.ts";

export type Named = { readonly code: string; readonly name: string };
export type ItemSeed = Named & {
  readonly unit?: string | undefined;
  readonly batches?: boolean | undefined;
  readonly serials?: boolean | undefined;
  /** any other property of Items, as the vendor names it */
  readonly properties?: Readonly<Record<string, string>> | undefined;
};
export type WarehouseSeed = Named & { readonly properties?: Readonly<Record<string, string>> | undefined };
export type PartnerSeed = Named & { readonly account?: string | undefined };
export type OpeningSeed = {
  readonly account: string;
  /** decimal text, debit positive */
  readonly amount: string;
  /** business partner, where the account is a control account */
  readonly partner?: string | undefined;
};
export type StockSeed = {
  readonly item: string;
  readonly warehouse: string;
  readonly quantity: string;
  /** cost per unit */
  readonly price: string;
  readonly batch?: string | undefined;
};

export type CompanySeed = {
  /** name of the database; "SBO_DEMO" when absent */
  readonly companyDb?: string | undefined;
  readonly name?: string | undefined;
  readonly localCurrency?: string | undefined;
  /** chart of accounts; "CAS" when absent */
  readonly standard?: Standard | undefined;
  /** accounts to add, or to change by code */
  readonly accounts?: readonly AccountSeed[] | undefined;
  readonly items?: readonly ItemSeed[] | undefined;
  readonly warehouses?: readonly WarehouseSeed[] | undefined;
  readonly suppliers?: readonly PartnerSeed[] | undefined;
  readonly customers?: readonly PartnerSeed[] | undefined;
  readonly costCentres?: readonly Named[] | undefined;
  readonly projects?: readonly Named[] | undefined;
  readonly rates?: readonly { readonly currency: string; readonly date: string; readonly rate: string }[] | undefined;
  readonly openings?: readonly OpeningSeed[] | undefined;
  readonly stock?: readonly StockSeed[] | undefined;
  readonly userTables?: readonly UserTableSeed[] | undefined;
  readonly userFields?: readonly UserFieldSeed[] | undefined;
};

/** The demonstration company; user fields are for whoever configures a connection to create. */
export const DEMO_COMPANY: CompanySeed = {
  companyDb: "SBO_DEMO",
  name: "示例公司",
  items: [
    { code: "M-001", name: "示例物料一", unit: "Pcs" },
    { code: "M-002", name: "示例物料二", unit: "kg" },
    { code: "007", name: "示例物料三", unit: "Xiang" },
    { code: "B-001", name: "示例批次物料", unit: "Pcs", batches: true },
  ],
  warehouses: [
    { code: "CK01", name: "一号仓" },
    { code: "CK02", name: "二号仓" },
  ],
  suppliers: [{ code: "VEN001", name: "示例供应商" }],
  customers: [{ code: "CUST001", name: "示例客户" }],
  costCentres: [{ code: "BM001", name: "仓储部" }],
  projects: [{ code: "P01", name: "示例项目" }],
};

const CURRENCIES: readonly (readonly [code: string, name: string])[] = [
  ["CNY", "人民币"],
  ["USD", "US Dollar"],
  ["EUR", "Euro"],
];
const LANGUAGES: readonly (readonly [code: number, short: string, name: string])[] = [
  [3, "English", "English (United States)"],
  [15, "Chinese", "Simplified Chinese"],
];

export function seedCompany(context: Context, company: CompanySeed): void {
  const { world, origin } = context;
  const put = (set: string, key: string, row: Row): void => {
    const type = world.schema.type(world.schema.set(set).type);
    world.store.put(set, key, fillRow(type, row, world.schema), origin);
  };
  seedPeriods(world, origin);
  for (const [code, name] of CURRENCIES) put("Currencies", code, { Code: code, Name: name, DocumentsCode: code });
  for (const [code, short, name] of LANGUAGES) {
    put("UserLanguages", String(code), { Code: code, LanguageShortName: short, LanguageFullName: name });
  }
  put("Users", "1", { InternalKey: 1, UserCode: "manager", UserName: "manager", Superuser: "tYES" });
  put("Users", "2", { InternalKey: 2, UserCode: world.credentials.userName, UserName: "Interface user" });
  const accounts = DETERMINATION[company.standard ?? "CAS"];
  for (const account of chartOf(company.standard ?? "CAS")) putAccount(context, account);
  for (const [code, rate, category, account] of [
    ["J0", "0", "bovcInputTax", accounts.inputTax],
    ["J1", "13", "bovcInputTax", accounts.inputTax],
    ["X0", "0", "bovcOutputTax", accounts.outputTax],
    ["X1", "13", "bovcOutputTax", accounts.outputTax],
  ] as const) {
    const lines = [{ Effectivefrom: "2000-01-01", Rate: rate }];
    put("VatGroups", code, { Code: code, Name: code, Category: category, TaxAccount: account, VatGroups_Lines: lines });
  }
  addToCompany(context, company);
}

/** Adds what a description names to a company that exists; what is known by its code is changed. */
export function addToCompany(context: Context, company: CompanySeed): void {
  const { world, origin } = context;
  const accounts = DETERMINATION[company.standard ?? "CAS"];
  const put = (set: string, key: string, row: Row): void => {
    const type = world.schema.type(world.schema.set(set).type);
    world.store.put(set, key, fillRow(type, { ...world.row(set, key), ...row }, world.schema), origin);
  };
  for (const account of company.accounts ?? []) putAccount(context, account);
  for (const { code, name, properties } of company.warehouses ?? []) {
    put("Warehouses", code, {
      WarehouseCode: code,
      WarehouseName: name,
      StockAccount: accounts.stock,
      CostOfGoodsSold: accounts.costOfGoodsSold,
      RevenuesAccount: accounts.revenues,
      TransfersAcc: accounts.allocation,
      IncreasingAcc: accounts.increase,
      DecreasingAccount: accounts.decrease,
      IncreaseGLAccount: accounts.increase,
      DecreaseGLAccount: accounts.decrease,
      VarianceAccount: accounts.costOfGoodsSold,
      PriceDifferencesAccount: accounts.costOfGoodsSold,
      ...properties,
    });
  }
  const firstWarehouse = company.warehouses?.[0]?.code;
  for (const { code, name, unit, batches, serials, properties } of company.items ?? []) {
    put("Items", code, {
      ItemCode: code,
      ItemName: name,
      InventoryUOM: unit ?? "Pcs",
      ManageBatchNumbers: batches === true ? "tYES" : "tNO",
      ManageSerialNumbers: serials === true ? "tYES" : "tNO",
      Valid: "tYES",
      ...(firstWarehouse === undefined ? {} : { DefaultWarehouse: firstWarehouse }),
      ...properties,
    });
  }
  const partner = (type: string, account: string) => (seed: PartnerSeed) => {
    const named = { CardCode: seed.code, CardName: seed.name, CardType: type, Valid: "tYES" };
    put(PARTNERS, seed.code, { ...named, DebitorAccount: seed.account ?? account });
  };
  company.suppliers?.forEach(partner("cSupplier", accounts.payables));
  company.customers?.forEach(partner("cCustomer", accounts.receivables));
  for (const { code, name } of company.costCentres ?? []) {
    put("ProfitCenters", code, { CenterCode: code, CenterName: name });
  }
  for (const { code, name } of company.projects ?? []) put("Projects", code, { Code: code, Name: name });
  for (const { currency, date, rate } of company.rates ?? []) putRate(world, currency, date, rate, origin);
  createUserObjects(context, company.userTables ?? [], company.userFields ?? []);
  postOpenings(context, company.openings ?? [], accounts.opening);
  for (const seed of company.stock ?? []) receiveOpeningStock(context, { ...seed, opening: accounts.opening });
}

/** Opening balances stand on the day before the first open period; what they do not balance by goes to one account. */
function postOpenings(context: Context, openings: readonly OpeningSeed[], counterpart: string): void {
  if (openings.length === 0) return;
  const { world } = context;
  const line = (account: string, value: bigint, partner?: string): Row => ({
    ...(partner === undefined ? {} : { ShortName: partner }),
    AccountCode: account,
    Debit: decimal(value > 0n ? value : 0n),
    Credit: decimal(value < 0n ? -value : 0n),
  });
  let rest = 0n;
  const lines = openings.map((opening) => {
    const value = parseDecimal(opening.amount);
    if (value === undefined || world.row(ACCOUNTS, opening.account) === undefined) {
      throw new Error(`The opening balance of account ${opening.account} does not fit.`);
    }
    rest -= value;
    return line(opening.account, value, opening.partner);
  });
  const balancing = rest === 0n ? [] : [line(counterpart, rest)];
  const date = dayBefore(`${world.openPeriod}-01`);
  const entry = { ReferenceDate: date, Memo: "Opening balance", JournalEntryLines: [...lines, ...balancing] };
  postJournal(context, entry, { type: "ttOpeningBalance", checkPeriod: false, automatic: true });
}
