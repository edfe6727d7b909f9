/**
 * What a person could do in the vendor's own client, over HTTP under `/_person/` and without a log-in: for tests, and for
 * IT staff who rehearse. Every body and answer is JSON; the README lists them.
 */

import { z } from "zod";
import type { FaultPlan } from "../shared/faults.ts";
import type { Answer, Exchange } from "../shared/http.ts";
import type { AccountSet } from "./account-set.ts";
import type { Auth } from "./auth.ts";
import { plainBill } from "./keeping.ts";
import type { EntryInput, VoucherInput } from "./ledger.ts";
import { ERR, type Origin, Refusal, type Voucher } from "./model.ts";
import {
  Anything,
  BaseDataBulk,
  BookPeriod,
  BookRules,
  ChangeAccount,
  ChangeBill,
  ChangeVoucher,
  CopyVoucher,
  ItemState,
  type LineChange,
  OneDocument,
  Right,
  Secret,
  WriteBill,
  WriteVoucher,
} from "./person-shapes.ts";
import { billOf, changeBill, deleteBill, operateBill, writeBill } from "./person-stock.ts";
import { dumpVoucher, setFaults } from "./sim-face.ts";
import type { World } from "./world.ts";

/** What an act is given besides its body. */
type Room = { world: World; auth: Auth; by: (user: string) => Origin };

type Act = (body: unknown, room: Room) => object;

function act<Shape extends z.ZodType>(shape: Shape, run: (body: z.output<Shape>, room: Room) => object): Act {
  return (body, room) => run(shape.parse(body), room);
}

const ACTS: Record<string, Act> = {
  audit: act(OneDocument, ({ id, user }, { world, by }) => {
    const { set } = voucherOf(id, world);
    return { voucher: dumpVoucher(set.ledger.audit(id, by(user)), set) };
  }),
  unaudit: act(OneDocument, ({ id }, { world }) => {
    const { set } = voucherOf(id, world);
    return { voucher: dumpVoucher(set.ledger.unaudit(id), set) };
  }),
  delete: act(OneDocument, ({ id, user, force }, { world, by }) => {
    const { set, voucher } = voucherOf(id, world);
    if (force && voucher.status === "C") set.ledger.unaudit(id);
    return { deleted: set.ledger.delete(id, by(user)).id };
  }),
  reverse: act(OneDocument, ({ id, user }, { world, by }) => {
    const { set } = voucherOf(id, world);
    return { voucher: dumpVoucher(set.ledger.reverse(id, by(user)), set) };
  }),
  change: act(ChangeVoucher, (body, { world, by }) => {
    const { set, voucher } = voucherOf(body.id, world);
    const takenDown = body.force && voucher.status === "C";
    if (takenDown) set.ledger.unaudit(body.id);
    try {
      set.ledger.update(body.id, changed(voucher, body), by(body.user));
    } finally {
      // Also when the books refused: the voucher is then as far as it was before.
      if (takenDown) set.ledger.audit(body.id, { ...by(body.user), user: voucher.auditor });
    }
    return { voucher: dumpVoucher(set.ledger.get(body.id), set) };
  }),
  write: act(WriteVoucher, (body, { world, by }) => {
    const set = setOf(body.book, world);
    const { date, group, number, remark, external } = body;
    const entries = body.lines.map((line) => overlay(EMPTY_ENTRY, line));
    const input = { date, group, number, remark, external, attachments: [], entries };
    const voucher = set.ledger.create(input, by(body.user));
    const auditor = set.book.auditorMustDiffer ? "财务主管" : body.user;
    return {
      voucher: dumpVoucher(body.stage === "audited" ? set.ledger.audit(voucher.id, by(auditor)) : voucher, set),
    };
  }),
  copy: act(CopyVoucher, (body, { world, by }) => {
    const { set, voucher } = voucherOf(body.id, world);
    const entries = voucher.entries.map((entry) => ({ ...entry, id: undefined }));
    const external = body.keepExternal ? voucher.external : "";
    const input = { ...inputOf(voucher), date: body.date ?? voucher.date, number: "", external, entries };
    return { voucher: dumpVoucher(set.ledger.create(input, by(body.user)), set) };
  }),
  "close-period": act(BookPeriod, ({ book, period }, { world }) => ({
    book: setOf(book, world).ledger.closePeriod(period),
  })),
  "open-period": act(BookPeriod, ({ book, period }, { world }) => ({
    book: setOf(book, world).ledger.openPeriod(period),
  })),
  "book-rules": act(BookRules, ({ book, auditorMustDiffer }, { world }) => ({
    book: setOf(book, world).ledger.changeBook(auditorMustDiffer === undefined ? {} : { auditorMustDiffer }),
  })),
  forbid: act(ItemState, (body, { world }) => setEnabled(body, world, false)),
  enable: act(ItemState, (body, { world }) => setEnabled(body, world, true)),
  account: act(ChangeAccount, ({ book, ...account }, { world }) => ({
    account: setOf(book, world).putAccount(account).number,
  })),
  "base-data": act(BaseDataBulk, ({ book, records, companies }, { world }) => {
    for (const company of companies) world.addCompany(company);
    for (const record of records) setOf(book, world).base.put(record);
    return { records: records.length, companies: companies.length };
  }),
  rights: act(Right, ({ book, entity, operation, granted }, { world }) => {
    const { revoked } = setOf(book, world);
    if (granted) revoked.delete(`${entity}|${operation}`);
    else revoked.add(`${entity}|${operation}`);
    return { revoked: [...revoked] };
  }),
  settings: act(Anything, (body, { world }) => ({ settings: world.changeSettings(body) })),
  "rotate-secret": act(Secret, ({ book }, { world, auth }) => {
    const set = setOf(book, world);
    auth.rotate(set);
    return { authorisation: set.authorisation };
  }),
  "end-sessions": act(Secret, ({ book }, { world }) => {
    const sets = book === undefined ? world.sets() : [setOf(book, world)];
    for (const set of sets) set.endTokens();
    return { ended: sets.length };
  }),
  "bill-write": act(WriteBill, (body, { world, by }) => writeBill(body, setOf(body.book, world), by(body.user))),
  "bill-change": act(ChangeBill, (body, { world, by }) => {
    const { set, bill } = billOf(body.id, world.sets());
    return changeBill(body, set, bill, by(body.user));
  }),
  "bill-audit": act(OneDocument, ({ id, user }, { world, by }) => operateBill(id, "audit", world.sets(), by(user))),
  "bill-unaudit": act(OneDocument, ({ id, user }, { world, by }) => operateBill(id, "unaudit", world.sets(), by(user))),
  "bill-delete": act(OneDocument, ({ id, user, force }, { world, by }) =>
    deleteBill(id, force, world.sets(), by(user)),
  ),
};

