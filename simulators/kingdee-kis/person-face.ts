/**
 * What a person does in the desktop program besides 引入 and 引出, over HTTP under `/_person/` and without a log-in.
 * Every body and answer is JSON; the README lists them.
 */

import { z } from "zod";
import { parseDecimal } from "../shared/decimal.ts";
import type { Answer, Exchange } from "../shared/http.ts";
import { itemKey } from "./ledger.ts";
import { type EntryInput, type Origin, periodOf, Refusal, type Voucher, type VoucherInput } from "./model.ts";
import { CURRENCY, plainVoucher, SettingsShape, type World } from "./world.ts";

export const DEFAULT_PERSON = "会计";
const OTHER_PERSON = "主管";

const DecimalText = z.string().transform((text, context) => {
  const value = parseDecimal(text);
  if (value !== undefined) return value;
  context.addIssue({ code: "custom", message: `"${text}" is no decimal text` });
  return z.NEVER;
});
export const Period = z.string().regex(/^\d{4}-(0[1-9]|1[0-2])$/);
const DateText = z.string().regex(/^\d{4}-\d{2}-\d{2}$/);
const Named = z.strictObject({ number: z.string(), name: z.string() });
export const user = z.string().default(DEFAULT_PERSON);

const LineFields = {
  summary: z.string(),
  account: z.string(),
  debit: DecimalText,
  credit: DecimalText,
  quantity: DecimalText,
  unit: z.string(),
  price: DecimalText,
  /** 核算类别 to code */
  objects: z.record(z.string(), z.string()),
  tradeNumber: z.string(),
  reference: z.string(),
};
const Line = z.strictObject(LineFields).partial();
type Line = z.output<typeof Line>;

const OneVoucher = z.strictObject({ id: z.int(), user, force: z.boolean().default(false) });
const Change = z.strictObject({
  id: z.int(),
  user,
  /** takes the voucher down to where it may be edited, and up again afterwards */
  force: z.boolean().default(false),
  head: z
    .strictObject({ date: DateText, group: z.string(), number: z.int().min(1), attachments: z.int().min(0) })
    .partial()
    .default({}),
  /** `index` from 0; with `remove` the line goes; an index one past the end adds a line */
  lines: z.array(z.strictObject({ index: z.int().min(0), remove: z.boolean().optional(), ...Line.shape })).default([]),
});
const Write = z.strictObject({
  date: DateText,
  user,
  group: z.string().default("记"),
  attachments: z.int().min(0).default(0),
  lines: z.array(Line).min(1),
  /** how far the voucher is taken at once */
  stage: z.enum(["saved", "audited", "booked"]).default("saved"),
});
const Copy = z.strictObject({ id: z.int(), user, date: DateText.optional() });
const ClosePeriod = z.strictObject({
  period: Period,
  user,
  /** audits and books first what still waits */
  force: z.boolean().default(false),
});
const OpenPeriod = z.strictObject({ period: Period });
const Renumber = z.strictObject({ period: Period, group: z.string().default("记") });
const Account = z.strictObject({
  number: z.string(),
  name: z.string().optional(),
  direction: z.union([z.literal(1), z.literal(-1)]).optional(),
  quantity: z.boolean().optional(),
  objects: z.record(z.string(), z.enum(["required", "optional"])).optional(),
  disabled: z.boolean().optional(),
});
const ItemState = z.strictObject({ className: z.string(), number: z.string() });
const BaseDataBulk = z.strictObject({
  classes: z.array(z.strictObject({ name: z.string(), slot: z.int().min(0).max(8) })).optional(),
  accounts: z.array(Account).optional(),
  objects: z.array(z.strictObject({ ...Named.shape, className: z.string() })).optional(),
  items: z.array(Named).optional(),
  warehouses: z.array(Named).optional(),
  suppliers: z.array(Named).optional(),
  customers: z.array(Named).optional(),
  departments: z.array(Named).optional(),
  employees: z.array(Named).optional(),
});
const BookRules = z.strictObject({
  auditorMustDiffer: z.boolean().optional(),
  bookWithoutAudit: z.boolean().optional(),
  groups: z.array(z.string().min(1)).min(1).optional(),
});

type Act = (body: unknown, world: World, request: string) => object;

function act<Shape extends z.ZodType>(
  shape: Shape,
  run: (body: z.output<Shape>, world: World, origin: (user: string) => Origin) => object,
): Act {
  return (body, world, request) => {
    const origin = (name: string): Origin => ({ kind: "person", request, user: name, file: "" });
    return run(shape.parse(body), world, origin);
  };
}

const onVoucher = (run: (id: number, world: World, user: string) => Voucher): Act =>
  act(OneVoucher, (body, world) => ({ voucher: plainVoucher(run(body.id, world, body.user)) }));

