/**
 * What a person could do in the vendor's own client, over HTTP under `/_person/` and without a log-in: for tests, and for
 * IT staff who rehearse. Every body and answer is JSON; the README lists them.
 */

import { z } from "zod";
import type { Answer, Exchange } from "../shared/http.ts";
import { parseJson } from "../shared/json.ts";
import { addToCompany } from "./company.ts";
import { ServiceError } from "./errors.ts";
import { balancesOf, isReversal, JOURNAL, REVERSALS, reverseJournal } from "./ledger.ts";
import { presented } from "./master-data.ts";
import { decimal, list, type Origin, type Row, text } from "./model.ts";
import { act, create, remove, saveDraft, update } from "./operations.ts";
import { PERIODS, periods, setPeriodsThrough } from "./periods.ts";
import { CompanyBody, DateText, DecimalText, Period } from "./person-bodies.ts";
import { putRate } from "./rates.ts";
import { Settings } from "./settings.ts";
import { warehouseStock } from "./stock.ts";
import { showUserObjects } from "./user-objects.ts";
import { readRow } from "./values.ts";
import type { Context, World } from "./world.ts";

const user = z.string().default("manager");
const Fields = z.record(z.string(), z.unknown());
const set = z.string().default(JOURNAL);
const key = z.union([z.string(), z.int()]).transform(String);

const OneRecord = z.strictObject({ set, id: key, user });
const Change = z.strictObject({ set, id: key, user, fields: Fields });
const Write = z.strictObject({ set, user, fields: Fields });
const Copy = z.strictObject({ set, id: key, user, date: DateText.optional(), userFields: z.boolean().default(true) });
const OnePeriod = z.strictObject({ period: Period, user });
const PeriodChange = z.strictObject({
  period: Period,
  user,
  status: z.enum(["ltUnlocked", "ltUnlockedExceptSales", "ltPeriodClosing", "ltLocked"]).optional(),
  postingFrom: DateText.optional(),
  postingTo: DateText.optional(),
  dueFrom: DateText.optional(),
  dueTo: DateText.optional(),
  taxFrom: DateText.optional(),
  taxTo: DateText.optional(),
});
const Right = z.strictObject({
  user: z.string().optional(),
  set: z.string(),
  /** an operation as the README lists them; "*" is every one */
  operation: z.string().default("*"),
  granted: z.boolean(),
});
const UserState = z.strictObject({ user: z.string(), enabled: z.boolean() });
const Rate = z.strictObject({ currency: z.string().length(3), date: DateText, rate: DecimalText });

type Act = (body: unknown, world: World, request: string) => object;

function define<Shape extends z.ZodType>(
  shape: Shape,
  run: (body: z.output<Shape>, world: World, as: (user: string) => Context) => object,
): Act {
  return (body, world, request) => {
    const as = (name: string): Context => {
      const origin: Origin = { kind: "person", request, user: name };
      return { world, origin };
    };
    const parsed = shape.parse(body);
    return world.store.transact(() => run(parsed, world, as));
  };
}

