import { z } from "zod";
import type { DemoCompany } from "./document.ts";
import { getJson, postJson } from "./http.ts";

/** The ERP's units by the words of the warehouse. */
export const erpUnits: Readonly<Record<string, string>> = { 个: "Ge", 箱: "Xiang", 件: "Jian", 台: "Tai" };

/** The ERP's code of one of ours: companies with books of their own often number their partners another way. */
export const erpCodeOf = (
  company: string,
  table: "warehouse" | "supplier" | "customer" | "department",
  code: string,
): string => {
  if (company !== "demo") return code;
  const prefix = { warehouse: "CK", supplier: "VEN", customer: "CUST", department: "BM" }[table];
  return `${prefix}${code.replace(/^[A-Z]+/, "")}`;
};

export interface CodeTableRow {
  readonly table: "item" | "unit" | "warehouse" | "supplier" | "customer" | "department";
  readonly code: string;
  readonly erpCode: string;
}

/** Code table rows of a company's ledger; items that the ERP does not have are left out. */
export function codeRowsOf(company: DemoCompany, missingItems: readonly string[] = []): readonly CodeTableRow[] {
  const missing = new Set(missingItems);
  const lists = [
    ["warehouse", company.warehouses],
    ["supplier", company.suppliers],
    ["customer", company.customers],
    ["department", company.departments],
  ] as const;
  return [
    ...company.items
      .filter(({ code }) => !missing.has(code))
      .map(({ code }) => ({ table: "item", code, erpCode: code }) as const),
    ...Object.entries(erpUnits).map(([code, erpCode]) => ({ table: "unit", code, erpCode }) as const),
    ...lists.flatMap(([table, list]) =>
      list.map(({ code }) => ({ table, code, erpCode: erpCodeOf(company.code, table, code) })),
    ),
  ];
}

export interface BookSetUp {
  readonly missingItems: readonly string[];
  readonly forbiddenItems: readonly string[];
}

const Books = z.object({
  books: z.array(
    z.object({ number: z.string(), organization: z.string(), closedThrough: z.string(), startPeriod: z.string() }),
  ),
});
const Done = z.looseObject({ ok: z.literal(true) });

/** The period before "2025-03" is "2025-02". */
const before = (period: string): string => {
  const [year = 0, month = 0] = period.split("-").map(Number);
  return new Date(Date.UTC(year, month - 2, 1)).toISOString().slice(0, 7);
};

/**
 * Opens the company's account book in the ERP, or completes the one that is there: base data, and every period before the
 * company's first one closed. Repeating changes nothing.
 *
 * @param origin  scheme, host and port of the Kingdee simulator
 */
export async function setUpBook(origin: string, company: DemoCompany, given: BookSetUp): Promise<void> {
  const missing = new Set(given.missingItems);
  const named = (
    table: "warehouse" | "supplier" | "customer" | "department",
    list: DemoCompany["warehouses"],
  ): readonly { number: string; name: string }[] =>
    list.map(({ code, name }) => ({ number: erpCodeOf(company.code, table, code), name }));
  const book = {
    number: company.book,
    name: company.name,
    organization: company.organization,
    organizationName: company.name,
    standard: "CAS",
    openPeriod: company.firstPeriod,
    startPeriod: before(company.firstPeriod),
    items: company.items
      .filter(({ code }) => !missing.has(code))
      .map(({ code, name, unit }) => ({ number: code, name, unit: erpUnits[unit] ?? unit })),
    warehouses: named("warehouse", company.warehouses),
    suppliers: named("supplier", company.suppliers),
    customers: named("customer", company.customers),
    departments: named("department", company.departments),
  };
  await postJson(`${origin}/_person/base-data`, { companies: [book] }, Done);
  const { books } = await getJson(`${origin}/_person/books`, Books);
  const opened = books.find(({ number }) => number === company.book);
  if (opened === undefined) throw new Error(`book ${company.book} was not opened`);
  const closed = before(company.firstPeriod);
  if (opened.startPeriod > company.firstPeriod)
    throw new Error(`book ${company.book} starts in ${opened.startPeriod}, after ${company.firstPeriod}`);
  if (opened.closedThrough < closed)
    await postJson(`${origin}/_person/close-period`, { book: company.book, period: closed }, Done);
  for (const number of given.forbiddenItems) {
    await postJson(
      `${origin}/_person/forbid`,
      { form: "BD_MATERIAL", number, organization: opened.organization },
      Done,
    );
  }
}

const Entry = z.object({
  explanation: z.string(),
  account: z.string(),
  dimensions: z.record(z.string(), z.string()),
  debit: z.string(),
  credit: z.string(),
  quantity: z.string(),
  unit: z.string(),
});
const BookVoucher = z.object({
  id: z.int(),
  book: z.string(),
  date: z.string(),
  number: z.union([z.string(), z.int()]).transform(String),
  group: z.string(),
  external: z.string(),
  /** C is audited. */
  documentStatus: z.string(),
  invalid: z.boolean(),
  entries: z.array(Entry),
});
export type BookVoucher = z.infer<typeof BookVoucher>;
const Written = z.object({ voucher: BookVoucher });

/** People of finance at the ERP's own client. */
export class KingdeeOffice {
  readonly #origin: string;

  constructor(origin: string) {
    this.#origin = origin;
  }

  /** Every voucher of a book, from the simulator's own record of its books. */
  async vouchers(book: string): Promise<readonly BookVoucher[]> {
    const { vouchers } = await getJson(
      `${this.#origin}/_person/vouchers?book=${encodeURIComponent(book)}`,
      z.object({ vouchers: z.array(BookVoucher) }),
    );
    return vouchers.filter((voucher) => voucher.book === book);
  }

  async act(name: "unaudit" | "delete" | "copy" | "change", body: Readonly<Record<string, unknown>>): Promise<void> {
    await postJson(`${this.#origin}/_person/${name}`, body, Done);
  }

  async write(body: Readonly<Record<string, unknown>>): Promise<BookVoucher> {
    return (await postJson(`${this.#origin}/_person/write`, body, Written)).voucher;
  }

  async auditRight(granted: boolean): Promise<void> {
    await postJson(`${this.#origin}/_person/rights`, { form: "GL_VOUCHER", operation: "audit", granted }, Done);
  }
}
