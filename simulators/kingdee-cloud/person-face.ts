/**
 * What a person could do in the vendor's own client, over HTTP under `/_person/` and without a log-in: for tests, and for
 * IT staff who rehearse. Every body and answer is JSON; the README lists them.
 */

import { z } from "zod";
import { parseDecimal } from "../shared/decimal.ts";
import type { Answer, Exchange } from "../shared/http.ts";
import { baseForm } from "./base-data.ts";
import type { EntryInput, VoucherInput } from "./ledger.ts";
import { type Book, type Entry, MSG, type Origin, Refusal, Refusals, type Voucher } from "./model.ts";
import { changeVoucherState } from "./operations.ts";
import { ROWS_MAX } from "./query.ts";
import { inputOf } from "./voucher-wire.ts";
import { plainVoucher, type World } from "./world.ts";

const DEFAULT_PERSON = "财务人员";

const DecimalText = z.string().transform((text, context) => {
  const value = parseDecimal(text);
  if (value !== undefined) return value;
  context.addIssue({ code: "custom", message: `"${text}" is no decimal text` });
  return z.NEVER;
});
const Period = z.string().regex(/^\d{4}-(0[1-9]|1[0-2])$/);
const DateText = z.string().regex(/^\d{4}-\d{2}-\d{2}$/);
const Texts = z.record(z.string(), z.string());
const Named = z.strictObject({ number: z.string(), name: z.string() });

const LineFields = {
  explanation: z.string(),
  account: z.string(),
  debit: DecimalText,
  credit: DecimalText,
  quantity: DecimalText,
  unit: z.string(),
  price: DecimalText,
  dimensions: Texts,
  businessNumber: z.string(),
};
const Line = z.strictObject(LineFields).partial();
const HeadChange = z
  .strictObject({
    date: DateText,
    businessDate: DateText,
    group: z.string(),
    number: z.string(),
    attachments: z.int(),
    reference: z.string(),
    external: z.string(),
  })
  .partial();

const user = z.string().default(DEFAULT_PERSON);
const OneVoucher = z.strictObject({ id: z.int(), user, force: z.boolean().default(false) });
const Change = z.strictObject({
  id: z.int(),
  user,
  force: z.boolean().default(false),
  head: HeadChange.default({}),
  /** `index` from 0; with `remove` the line goes; an index one past the end adds a line */
  lines: z.array(z.strictObject({ index: z.int().min(0), remove: z.boolean().optional(), ...Line.shape })).default([]),
});
const Write = z.strictObject({
  book: z.string(),
  date: DateText,
  user,
  group: z.string().default("PRE001"),
  number: z.string().default(""),
  external: z.string().default(""),
  reference: z.string().default(""),
  attachments: z.int().default(0),
  lines: z.array(Line).min(1),
  /** how far the voucher is taken at once */
  stage: z.enum(["saved", "submitted", "audited", "booked"]).default("saved"),
});
const Copy = z.strictObject({ id: z.int(), user, date: DateText.optional() });
const BookPeriod = z.strictObject({ book: z.string(), period: Period });
const ItemState = z.strictObject({ form: z.string(), number: z.string(), organization: z.string().optional() });
const Account = z.strictObject({
  book: z.string(),
  number: z.string(),
  name: z.string().optional(),
  direction: z.union([z.literal(1), z.literal(-1)]).optional(),
  quantity: z.enum(["none", "optional", "required"]).optional(),
  dimensions: z.record(z.string(), z.enum(["required", "optional"])).optional(),
});
const Company = z.strictObject({
  number: z.string(),
  name: z.string().optional(),
  organization: z.string().optional(),
  organizationName: z.string().optional(),
  standard: z.enum(["CAS", "SME"]).optional(),
  openPeriod: Period.optional(),
  startPeriod: Period.optional(),
  auditorMustDiffer: z.boolean().optional(),
  auditWithoutSubmit: z.boolean().optional(),
  bookWithoutAudit: z.boolean().optional(),
  selfNumbering: z.boolean().optional(),
  accounts: z.array(Account.omit({ book: true })).optional(),
  openings: z
    .array(
      z.strictObject({
        account: z.string(),
        amount: z.string(),
        dimensions: Texts.optional(),
        quantity: z.string().optional(),
        unit: z.string().optional(),
      }),
    )
    .optional(),
  items: z.array(z.strictObject({ ...Named.shape, unit: z.string(), specification: z.string().optional() })).optional(),
  units: z
    .array(z.strictObject({ ...Named.shape, group: z.string().optional(), factor: z.string().optional() }))
    .optional(),
  warehouses: z.array(Named).optional(),
  suppliers: z.array(Named).optional(),
  customers: z.array(Named).optional(),
  departments: z.array(Named).optional(),
  employees: z.array(Named).optional(),
});
const BaseDataBulk = z.strictObject({
  records: z
    .array(
      z.strictObject({
        form: z.string(),
        number: z.string(),
        name: z.string(),
        organization: z.string().optional(),
        attributes: Texts.optional(),
        documentStatus: z.enum(["Z", "A", "B", "C", "D"]).optional(),
      }),
    )
    .default([]),
  companies: z.array(Company).default([]),
});
const BookRules = z.strictObject({
  book: z.string(),
  auditorMustDiffer: z.boolean().optional(),
  auditWithoutSubmit: z.boolean().optional(),
  bookWithoutAudit: z.boolean().optional(),
  selfNumbering: z.boolean().optional(),
});
const CustomField = z.strictObject({
  /** null removes the field */
  name: z
    .string()
    .regex(/^F_\w+$/)
    .nullable(),
  /** also forget what the field held, as deleting it in BOS does */
  clear: z.boolean().default(false),
});
const Right = z.strictObject({
  user: z.string().optional(),
  form: z.string(),
  /** a verb such as "query" or "save"; "*" is every one */
  operation: z.string().default("*"),
  granted: z.boolean(),
});
const Lock = z.strictObject({ id: z.int(), user, locked: z.boolean().default(true) });
const SettingsChange = z
  .strictObject({
    strictKeys: z.boolean(),
    mixedBatchIsSuccess: z.boolean(),
    latencyMs: z.int().min(0).max(600_000),
    rowsMax: z.int().min(1).max(ROWS_MAX),
  })
  .partial();

