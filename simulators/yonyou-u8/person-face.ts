/**
 * What a person could do in the vendor's own client, over HTTP under `/_person/` and without a log-in: for tests, and for
 * IT staff who rehearse. Every body and answer is JSON; the README lists them.
 */

import { z } from "zod";
import type { Answer, Exchange } from "../shared/http.ts";
import { plainDocument, shownVoucher } from "./kept.ts";
import { draftOf, isExternal } from "./ledger.ts";
import { DuplicateUpload, type Origin, Refusal, type StockDocument, SUCCEED, type Voucher } from "./model.ts";
import * as shapes from "./person-shapes.ts";
import type { LineDraft, VoucherDraft } from "./voucher-rules.ts";
import type { Book, World } from "./world.ts";

type Act = (body: unknown, world: World, request: string) => object;

function act<Shape extends z.ZodType>(
  shape: Shape,
  run: (body: z.output<Shape>, world: World, origin: (user: string) => Origin) => object,
): Act {
  return (body, world, request) => {
    return run(shape.parse(body), world, (user) => ({ kind: "person", request, user }));
  };
}

type Stage = "saved" | "audited" | "booked";
const OTHER_AUDITOR = "财务主管";

const bookOf = (world: World, voucher: Voucher): Book => world.book(voucher.book);

/** The client leaves external vouchers alone; `force` is what a consultant does in the database. */
function refuseExternal(voucher: Voucher, force: boolean): void {
  if (isExternal(voucher) && !force) throw new Refusal("外部凭证不能在总账中修改或删除", SUCCEED.state);
}

function onVoucher(run: (voucher: Voucher, world: World, body: z.output<typeof shapes.OneVoucher>) => void): Act {
  return act(shapes.OneVoucher, (body, world) => {
    run(world.ledger.get(body.id), world, body);
    return { voucher: shownVoucher(world.ledger.get(body.id)) };
  });
}

function onDocument(
  run: (document: StockDocument, world: World, origin: Origin, body: z.output<typeof shapes.OneDocument>) => void,
): Act {
  return act(shapes.OneDocument, (body, world, origin) => {
    run(world.stock.get(body.id), world, origin(body.user), body);
    const left = world.stock.documents.get(body.id);
    return { document: left === undefined ? null : plainDocument(left) };
  });
}