const ACTS: Record<string, Act> = {
  audit: act(OneVoucher, ({ id, user: name }, world) => ({
    voucher: plainVoucher(world.ledger.audit(id, auditorFor(world.ledger.get(id), name))),
  })),
  unaudit: onVoucher((id, world) => world.ledger.unaudit(id)),
  book: onVoucher((id, world, name) => world.ledger.post(id, name)),
  unbook: onVoucher((id, world) => world.ledger.unpost(id)),
  void: onVoucher((id, world) => world.ledger.setInvalid(id, true)),
  unvoid: onVoucher((id, world) => world.ledger.setInvalid(id, false)),
  delete: act(OneVoucher, (body, world, origin) => {
    if (body.force) takeDown(world.ledger.get(body.id), world);
    return { deleted: world.ledger.delete(body.id, origin(body.user)).id };
  }),
  change: act(Change, (body, world) => {
    const before = world.ledger.get(body.id);
    if (body.force) takeDown(before, world);
    try {
      world.ledger.update(body.id, changed(before, body));
    } finally {
      // Also when the books refused: the voucher is then as far as it was before.
      if (body.force) takeUp(body.id, stageOf(before), world, { auditor: before.checker, poster: before.poster });
    }
    return { voucher: plainVoucher(world.ledger.get(body.id)) };
  }),
  write: act(Write, (body, world, origin) => {
    const input: VoucherInput = {
      date: body.date,
      period: 0,
      group: body.group,
      number: 0,
      attachments: body.attachments,
      preparer: body.user,
      entries: body.lines.map((line) => overlay(EMPTY_ENTRY, line)),
    };
    const { id } = world.ledger.create(input, origin(body.user));
    takeUp(id, body.stage, world, { auditor: body.user, poster: body.user });
    return { voucher: plainVoucher(world.ledger.get(id)) };
  }),
  copy: act(Copy, (body, world, origin) => {
    const original = world.ledger.get(body.id);
    // The program copies every entry as it is, 业务编号, 参考信息 and 摘要 among them: it looks like a second posting.
    const input = { ...inputFrom(original), number: 0, date: body.date ?? original.date, preparer: body.user };
    return { voucher: plainVoucher(world.ledger.create(input, origin(body.user))) };
  }),
  renumber: act(Renumber, ({ period, group }, world) => ({ changed: world.ledger.renumber(period, group) })),
  "close-period": act(ClosePeriod, ({ period, user: name, force }, world) => {
    if (force) bookAll(period, name, world);
    world.ledger.closePeriod(period);
    return { closedThrough: world.ledger.book.closedThrough };
  }),
  "open-period": act(OpenPeriod, ({ period }, world) => {
    world.ledger.openPeriod(period);
    return { closedThrough: world.ledger.book.closedThrough };
  }),
  "book-rules": act(BookRules, (body, world) => {
    world.ledger.changeBook(given(body));
    return { book: world.ledger.book };
  }),
  account: act(Account, (body, world) => {
    const { number, ...change } = body;
    world.putAccount({ number, ...given(change) });
    return { account: world.ledger.accounts.get(number) };
  }),
  "base-data": act(BaseDataBulk, (body, world) => {
    const { accounts, ...rest } = body;
    world.addBaseData(rest);
    for (const { number, ...change } of accounts ?? []) world.putAccount({ number, ...given(change) });
    return {};
  }),
  forbid: act(ItemState, (body, world) => setDisabled(body, world, true)),
  enable: act(ItemState, (body, world) => setDisabled(body, world, false)),
  settings: act(SettingsShape.partial(), (body, world) => {
    world.changeSettings(given(body));
    return { settings: world.settings };
  }),
};

export function answerPerson(name: string, exchange: Exchange, world: World, request: string): Answer {
  if (exchange.method !== "POST") return listFor(name, exchange, world);
  const run = Object.hasOwn(ACTS, name) ? ACTS[name] : undefined;
  if (run === undefined) return json(404, { ok: false, message: `a person knows no act "${name}"` });
  return saying(
    () => ({ ok: true, ...run(exchange.text === "" ? {} : JSON.parse(exchange.text), world, request) }),
    world,
  );
}

/** Words what an act returns or throws. */
export function saying(run: () => object, world: World): Answer {
  try {
    return json(200, run());
  } catch (error) {
    return worded(error);
  } finally {
    world.flush();
  }
}

/** 409 what the program refuses, 400 a body that does not fit. @throws whatever else it was */
export function worded(error: unknown): Answer {
  if (error instanceof Refusal) return json(409, { ok: false, message: error.message });
  if (error instanceof z.ZodError) return json(400, { ok: false, message: z.prettifyError(error) });
  if (error instanceof SyntaxError) return json(400, { ok: false, message: error.message });
  throw error;
}

export function json(status: number, value: object): Answer {
  return { status, body: JSON.stringify(value) };
}

function listFor(name: string, exchange: Exchange, world: World): Answer {
  const { query } = exchange;
  const { ledger } = world;
  if (name === "books") return json(200, { books: [ledger.book] });
  if (name === "vouchers") {
    const [id, period] = [query.get("id"), query.get("period")];
    const found = [...ledger.vouchers.values()].filter(
      (voucher) => (id === null || voucher.id === Number(id)) && (period === null || periodOf(voucher.date) === period),
    );
    return json(200, { vouchers: found.map(plainVoucher) });
  }
  if (name === "accounts") return json(200, { accounts: [...ledger.accounts.values()] });
  if (name === "items") {
    const className = query.get("class");
    const items = [...ledger.items.values()].filter((item) => className === null || item.className === className);
    return json(200, { classes: [...ledger.classes.values()], items });
  }
  return json(404, { ok: false, message: "GET knows books, vouchers?id=&period=, accounts and items?class=." });
}