type Act = (body: unknown, world: World, request: string) => object;

function act<Shape extends z.ZodType>(
  shape: Shape,
  run: (body: z.output<Shape>, world: World, origin: (user: string) => Origin) => object,
): Act {
  return (body, world, request) => {
    const origin = (name: string): Origin => {
      if (!world.base.find("SEC_USER", name)) world.base.put({ form: "SEC_USER", number: name, name });
      return { kind: "person", request, user: name };
    };
    return run(shape.parse(body), world, origin);
  };
}

const VOUCHER_VERBS = {
  submit: "submit",
  "cancel-submit": "cancelAssign",
  audit: "audit",
  unaudit: "unaudit",
  book: "book",
  unbook: "unbook",
  void: "void",
  unvoid: "unvoid",
} as const;

const ACTS: Record<string, Act> = {
  ...Object.fromEntries(
    Object.entries(VOUCHER_VERBS).map(([name, verb]) => [
      name,
      act(OneVoucher, (body, world, origin) => {
        changeVoucherState(world.ledger.get(body.id), verb, world, origin(body.user));
        return { voucher: plainVoucher(world.ledger.get(body.id)) };
      }),
    ]),
  ),
  delete: act(OneVoucher, (body, world, origin) => {
    const by = origin(body.user);
    if (body.force) takeDown(world.ledger.get(body.id), world);
    return { deleted: world.ledger.delete(body.id, by).id };
  }),
  change: act(Change, (body, world, origin) => {
    const by = origin(body.user);
    const before = world.ledger.get(body.id);
    if (body.force) takeDown(before, world);
    try {
      world.ledger.update(body.id, changed(inputOf(before), body), by);
    } finally {
      // Also when the books refused: the voucher is then as far as it was before.
      if (body.force) takeUp(body.id, stageOf(before), world, by, before.auditor);
    }
    return { voucher: plainVoucher(world.ledger.get(body.id)) };
  }),
  write: act(Write, (body, world, origin) => {
    const book = world.ledger.book(body.book);
    const voucher = world.ledger.create(handwritten(body, book), origin(body.user));
    takeUp(voucher.id, body.stage, world, origin(body.user), undefined);
    return { voucher: plainVoucher(world.ledger.get(voucher.id)) };
  }),
  copy: act(Copy, (body, world, origin) => {
    const original = world.ledger.get(body.id);
    const date = body.date ?? original.date;
    const entries = original.entries.map((entry) => ({ ...entry, id: undefined }));
    // The client copies every head field, our key among them: the copy looks like a second posting.
    const input = { ...inputOf(original), date, year: undefined, period: undefined, number: "", entries };
    return { voucher: plainVoucher(world.ledger.create(input, origin(body.user))) };
  }),
  "close-period": act(BookPeriod, ({ book, period }, world) => {
    world.ledger.closePeriod(book, period);
    return { book: world.ledger.book(book) };
  }),
  "open-period": act(BookPeriod, ({ book, period }, world) => {
    world.ledger.openPeriod(book, period);
    return { book: world.ledger.book(book) };
  }),
  "book-rules": act(BookRules, ({ book, ...rules }, world) => {
    const given = Object.fromEntries(Object.entries(rules).filter(([, value]) => value !== undefined));
    world.ledger.putBook({ ...world.ledger.book(book), ...given });
    return { book: world.ledger.book(book) };
  }),
  forbid: act(ItemState, (body, world) => ({ items: setForbidden(body, world, "B") })),
  enable: act(ItemState, (body, world) => ({ items: setForbidden(body, world, "A") })),
  account: act(Account, ({ book, ...account }, world) => {
    world.putAccount(world.ledger.book(book), account);
    return { account: account.number };
  }),
  "base-data": act(BaseDataBulk, ({ records, companies }, world) => {
    for (const company of companies) world.addCompany(company);
    for (const { organization, ...record } of records) {
      const attributes = Object.entries(record.attributes ?? {}).map(([key, value]) => [key.toUpperCase(), value]);
      world.base.put({ ...record, scope: organization ?? "100", attributes: Object.fromEntries(attributes) });
    }
    return { records: records.length, companies: companies.length };
  }),
  "custom-field": act(CustomField, ({ name, clear }, world, origin) => {
    if (clear) world.ledger.clearExternal(origin("系统管理员"));
    world.changeSettings({ customField: name ?? undefined });
    return { customField: name };
  }),
  rights: act(Right, (body, world) => {
    const { credentials } = world;
    const users = body.user === undefined ? [credentials.userName, credentials.auditorUserName] : [body.user];
    for (const name of users) {
      const right = `${name}|${body.form.toUpperCase()}|${body.operation}`;
      if (body.granted) world.revoked.delete(right);
      else world.revoked.add(right);
    }
    return { revoked: [...world.revoked] };
  }),
  lock: act(Lock, (body, world) => {
    if (body.locked) world.openInClient.set(body.id, body.user);
    else world.openInClient.delete(body.id);
    return { locked: body.locked };
  }),
  settings: act(SettingsChange, (body, world) => {
    const given = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
    world.changeSettings(given);
    return { settings: world.settings };
  }),
};