const ACTS: Readonly<Record<string, Act>> = {
  change: define(Change, (body, world, as) => {
    const definition = setOf(world, body.set);
    const mode = { put: false, replace: false, linePatchMode: "insert" } as const;
    update(as(body.user), definition, body.id, inputOf(world, body.set, body.fields), mode);
    return { record: shown(world, body.set, body.id) };
  }),
  write: define(Write, (body, world, as) => {
    const id = create(as(body.user), setOf(world, body.set), inputOf(world, body.set, body.fields));
    return { id, record: shown(world, body.set, id) };
  }),
  copy: define(Copy, (body, world, as) => {
    const original = world.row(body.set, body.id);
    if (original === undefined) throw new ServiceError(-2028, "No matching records found (ODBC -2028)", 404);
    const id = create(as(body.user), setOf(world, body.set), copied(world, body.set, original, body));
    return { id, record: shown(world, body.set, id) };
  }),
  cancel: define(OneRecord, (body, world, as) => {
    if (body.set !== JOURNAL) {
      act(as(body.user), setOf(world, body.set), body.id, "Cancel");
      return { record: shown(world, body.set, body.id) };
    }
    const reversal = reverseJournal(as(body.user), Number(body.id));
    return { reversal, record: shown(world, body.set, String(reversal)) };
  }),
  close: define(OneRecord, (body, world, as) => {
    act(as(body.user), setOf(world, body.set), body.id, "Close");
    return { record: shown(world, body.set, body.id) };
  }),
  delete: define(OneRecord, (body, world, as) => {
    remove(as(body.user), setOf(world, body.set), body.id);
    return { deleted: body.id };
  }),
  approve: define(z.strictObject({ draft: key, user }), (body, _world, as) => ({
    document: saveDraft(as(body.user), body.draft),
  })),
  "close-period": define(OnePeriod, (body, world, as) => ({
    changed: setPeriodsThrough(world, body.period, false, as(body.user).origin),
  })),
  "open-period": define(OnePeriod, (body, world, as) => ({
    changed: setPeriodsThrough(world, body.period, true, as(body.user).origin),
  })),
  period: define(PeriodChange, (body, world, as) => {
    const found = [...world.store.rows(PERIODS)].find(([, { row }]) => row["PeriodCode"] === body.period);
    if (found === undefined) throw new ServiceError(-2028, "No matching records found (ODBC -2028)", 404);
    const [id, { row }] = found;
    world.store.put(PERIODS, id, { ...row, ...windowsOf(body) }, as(body.user).origin);
    return { period: world.row(PERIODS, id) ?? null };
  }),
  "base-data": define(z.strictObject({ company: CompanyBody, user }), (body, _world, as) => {
    addToCompany(as(body.user), body.company);
    return {};
  }),
  rate: define(Rate, (body, world, as) => {
    putRate(world, body.currency, body.date, body.rate, as("manager").origin);
    return {};
  }),
  rights: define(Right, (body, world) => {
    const right = `${body.user ?? world.credentials.userName}|${body.set}|${body.operation}`;
    if (body.granted) world.revoked.delete(right);
    else world.revoked.add(right);
    return { revoked: [...world.revoked] };
  }),
  user: define(UserState, (body, world) => {
    if (body.enabled) world.disabledUsers.delete(body.user);
    else world.disabledUsers.add(body.user);
    return { disabled: [...world.disabledUsers] };
  }),
  settings: define(z.strictObject(Settings.shape).partial(), (body, world) => {
    world.changeSettings(Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined)));
    return { settings: world.settings };
  }),
  "restart-service": define(z.strictObject({}), (_body, world) => {
    showUserObjects(world);
    return { sets: [...world.schema.sets.keys()].length };
  }),
};

/** @returns the answer; 400 for a body that does not fit, 409 for what the books refuse, 404 for an unknown act */
export function answerPerson(name: string, exchange: Exchange, world: World, request: string): Answer {
  if (exchange.method === "GET") return listFor(name, exchange, world);
  const run = ACTS[name];
  if (run === undefined) {
    return json(404, { ok: false, message: `No such act: ${name}. There are: ${Object.keys(ACTS).join(", ")}.` });
  }
  try {
    return json(200, { ok: true, ...run(exchange.text === "" ? {} : JSON.parse(exchange.text), world, request) });
  } catch (error) {
    if (error instanceof ServiceError) return json(409, { ok: false, code: error.code, message: error.message });
    if (error instanceof z.ZodError) return json(400, { ok: false, message: z.prettifyError(error) });
    if (error instanceof SyntaxError) return json(400, { ok: false, message: error.message });
    throw error;
  } finally {
    world.store.flush();
  }
}

function setOf(world: World, name: string) {
  const found = world.schema.sets.get(name);
  if (found === undefined) throw new ServiceError(-1000, "Unrecognized resource path.", 404);
  return found;
}