/** @returns the answer; 400 for a body that does not fit, 409 for what the books refuse, 404 for an unknown act */
export function answerPerson(
  name: string,
  exchange: Exchange,
  world: World,
  auth: Auth,
  faults: FaultPlan,
  request: string,
): Answer {
  if (exchange.method === "GET") return listFor(name, exchange.query, world);
  if (name === "faults") return setFaults(exchange, faults);
  const run = Object.hasOwn(ACTS, name) ? ACTS[name] : undefined;
  if (!run)
    return json(404, { ok: false, message: `No such act: ${name}. There are: ${Object.keys(ACTS).join(", ")}.` });
  const room: Room = { world, auth, by: (user) => ({ kind: "person", request, user }) };
  try {
    const result = run(exchange.text === "" ? {} : JSON.parse(exchange.text), room);
    return json(200, { ok: true, ...result });
  } catch (error) {
    if (error instanceof Refusal) return json(409, { ok: false, errcode: error.errcode, message: error.message });
    if (error instanceof z.ZodError) return json(400, { ok: false, message: z.prettifyError(error) });
    if (error instanceof SyntaxError) return json(400, { ok: false, message: error.message });
    throw error;
  } finally {
    world.flush();
  }
}

function listFor(name: string, query: URLSearchParams, world: World): Answer {
  const asked = (key: string, value: string): boolean => query.get(key) === null || query.get(key) === value;
  const sets = world.sets().filter(({ book }) => asked("book", book.number));
  switch (name) {
    case "books":
      return json(200, { books: sets.map(({ book }) => book) });
    case "vouchers": {
      const vouchers = sets.flatMap((set) =>
        [...set.ledger.vouchers.values()]
          .filter(({ id, external, date }) => {
            return asked("id", id) && asked("external", external) && asked("period", date.slice(0, 7));
          })
          .map((voucher) => dumpVoucher(voucher, set)),
      );
      return json(200, { vouchers });
    }
    case "bills": {
      const bills = sets.flatMap(({ stock }) => [...stock.bills.values()]);
      const fitting = bills.filter(
        ({ id, kind, number }) => asked("id", id) && asked("kind", kind) && asked("number", number),
      );
      return json(200, { bills: fitting.map(plainBill) });
    }
    case "items":
      return json(200, { items: sets.flatMap(({ base }) => base.list(query.get("kind") ?? "")) });
    default:
      return json(404, {
        ok: false,
        message: "GET knows books, vouchers?id=&external=&book=&period=, bills?id=&kind=&number= and items?kind=.",
      });
  }
}

function setOf(number: string | undefined, world: World): AccountSet {
  const set = world.findSet(number);
  if (!set) throw new Refusal(ERR.notFound, `账套“${number ?? ""}”不存在`);
  return set;
}

function voucherOf(id: string, world: World): { set: AccountSet; voucher: Voucher } {
  for (const set of world.sets()) {
    const voucher = set.ledger.vouchers.get(id);
    if (voucher) return { set, voucher };
  }
  throw new Refusal(ERR.notFound, `参数id[${id}]不存在`);
}

function setEnabled(body: z.output<typeof ItemState>, world: World, enable: boolean): object {
  const { base } = setOf(body.book, world);
  const item = base.find(body.kind, body.number);
  if (!item) throw new Refusal(ERR.notFound, `参数number[${body.number}]不存在`);
  base.change(item, { enable });
  return { items: 1 };
}

function inputOf({ date, group, number, remark, external, attachments, entries }: Voucher): VoucherInput {
  return { date, group, number, remark, external, attachments, entries };
}

function changed(voucher: Voucher, change: z.output<typeof ChangeVoucher>): VoucherInput {
  const entries: (EntryInput | undefined)[] = [...voucher.entries];
  for (const { index, remove, ...fields } of change.lines) {
    if (index > entries.length) throw new Refusal(ERR.notFound, `凭证没有第${index + 1}条分录`);
    entries[index] = remove === true ? undefined : overlay(entries[index] ?? EMPTY_ENTRY, fields);
  }
  const head = Object.fromEntries(Object.entries(change.head).filter(([, value]) => value !== undefined));
  return { ...inputOf(voucher), ...head, entries: entries.filter((entry) => entry !== undefined) };
}

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

const EMPTY_ENTRY: EntryInput = {
  id: undefined,
  explanation: "手工录入",
  account: "",
  assist: {},
  currency: "RMB",
  unit: "",
  price: 0n,
  quantity: 0n,
  amountFor: 0n,
  debit: 0n,
  credit: 0n,
};

function json(status: number, value: object): Answer {
  // BigInt never reaches this point: vouchers and documents are made plain first.
  return { status, body: JSON.stringify(value) };
}