/** @returns the answer; 400 for a body that does not fit, 409 for what the books refuse, 404 for an unknown act */
export function answerPerson(name: string, exchange: Exchange, world: World, request: string): Answer {
  if (exchange.method === "GET") return listFor(name, exchange, world);
  const run = ACTS[name];
  if (!run)
    return json(404, { ok: false, message: `No such act: ${name}. There are: ${Object.keys(ACTS).join(", ")}.` });
  try {
    const result = run(exchange.text === "" ? {} : JSON.parse(exchange.text), world, request);
    return json(200, { ok: true, ...result });
  } catch (error) {
    if (error instanceof Refusals)
      return json(409, { ok: false, msgCode: error.list[0]?.msgCode, message: error.message });
    if (error instanceof Refusal) return json(409, { ok: false, msgCode: error.msgCode, message: error.message });
    if (error instanceof z.ZodError) return json(400, { ok: false, message: z.prettifyError(error) });
    if (error instanceof SyntaxError) return json(400, { ok: false, message: error.message });
    throw error;
  } finally {
    world.flush();
  }
}

function listFor(name: string, exchange: Exchange, world: World): Answer {
  const { query } = exchange;
  if (name === "books") return json(200, { books: [...world.ledger.books.values()] });
  if (name === "vouchers") {
    const id = query.get("id");
    const external = query.get("external");
    const ids =
      id !== null ? [Number(id)] : external !== null ? world.ledger.byExternal(external) : world.ledger.idsAfter(0);
    const found: Voucher[] = [];
    for (const one of ids) {
      const voucher = world.ledger.vouchers.get(one);
      if (voucher && fitsList(voucher, query)) found.push(voucher);
    }
    return json(200, { vouchers: found.map(plainVoucher) });
  }
  if (name === "items") {
    const form = baseForm(query.get("form") ?? "");
    if (form) return json(200, { items: world.base.list(form.id) });
  }
  return json(404, { ok: false, message: "GET knows books, vouchers?id=&external=&book=&period= and items?form=." });
}