/** Vendor names and values, numbers as text or JSON numbers: read exactly as a request body is. */
function inputOf(world: World, name: string, fields: object): Row {
  const options = { schema: world.schema, memoLength: world.settings.memoLength };
  return readRow(world.schema.type(setOf(world, name).type), parseJson(JSON.stringify(fields)), options);
}

/** Duplicate copies the user fields too: the copy looks like a second posting. */
function copied(
  world: World,
  name: string,
  original: Row,
  how: { date?: string | undefined; userFields: boolean },
): Row {
  const type = world.schema.type(setOf(world, name).type);
  const kept = [...type.properties.values()].filter(
    (property) => !property.readOnly && (how.userFields || !property.name.startsWith("U_")),
  );
  const row: Row = Object.fromEntries(kept.map((property) => [property.name, original[property.name]]));
  if (how.date === undefined) return row;
  const dates = ["ReferenceDate", "DocDate", "DueDate", "DocDueDate", "TaxDate"].filter((date) => date in row);
  const lines = list(row, "JournalEntryLines").map(
    ({ DueDate: _due, ReferenceDate1: _posting, TaxDate: _tax, ...line }) => line,
  );
  return {
    ...row,
    ...Object.fromEntries(dates.map((date) => [date, how.date])),
    ...(lines.length === 0 ? {} : { JournalEntryLines: lines }),
  };
}

function windowsOf(body: z.output<typeof PeriodChange>): Row {
  const given: Record<string, string | undefined> = {
    PeriodStatus: body.status,
    Locked: body.status === undefined ? undefined : body.status === "ltLocked" ? "tYES" : "tNO",
    PostingDateFrom: body.postingFrom,
    PostingDateTo: body.postingTo,
    ValueDateFrom: body.dueFrom,
    ValueDateTo: body.dueTo,
    TaxDateFrom: body.taxFrom,
    TaxDateTo: body.taxTo,
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

function shown(world: World, name: string, id: string): object | null {
  const entry = world.store.get(name, id);
  if (entry === undefined) return null;
  const about =
    name === JOURNAL
      ? { reversedBy: world.row(REVERSALS, id)?.["Reversal"] ?? null, isReversal: isReversal(world, Number(id)) }
      : {};
  return { ...presented(world, setOf(world, name), entry), _meta: { ...entry.meta, ...about } };
}

function listFor(name: string, exchange: Exchange, world: World): Answer {
  const { query } = exchange;
  switch (name) {
    case "vouchers":
      return json(200, { vouchers: records(world, JOURNAL, query) });
    case "records": {
      const asked = query.get("set") ?? JOURNAL;
      if (!world.schema.sets.has(asked)) return json(404, { ok: false, message: `There is no set ${asked}.` });
      return json(200, { records: records(world, asked, query) });
    }
    case "periods":
      return json(200, { periods: periods(world) });
    case "balances":
      return json(200, { balances: texts(balancesOf(world).accounts), partners: texts(balancesOf(world).partners) });
    case "stock":
      return json(200, {
        stock: [...warehouseStock(world)].map((one) => ({
          ...one,
          quantity: decimal(one.quantity),
          value: decimal(one.value),
        })),
      });
    default:
      return json(404, {
        ok: false,
        message: "GET knows vouchers?id=&field=&value=, records?set=&id=&field=&value=, periods, balances and stock.",
      });
  }
}

function records(world: World, name: string, query: URLSearchParams): (object | null)[] {
  const [id, field, value] = [query.get("id"), query.get("field"), query.get("value")];
  const ids = id === null ? [...world.store.rows(name)].map(([one]) => one) : [id];
  const fitting = ids.filter((one) => field === null || text(world.row(name, one), field) === (value ?? ""));
  return fitting.map((one) => shown(world, name, one)).filter((one) => one !== null);
}

const texts = (amounts: ReadonlyMap<string, bigint>): Record<string, string> =>
  Object.fromEntries([...amounts].map(([code, value]) => [code, decimal(value)]));

function json(status: number, value: object): Answer {
  return { status, body: JSON.stringify(value) };
}
