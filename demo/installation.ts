import { stringify } from "yaml";
import { type DemoCompany, type DocumentForm, documentForms } from "./document.ts";
import type { JiandaoyunOffice } from "./jiandaoyun-office.ts";
import { BALANCE_FORM, ITEM_FORM } from "./warehouse-app.ts";

/** One company of the demo with the application that was drawn for it. */
export interface InstalledCompany {
  /** File of the company's own rule pack; the pack of its standard when absent. */
  readonly rulePack?: string;
  readonly company: DemoCompany;
  readonly office: Pick<JiandaoyunOffice, "appId" | "entryId">;
}

export interface InstallationAddresses {
  /** Host and port of the Jiandaoyun simulator. */
  readonly jiandaoyun: string;
  /** Ends in `/k3cloud/`. */
  readonly kingdee: string;
}

export interface LedgerPace {
  readonly leaseMs: number;
  readonly deadlineMs: number;
  readonly settlingMs: number;
}
/** Simulators on one machine answer within milliseconds; what is longer is an outage. */
const DEMO_PACE: LedgerPace = { leaseMs: 30_000, deadlineMs: 20_000, settlingMs: 500 };

/** Environment variables in which the demo hands over the simulators' credentials. */
export const secretVariables = {
  jiandaoyun: { apiKey: "DEMO_JDY_API_KEY", webhookSecret: "DEMO_JDY_WEBHOOK_SECRET" },
  kingdee: {
    acctId: "DEMO_KINGDEE_ACCT_ID",
    userName: "DEMO_KINGDEE_USER",
    password: "DEMO_KINGDEE_PASSWORD",
    appId: "DEMO_KINGDEE_APP_ID",
    appSecret: "DEMO_KINGDEE_APP_SECRET",
    auditorUserName: "DEMO_KINGDEE_AUDITOR_USER",
    auditorPassword: "DEMO_KINGDEE_AUDITOR_PASSWORD",
  },
} as const;

const headFields = {
  documentNumber: "document_number",
  happenedAt: "happened_at",
  warehouse: "warehouse",
  counterWarehouse: "counter_warehouse",
  partner: "partner",
  department: "department",
  order: "order_number",
  cause: "cause",
  invoiced: "invoiced",
  originDocument: "origin_document",
};
const lineFields = {
  item: "item",
  batch: "batch",
  unit: "unit",
  quantity: "quantity",
  amount: "amount",
  taxAmount: "tax_amount",
  salesAmount: "sales_amount",
};
const countFields = {
  item: "item",
  batch: "batch",
  unit: "unit",
  bookQuantity: "book_quantity",
  countedQuantity: "counted_quantity",
};

/** Name of the list of items and of the list of balances among the source's forms. */
export const ITEMS = "items";
export const BALANCES = "balances";

/** The configuration of the demo as plain data. */
export function demoInstallation(
  companies: readonly InstalledCompany[],
  addresses: InstallationAddresses,
  pace = DEMO_PACE,
): object {
  return {
    connections: [
      {
        name: "jdy",
        vendor: "jiandaoyun",
        baseUrl: addresses.jiandaoyun,
        settings: {},
        secrets: inEnvironment(secretVariables.jiandaoyun),
      },
      {
        name: "kingdee",
        vendor: "kingdee-cloud",
        baseUrl: addresses.kingdee,
        settings: { books: Object.fromEntries(companies.map(({ company }) => [company.book, company.organization])) },
        secrets: inEnvironment(secretVariables.kingdee),
      },
    ],
    companies: companies.map(({ company }) => ({
      code: company.code,
      name: company.name,
      zone: company.zone,
      standard: "CAS",
    })),
    sources: companies.map(({ company, office }) => ({
      code: sourceCodeOf(company.code),
      company: company.code,
      connection: "jdy",
      settings: {
        company: company.code,
        source: sourceCodeOf(company.code),
        appId: office.appId,
        zone: company.zone,
        forms: formsOf(office),
      },
    })),
    ledgers: companies.map(({ company, rulePack }) => ({
      code: ledgerCodeOf(company.code),
      company: company.code,
      connection: "kingdee",
      book: company.book,
      currency: "CNY",
      word: "记",
      targetStage: "audited",
      estimateStyle: "reverse-on-invoice",
      closedPeriod: "hold",
      grouping: "document",
      averagingScope: "company",
      ...(rulePack === undefined ? {} : { rulePack }),
      codeTables: {
        ...Object.fromEntries(
          ["item", "unit", "warehouse", "supplier", "customer", "department"].map((table) => [table, "table"]),
        ),
        ...Object.fromEntries(["order", "batch", "word"].map((table) => [table, "identity"])),
      },
      ...pace,
      settings: {},
    })),
  };
}

/** The same as the file that a person would write. */
export const demoInstallationYaml = (
  companies: readonly InstalledCompany[],
  addresses: InstallationAddresses,
  pace = DEMO_PACE,
): string => stringify(demoInstallation(companies, addresses, pace));

export const sourceCodeOf = (company: string): string => `${company}-jdy`;
export const ledgerCodeOf = (company: string): string => `${company}-k3`;

const inEnvironment = (names: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(names).map(([name, variable]) => [name, `env:${variable}`]));

function formsOf(office: InstalledCompany["office"]): object {
  return {
    ...Object.fromEntries(documentForms.map((form) => [form, formSettings(form, office.entryId(form))])),
    [ITEMS]: {
      entryId: office.entryId(ITEM_FORM),
      carries: "items",
      fields: { item: "item_code", name: "item_name", itemClass: "item_class", unit: "unit" },
      lines: { subform: "conversions", fields: { conversionUnit: "other_unit", conversionFactor: "factor" } },
    },
    [BALANCES]: {
      entryId: office.entryId(BALANCE_FORM),
      carries: "balances",
      fields: { item: "item", warehouse: "warehouse", batch: "batch", quantity: "quantity" },
    },
  };
}

function formSettings(form: DocumentForm, entryId: string): object {
  if (form === "count-sheet") {
    const { documentNumber, happenedAt, warehouse } = headFields;
    return {
      entryId,
      carries: "counts",
      fields: { documentNumber, happenedAt, warehouse },
      lines: { subform: "lines", fields: countFields },
    };
  }
  return {
    entryId,
    carries: "movements",
    fields: headFields,
    lines: { subform: "lines", fields: lineFields },
    constants: { kind: form },
  };
}