const ACTS: Record<string, Act> = {
  audit: onVoucher((voucher, world, { user }) => {
    world.ledger.audit(bookOf(world, voucher), voucher.id, user === voucher.maker ? OTHER_AUDITOR : user);
  }),
  unaudit: onVoucher((voucher, world) => void world.ledger.unaudit(bookOf(world, voucher), voucher.id)),
  book: onVoucher((voucher, world, { user }) => void world.ledger.post(bookOf(world, voucher), voucher.id, user)),
  unbook: onVoucher((voucher, world) => void world.ledger.unpost(bookOf(world, voucher), voucher.id)),
  void: onVoucher((voucher, world, { force }) => {
    refuseExternal(voucher, force);
    if (force) takeDown(voucher, world);
    world.ledger.void(bookOf(world, voucher), voucher.id);
  }),
  unvoid: onVoucher((voucher, world) => void world.ledger.unvoid(bookOf(world, voucher), voucher.id)),
  delete: act(shapes.OneVoucher, (body, world, origin) => {
    const voucher = world.ledger.get(body.id);
    refuseExternal(voucher, body.force);
    if (body.force) takeDown(voucher, world);
    return { deleted: world.ledger.delete(bookOf(world, voucher), body.id, origin(body.user)).id };
  }),
  change: act(shapes.Change, (body, world) => {
    const before = world.ledger.get(body.id);
    refuseExternal(before, body.force);
    if (body.force) takeDown(before, world);
    try {
      const draft = changed(draftOf(world.ledger.get(body.id)), body);
      world.ledger.update(bookOf(world, before), world.ledger.get(body.id), draft, true);
    } finally {
      // Also when the books refused: the voucher is then as far as it was before.
      if (body.force) takeUp(body.id, stageOf(before), world, before.auditor, before.poster);
    }
    return { voucher: shownVoucher(world.ledger.get(body.id)) };
  }),
  write: act(shapes.Write, (body, world, origin) => {
    const mode = { renumber: body.number === "", fresh: true, again: true };
    const voucher = world.ledger.create(world.book(body.book), handwritten(body), mode, origin(body.user));
    takeUp(voucher.id, body.stage, world, OTHER_AUDITOR, body.user);
    return { voucher: shownVoucher(world.ledger.get(voucher.id)) };
  }),
  copy: act(shapes.Copy, (body, world, origin) => {
    const original = world.ledger.get(body.id);
    const date = body.date ?? original.date;
    const [year = "", period = ""] = date.split("-");
    // Our key travels with the copy, which then looks like a second posting.
    const draft = { ...draftOf(original), date, year, period, number: "", maker: body.user };
    const mode = { renumber: true, fresh: true, again: true };
    return { voucher: shownVoucher(world.ledger.create(bookOf(world, original), draft, mode, origin(body.user))) };
  }),
  tidy: act(shapes.Tidy, ({ book, period, user }, world, origin) => {
    const [year, month] = period.split("-").map(Number);
    return world.ledger.tidy(world.book(book), year ?? 0, month ?? 0, origin(user));
  }),
  "close-period": act(shapes.Closing, ({ book, period, module }, world) => {
    return { book: world.closePeriod(book, period, module) };
  }),
  "open-period": act(shapes.Closing, ({ book, period, module }, world) => {
    return { book: world.reopenPeriod(book, period, module) };
  }),
  "lock-period": act(shapes.LockPeriod, ({ book, period, locked }, world) => {
    const others = world.book(book).state.lockedPeriods.filter((one) => one !== period);
    return { book: world.changeBook(book, { lockedPeriods: locked ? [...others, period] : others }) };
  }),
  "write-document": act(shapes.WriteDocument, (body, world, origin) => {
    const { kind, head, lines } = body;
    const book = world.book(body.book);
    const by = origin(body.user);
    const document = world.stock.create(book, { kind, head: { maker: body.user, ...head }, lines }, by);
    if (body.audited && document.handler === "") world.stock.audit(book, document.id, body.user, by);
    return { document: plainDocument(world.stock.get(document.id)) };
  }),
  "change-document": act(shapes.ChangeDocument, (body, world, origin) => {
    const before = world.stock.get(body.id);
    const book = world.book(before.book);
    const by = origin(body.user);
    if (body.force && before.handler !== "") world.stock.unaudit(book, body.id, by);
    try {
      const lines = body.lines ?? before.lines.map(lineOf);
      world.stock.update(book, world.stock.get(body.id), {
        kind: before.kind,
        head: { ...before.head, ...body.head },
        lines,
      });
    } finally {
      if (body.force && before.handler !== "") world.stock.audit(book, body.id, before.handler, by);
    }
    return { document: plainDocument(world.stock.get(body.id)) };
  }),
  "audit-document": onDocument((document, world, origin) => {
    world.stock.audit(world.book(document.book), document.id, origin.user, origin);
  }),
  "unaudit-document": onDocument((document, world, origin) => {
    world.stock.unaudit(world.book(document.book), document.id, origin);
  }),
  "delete-document": onDocument((document, world, origin, { force }) => {
    const book = world.book(document.book);
    if (force && document.handler !== "") world.stock.unaudit(book, document.id, origin);
    world.stock.delete(book, document.id, origin);
  }),
  account: act(shapes.AccountChange, ({ book, ...account }, world) => {
    return { account: world.book(book).archives.putAccount(account) };
  }),
  "base-data": act(shapes.BaseData, ({ records, companies }, world) => {
    for (const company of companies) world.addCompany(company);
    for (const { book, ...record } of records) world.book(book).archives.put(record);
    return { records: records.length, companies: companies.length };
  }),
  stop: act(shapes.Stop, (body, world) => ({ record: setStopped(body, world, "1") })),
  enable: act(shapes.Stop, (body, world) => ({ record: setStopped(body, world, "0") })),
  rights: act(shapes.Right, ({ resource, operation, granted }, world) => {
    const right = `${resource.toLowerCase()}|${operation}`;
    if (granted) world.revoked.delete(right);
    else world.revoked.add(right);
    return { revoked: [...world.revoked] };
  }),
  lock: act(shapes.Lock, ({ id, what, user, locked }, world) => {
    if (locked) world.openInClient.set(`${what}|${id}`, user);
    else world.openInClient.delete(`${what}|${id}`);
    return { locked };
  }),
  settings: act(shapes.SettingsChange, (body, world) => {
    const given = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
    world.changeSettings(given);
    return { settings: world.settings };
  }),
};

/** @returns the answer; 400 for a body that does not fit, 409 for what the books refuse, 404 for an unknown act */
export function answerPerson(name: string, exchange: Exchange, world: World, request: string): Answer {
  if (exchange.method === "GET") return listFor(name, exchange, world);
  const run = Object.hasOwn(ACTS, name) ? ACTS[name] : undefined;
  if (!run) {
    return json(404, { ok: false, message: `No such act: ${name}. There are: ${Object.keys(ACTS).join(", ")}.` });
  }
  try {
    const result = run(exchange.text === "" ? {} : JSON.parse(exchange.text), world, request);
    return json(200, { ok: true, ...result });
  } catch (error) {
    if (error instanceof Refusal) return json(409, { ok: false, succeed: error.succeed, message: error.message });
    if (error instanceof DuplicateUpload) return json(409, { ok: false, message: error.message });
    if (error instanceof z.ZodError) return json(400, { ok: false, message: z.prettifyError(error) });
    if (error instanceof SyntaxError) return json(400, { ok: false, message: error.message });
    throw error;
  } finally {
    world.flush();
  }
}

