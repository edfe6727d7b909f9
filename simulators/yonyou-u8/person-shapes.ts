/** What the person's face accepts, act by act. Amounts are decimal text. */

import { z } from "zod";

const DEFAULT_PERSON = "财务人员";

export const Period = z.string().regex(/^\d{4}-(0[1-9]|1[0-2])$/);
const DateText = z.string().regex(/^\d{4}-\d{2}-\d{2}$/);
const Decimal = z.string().regex(/^-?\d{1,18}(\.\d{1,10})?$/);
const Texts = z.record(z.string(), z.string());
const Named = z.strictObject({ code: z.string(), name: z.string() });
const book = z.string().default("001");
const user = z.string().default(DEFAULT_PERSON);
const force = z.boolean().default(false);

export const OneVoucher = z.strictObject({ id: z.int(), user, force });
export const Line = z
  .strictObject({
    abstract: z.string(),
    account: z.string(),
    debit: Decimal,
    credit: Decimal,
    debitQuantity: Decimal,
    creditQuantity: Decimal,
    currency: z.string(),
    rate: Decimal,
    debitFor: Decimal,
    creditFor: Decimal,
    auxiliaries: Texts,
  })
  .partial();
export const Change = z.strictObject({
  id: z.int(),
  user,
  force,
  head: z
    .strictObject({
      date: DateText,
      sign: z.string(),
      number: z.string(),
      attachments: z.string(),
      memo1: z.string(),
      memo2: z.string(),
      external: z.string(),
      makingSystem: z.string(),
    })
    .partial()
    .default({}),
  /** `index` from 0; with `remove` the line goes; an index one past the end adds a line */
  lines: z.array(z.strictObject({ index: z.int().min(0), remove: z.boolean().optional(), ...Line.shape })).default([]),
});
export const Write = z.strictObject({
  book,
  date: DateText,
  user,
  sign: z.string().default("记"),
  number: z.string().default(""),
  external: z.string().default(""),
  externalType: z.string().default(""),
  makingSystem: z.string().default("GL"),
  attachments: z.string().default(""),
  lines: z.array(Line).min(1),
  /** how far the voucher is taken at once */
  stage: z.enum(["saved", "audited", "booked"]).default("saved"),
});
export const Copy = z.strictObject({ id: z.int(), user, date: DateText.optional() });
export const Closing = z.strictObject({ book, period: Period, module: z.enum(["gl", "st", "all"]).default("all") });
export const LockPeriod = z.strictObject({ book, period: Period, locked: z.boolean().default(true) });
export const Tidy = z.strictObject({ book, period: Period, user });

export const OneDocument = z.strictObject({ id: z.int(), user, force });
const DocumentLine = z.record(z.string(), z.string());
export const WriteDocument = z.strictObject({
  book,
  user,
  kind: z.enum(["01", "08", "09", "10", "11", "32", "34", "trans", "check"]),
  head: Texts,
  lines: z.array(DocumentLine).min(1),
  audited: z.boolean().default(false),
});
export const ChangeDocument = z.strictObject({
  id: z.int(),
  user,
  force,
  head: Texts.default({}),
  /** all lines, when given */
  lines: z.array(DocumentLine).min(1).optional(),
});

export const Account = z.strictObject({
  code: z.string(),
  name: z.string().optional(),
  direction: z.enum(["debit", "credit"]).optional(),
  department: z.boolean().optional(),
  person: z.boolean().optional(),
  customer: z.boolean().optional(),
  supplier: z.boolean().optional(),
  itemClass: z.string().optional(),
  measure: z.string().optional(),
  currency: z.string().optional(),
  cash: z.boolean().optional(),
  bank: z.boolean().optional(),
  sealed: z.boolean().optional(),
  controlled: z.string().optional(),
});
export const AccountChange = z.strictObject({ book, ...Account.shape });
const Company = z.strictObject({
  number: z.string(),
  name: z.string().optional(),
  standard: z.enum(["CAS", "SME"]).optional(),
  openPeriod: Period.optional(),
  startPeriod: Period.optional(),
  accounts: z.array(Account).optional(),
  openings: z.array(z.strictObject({ account: z.string(), amount: Decimal })).optional(),
  items: z
    .array(
      z.strictObject({
        ...Named.shape,
        unit: z.string(),
        specification: z.string().optional(),
        batched: z.boolean().optional(),
      }),
    )
    .optional(),
  units: z.array(Named).optional(),
  warehouses: z
    .array(z.strictObject({ ...Named.shape, positions: z.boolean().optional(), stoppedOn: DateText.optional() }))
    .optional(),
  positions: z.array(z.strictObject({ ...Named.shape, warehouse: z.string() })).optional(),
  suppliers: z.array(Named).optional(),
  customers: z.array(Named).optional(),
  departments: z.array(Named).optional(),
  persons: z.array(z.strictObject({ ...Named.shape, department: z.string() })).optional(),
  itemClasses: z.array(z.strictObject({ ...Named.shape, source: z.literal("inventory").optional() })).optional(),
  projects: z.array(z.strictObject({ ...Named.shape, itemClass: z.string() })).optional(),
  openingStock: z
    .array(
      z.strictObject({
        warehouse: z.string(),
        item: z.string(),
        quantity: Decimal,
        price: Decimal.optional(),
        batch: z.string().optional(),
      }),
    )
    .optional(),
});
export const BaseData = z.strictObject({
  records: z
    .array(
      z.strictObject({
        book,
        kind: z.string(),
        code: z.string(),
        name: z.string().optional(),
        fields: Texts.default({}),
      }),
    )
    .default([]),
  companies: z.array(Company).default([]),
});
/** 停用 and 启用 of a record of base data. */
export const Stop = z.strictObject({ book, kind: z.string(), code: z.string() });
export const Right = z.strictObject({
  /** voucher, otherin, storein, inventory …; for EAI the roottag, for the OpenAPI the resource */
  resource: z.string(),
  /** add, edit, delete, query, verify, cancel …; "*" is every one */
  operation: z.string().default("*"),
  granted: z.boolean(),
});
export const Lock = z.strictObject({
  id: z.int(),
  what: z.enum(["voucher", "document"]),
  user,
  locked: z.boolean().default(true),
});
export const SettingsChange = z
  .strictObject({
    abstractLengthMax: z.int().min(1),
    externalLengthMax: z.int().min(1),
    unlistedAuxiliaries: z.enum(["keep", "drop", "refuse"]),
    controlledAccounts: z.enum(["allow", "refuse"]),
    duplicateKey: z.enum(["id-or-reserve2", "reserve2", "none"]),
    duplicateReply: z.enum(["uploaded", "refused"]),
    zeroIssue: z.enum(["refuse", "allow"]),
    pollRunning: z.enum(["url", "30025"]),
    openApiCheckvouch: z.boolean(),
    rowsMax: z.int().min(0),
    latencyMs: z.int().min(0).max(600_000),
  })
  .partial();