type Stage = "saved" | "audited" | "booked";

function stageOf(voucher: Voucher): Stage {
  if (voucher.poster !== "") return "booked";
  return voucher.checker === "" ? "saved" : "audited";
}

/** 反过账, 反审核: until the voucher may be changed. */
function takeDown(voucher: Voucher, world: World): void {
  if (voucher.poster !== "") world.ledger.unpost(voucher.id);
  if (voucher.checker !== "") world.ledger.unaudit(voucher.id);
}

function takeUp(id: number, stage: Stage, world: World, by: { auditor: string; poster: string }): void {
  if (stage === "saved") return;
  world.ledger.audit(id, auditorFor(world.ledger.get(id), by.auditor));
  if (stage === "booked") world.ledger.post(id, by.poster);
}

/** Whoever made the voucher asks a colleague to audit it. */
function auditorFor(voucher: Voucher, name: string): string {
  if (voucher.preparer !== name) return name;
  return name === OTHER_PERSON ? DEFAULT_PERSON : OTHER_PERSON;
}

function bookAll(period: string, name: string, world: World): void {
  for (const { id, date, poster, checker, invalid } of world.ledger.vouchers.values()) {
    if (periodOf(date) > period || poster !== "" || invalid) continue;
    if (checker === "") world.ledger.audit(id, auditorFor(world.ledger.get(id), name));
    world.ledger.post(id, name);
  }
}

function inputFrom(voucher: Voucher): VoucherInput {
  return {
    date: voucher.date,
    period: 0,
    group: voucher.group,
    number: voucher.number,
    attachments: voucher.attachments,
    preparer: voucher.preparer,
    entries: voucher.entries.map((entry) => ({
      ...entry,
      row: 0,
      debit: entry.side === "D" ? entry.amount : 0n,
      credit: entry.side === "C" ? entry.amount : 0n,
    })),
  };
}

function changed(before: Voucher, change: z.output<typeof Change>): VoucherInput {
  const input = inputFrom(before);
  const entries: (EntryInput | undefined)[] = [...input.entries];
  for (const { index, remove, ...fields } of change.lines) {
    if (index > entries.length) throw new Refusal(`凭证没有第${index + 1}条分录`);
    entries[index] = remove === true ? undefined : overlay(entries[index] ?? EMPTY_ENTRY, fields);
  }
  const date = change.head.date ?? before.date;
  const group = change.head.group ?? before.group;
  const stays = periodOf(date) === periodOf(before.date) && group === before.group;
  return {
    ...input,
    date,
    group,
    number: change.head.number ?? (stays ? before.number : 0),
    attachments: change.head.attachments ?? before.attachments,
    entries: entries.filter((entry) => entry !== undefined),
  };
}

const EMPTY_ENTRY: EntryInput = {
  row: 0,
  summary: "手工录入",
  account: "",
  objects: [],
  tradeNumber: "",
  reference: "",
  currency: CURRENCY.code,
  rate: 10n ** 10n,
  side: "D",
  amountFor: 0n,
  amount: 0n,
  quantity: 0n,
  unit: "",
  price: 0n,
  settleCode: "",
  settleNumber: "",
  debit: 0n,
  credit: 0n,
};

function overlay(entry: EntryInput, { objects, ...change }: Line): EntryInput {
  const merged: EntryInput = { ...entry, ...given(change) };
  // A person fills one of the two columns; the other one empties.
  const side =
    change.credit !== undefined && change.credit !== 0n ? "C" : change.debit !== undefined ? "D" : entry.side;
  const amount = side === "D" ? (change.debit ?? entry.amount) : (change.credit ?? entry.amount);
  return {
    ...merged,
    ...(objects === undefined
      ? {}
      : { objects: Object.entries(objects).map(([className, code]) => ({ className, code })) }),
    side,
    amount,
    amountFor: amount,
    debit: side === "D" ? amount : 0n,
    credit: side === "C" ? amount : 0n,
  };
}

type Given<Fields> = { [Name in keyof Fields]?: Exclude<Fields[Name], undefined> };

/** What a body names; absent members change nothing. */
function given<Fields extends object>(fields: Fields): Given<Fields> {
  const kept: Given<Fields> = {};
  for (const name in fields) {
    const value = fields[name];
    if (isGiven(value)) kept[name] = value;
  }
  return kept;
}

function isGiven<Value>(value: Value): value is Exclude<Value, undefined> {
  return value !== undefined;
}

function setDisabled({ className, number }: z.output<typeof ItemState>, world: World, disabled: boolean): object {
  const item = world.ledger.items.get(itemKey(className, number));
  if (!item) throw new Refusal(`核算类别“${className}”中代码“${number}”不存在`);
  world.putItem({ ...item, disabled });
  return { item: { ...item, disabled } };
}