function listFor(name: string, { query }: Exchange, world: World): Answer {
  const [id, book, period] = [query.get("id"), query.get("book"), query.get("period")];
  if (name === "books") return json(200, { books: [...world.books.values()].map(({ state }) => state) });
  if (name === "vouchers") {
    const external = query.get("external");
    const found = [...world.ledger.vouchers.values()].filter(
      (voucher) =>
        (id === null || voucher.id === Number(id)) &&
        (external === null || voucher.external === external) &&
        (book === null || voucher.book === book) &&
        (period === null || voucher.date.startsWith(period)),
    );
    return json(200, { vouchers: found.map(shownVoucher) });
  }
  if (name === "documents") {
    const [kind, code] = [query.get("kind"), query.get("code")];
    const found = [...world.stock.documents.values()].filter(
      (document) =>
        (id === null || document.id === Number(id)) &&
        (book === null || document.book === book) &&
        (kind === null || document.kind === kind) &&
        (code === null || document.code === code),
    );
    return json(200, { documents: found.map(plainDocument) });
  }
  if (name === "records") {
    const records = world.books.get(book ?? "001")?.archives.list(query.get("kind") ?? "");
    if (records) return json(200, { records });
  }
  return json(404, {
    ok: false,
    message:
      "GET knows books, vouchers?id=&external=&book=&period=, documents?id=&kind=&code=&book= and records?kind=&book=.",
  });
}

function stageOf(voucher: Voucher): Stage {
  if (voucher.posted) return "booked";
  return voucher.auditor === "" ? "saved" : "audited";
}

/** 反记账 and 弃审, until the voucher may be changed. */
function takeDown(voucher: Voucher, world: World): void {
  const book = bookOf(world, voucher);
  const stage = stageOf(voucher);
  if (stage === "booked") world.ledger.unpost(book, voucher.id);
  if (stage !== "saved") world.ledger.unaudit(book, voucher.id);
}

function takeUp(id: number, stage: Stage, world: World, auditor: string, poster: string): void {
  if (stage === "saved") return;
  const voucher = world.ledger.get(id);
  const other = auditor === "" || auditor === voucher.maker ? `${OTHER_AUDITOR}二` : auditor;
  world.ledger.audit(bookOf(world, voucher), id, other);
  if (stage === "booked") world.ledger.post(bookOf(world, voucher), id, poster);
}

function changed(draft: VoucherDraft, change: z.output<typeof shapes.Change>): VoucherDraft {
  const lines: (LineDraft | undefined)[] = [...draft.lines];
  for (const { index, remove, ...fields } of change.lines) {
    if (index > lines.length) throw new Refusal(`凭证没有第${index + 1}行分录`, SUCCEED.notFound);
    lines[index] = remove === true ? undefined : { ...(lines[index] ?? emptyLine()), ...given(fields) };
  }
  const head = given(change.head);
  const date = change.head.date;
  // Whoever changes the date means the period of that date.
  const period = date === undefined ? {} : { year: date.slice(0, 4), period: String(Number(date.slice(5, 7))) };
  const kept = lines.filter((line) => line !== undefined);
  return { ...draft, ...head, ...period, lines: kept.map((line, index) => ({ ...line, entry: String(index + 1) })) };
}

/** Drops what was not given, so that it overlays nothing. */
function given<Value>(fields: Readonly<Record<string, Value | undefined>>): Record<string, Value> {
  const kept: Record<string, Value> = {};
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) kept[name] = value;
  return kept;
}

function handwritten(body: z.output<typeof shapes.Write>): VoucherDraft {
  return {
    sign: body.sign,
    year: body.date.slice(0, 4),
    period: String(Number(body.date.slice(5, 7))),
    number: body.number,
    attachments: body.attachments,
    date: body.date,
    maker: body.user,
    cashier: "",
    auditor: "",
    flag: "",
    makingSystem: body.makingSystem,
    memo1: "",
    memo2: "",
    externalType: body.externalType,
    external: body.external,
    uploadId: "",
    lines: body.lines.map((line, index) => ({ ...emptyLine(), ...given(line), entry: String(index + 1) })),
  };
}

function emptyLine(): LineDraft {
  return {
    entry: "",
    account: "",
    abstract: "手工凭证",
    currency: "",
    rate: "",
    price: "",
    debit: "",
    credit: "",
    debitFor: "",
    creditFor: "",
    debitQuantity: "",
    creditQuantity: "",
    settlement: "",
    documentId: "",
    documentDate: "",
    billType: "",
    billId: "",
    billDate: "",
    auxiliaries: {},
    cashFlows: [],
  };
}

function lineOf(line: StockDocument["lines"][number]): Record<string, string> {
  return { ...line.fields };
}

function setStopped(body: z.output<typeof shapes.Stop>, world: World, disabled: string): object {
  const { archives } = world.book(body.book);
  const found = archives.find(body.kind, body.code);
  if (!found) throw new Refusal("档案不存在", SUCCEED.notFound);
  return archives.put({ kind: found.kind, code: found.code, fields: { disabled } });
}

function json(status: number, body: object): Answer {
  return { status, body: JSON.stringify(body) };
}