function fitsList(voucher: Voucher, query: URLSearchParams): boolean {
  const [book, period] = [query.get("book"), query.get("period")];
  if (book !== null && voucher.book !== book) return false;
  return period === null || voucher.date.startsWith(period);
}

type Stage = "saved" | "submitted" | "audited" | "booked";

function stageOf(voucher: Voucher): Stage {
  if (voucher.posted) return "booked";
  if (voucher.documentStatus === "C") return "audited";
  return voucher.documentStatus === "B" ? "submitted" : "saved";
}

/** 反过账, 反审核, 撤销: until the voucher may be changed. */
function takeDown(voucher: Voucher, world: World): void {
  const stage = stageOf(voucher);
  if (stage === "booked") world.ledger.unpost(voucher.id);
  if (stage === "booked" || stage === "audited") world.ledger.unaudit(voucher.id);
  if (stage === "submitted") world.ledger.cancelAssign(voucher.id);
}

function takeUp(id: number, stage: Stage, world: World, by: Origin, auditor: string | undefined): void {
  if (stage === "saved") return;
  world.ledger.submit(id);
  if (stage === "submitted") return;
  const { creator } = world.ledger.get(id);
  const other = creator === by.user ? "财务主管" : by.user;
  world.ledger.audit(id, { ...by, user: auditor === undefined || auditor === "" ? other : auditor });
  if (stage === "booked") world.ledger.post(id, by);
}

function changed(input: VoucherInput, change: z.output<typeof Change>): VoucherInput {
  const entries: (EntryInput | undefined)[] = [...input.entries];
  for (const { index, remove, ...fields } of change.lines) {
    const before = entries[index];
    if (index > entries.length) throw new Refusal(MSG.notFound, `凭证没有第${index + 1}行分录`);
    entries[index] = remove === true ? undefined : overlay(before ?? emptyEntry(), fields);
  }
  const head = Object.fromEntries(Object.entries(change.head).filter(([, value]) => value !== undefined));
  // Whoever changes the date means the period of that date.
  const kept = entries.filter((entry) => entry !== undefined);
  return { ...input, ...head, year: undefined, period: undefined, entries: kept };
}

function handwritten(body: z.output<typeof Write>, book: Book): VoucherInput {
  return {
    book: book.number,
    date: body.date,
    businessDate: body.date,
    year: undefined,
    period: undefined,
    group: body.group,
    number: body.number,
    attachments: body.attachments,
    reference: body.reference,
    external: body.external,
    sourceBillKey: "78050206-2fa6-40e3-b7c8-bd608146fa38",
    adjust: false,
    entries: body.lines.map((line) => overlay(emptyEntry(), line)),
  };
}

type LineChange = Partial<z.output<typeof Line>>;

function overlay(entry: EntryInput, change: LineChange): EntryInput {
  const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
  const merged: EntryInput = { ...entry, ...given };
  const amountChanged = change.debit !== undefined || change.credit !== undefined;
  const priceStale = change.price === undefined && (amountChanged || change.quantity !== undefined);
  return {
    ...merged,
    amountFor: amountChanged ? merged.debit + merged.credit : merged.amountFor,
    price: priceStale ? 0n : merged.price,
  };
}

function emptyEntry(): EntryInput {
  const blank: Omit<Entry, "id"> = {
    explanation: "手工录入",
    account: "",
    dimensions: {},
    currency: "PRE001",
    rateType: "HLTX01_SYS",
    rate: 10n ** 10n,
    unit: "",
    price: 0n,
    quantity: 0n,
    amountFor: 0n,
    debit: 0n,
    credit: 0n,
    businessNumber: "",
    settleType: "",
    settleNumber: "",
    exportEntryId: "",
  };
  return { ...blank, id: undefined };
}

function setForbidden(body: z.output<typeof ItemState>, world: World, forbidStatus: "A" | "B"): number {
  const scope = body.organization;
  const items = world.base
    .list(body.form)
    .filter((item) => item.number === body.number && (scope === undefined || item.scope === scope));
  if (items.length === 0) throw new Refusal(MSG.notFound, `编码为“${body.number}”的数据不存在`);
  for (const item of items) world.base.change(item, { forbidStatus });
  return items.length;
}

function json(status: number, value: object): Answer {
  // BigInt never reaches this point: vouchers are made plain first.
  return { status, body: JSON.stringify(value) };
}
