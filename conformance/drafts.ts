import { setTimeout as sleep } from "node:timers/promises";
import type { ErpVoucher, SendOutcome } from "../connectors/contract.ts";
import { type BusinessDate, type Period, businessDate } from "../domain/dates.ts";
import { decimal, normalize } from "../domain/decimal.ts";
import { type LimitCode, fitted, limitBroken } from "../domain/limits.ts";
import { PostingKey, postingKeyOf } from "../domain/posting-key.ts";
import { deviationsOf } from "../domain/read-back.ts";
import type { DimensionKind, VoucherDraft, VoucherLine } from "../domain/voucher.ts";
import { CaseFailed, must, mustEqual } from "./case.ts";
import type { BookedVoucher, Room } from "./office.ts";

const DEADLINE_MS = 20_000;
/** How long an asynchronous ERP may take until a voucher it took shows. */
const ARRIVAL_MS = 10_000;
const ARRIVAL_POLL_MS = 100;

export const soon = (ms = DEADLINE_MS): Date => new Date(Date.now() + ms);
export const dayOf = (period: Period, day = "15"): BusinessDate => businessDate(`${period}-${day}`);

export const keyOf = ({ mark }: Pick<Room, "mark">, name: string): PostingKey =>
  mark?.keyOf(name) ??
  postingKeyOf({
    company: "conformance",
    source: "conformance",
    form: "conformance",
    recordId: name,
    ledger: "conformance",
    purpose: "stock",
    part: 1,
    generation: 1,
  });

/** Every second voucher is a line pair more: `pairs` debits against as many credits. */
export interface Wish {
  readonly amount?: string;
  readonly pairs?: number;
  readonly date?: BusinessDate;
  readonly summary?: string;
}

/** Debit `plainAccount`, credit `otherAccount`. */
export const plainDraft = (room: Room, name: string, wish: Wish = {}): VoucherDraft => {
  const { amount = "128.50", pairs = 1, summary = `${room.mark?.summary ?? "账实"} ${name}` } = wish;
  // A case that is about a text gets it on the debit side; the other side still says whose voucher it is.
  const marked = room.mark?.summary ?? summary;
  const line = { summary, why: "", amount: decimal(amount), dimensions: {} } as const;
  const lines: VoucherLine[] = [];
  for (let pair = 0; pair < pairs; pair += 1) {
    const at = pair * 2;
    lines.push({ ...line, lineNumber: at + 1, side: "debit", role: "inventory", account: room.facts.plainAccount });
    lines.push({
      ...line,
      lineNumber: at + 2,
      summary: marked,
      side: "credit",
      role: "payables",
      account: room.facts.otherAccount,
    });
  }
  return draftOf(room, name, lines, wish.date);
};

/** Goods in: quantity and item on the debit side. Undefined where the books keep no quantities. */
export const stockDraft = (room: Room, name: string, quantity: string, amount: string): VoucherDraft | undefined => {
  const { stock } = room.facts;
  if (stock === undefined) return undefined;
  const plain = plainDraft(room, name, { amount });
  return {
    ...plain,
    lines: plain.lines.map((line) =>
      line.side === "debit"
        ? {
            ...line,
            account: stock.account,
            quantity: decimal(quantity),
            unit: stock.unit,
            dimensions: { item: stock.item },
          }
        : line,
    ),
  };
};

/** One line per dimension of the ledger, each on an account that keeps it, against `otherAccount`. */
export const dimensionDraft = (room: Room, name: string, kinds: readonly DimensionKind[]): VoucherDraft => {
  const base = plainDraft(room, name, { pairs: kinds.length });
  return {
    ...base,
    lines: base.lines.map((line, index) => {
      const kind = kinds[Math.floor(index / 2)];
      const fact = kind === undefined ? undefined : room.facts.dimensions[kind];
      if (line.side === "credit" || kind === undefined || fact === undefined) return line;
      // An account that keeps stock wants to know of what.
      const item = fact.account === room.facts.stock?.account ? { item: room.facts.stock.item } : {};
      return { ...line, account: fact.account, dimensions: { ...item, [kind]: fact.code } };
    }),
  };
};

const draftOf = (room: Room, name: string, lines: readonly VoucherLine[], date?: BusinessDate): VoucherDraft => ({
  key: keyOf(room, name),
  ledger: "conformance",
  book: room.facts.book,
  word: room.facts.word,
  date: date ?? dayOf(room.facts.openPeriod),
  attachments: 1,
  currency: room.facts.currency,
  documents: [name],
  lines: [...lines],
});

export type Sent = SendOutcome | { readonly kind: "held"; readonly key: PostingKey; readonly code: LimitCode };

/**
 * Sends as posting does: what does not fit the declared limits is held, the rest goes out as the ledger can write it, batch
 * by batch. A file is imported by a person at once; an asynchronous ERP is asked until it shows what it took.
 */
export const send = async (
  room: Room,
  drafts: readonly VoucherDraft[],
  { deadlineMs = DEADLINE_MS, target = room.target, imported = true } = {},
): Promise<readonly Sent[]> => {
  const sent: Sent[] = [];
  let waiting: VoucherDraft[] = [];
  const flush = async (): Promise<void> => {
    if (waiting.length === 0) return;
    const outcomes = await target.post(waiting, soon(deadlineMs));
    mustEqual(
      outcomes.map(({ key }) => key),
      waiting.map(({ key }) => key),
      "one outcome per draft, in their order",
    );
    sent.push(...(await arrivals(room, outcomes, imported)));
    waiting = [];
  };
  for (const draft of drafts) {
    const code = limitBroken(draft, room.can);
    if (code !== undefined) {
      sent.push({ kind: "held", key: PostingKey.parse(draft.key), code });
      continue;
    }
    waiting.push(fitted(draft, room.can));
    if (waiting.length >= room.can.batchMax) await flush();
  }
  await flush();
  const byKey = new Map(sent.map((outcome) => [outcome.key as string, outcome]));
  return drafts.flatMap(({ key }) => byKey.get(key) ?? []);
};

/** What becomes of outcomes that are uncertain by nature. */
const arrivals = async (room: Room, outcomes: readonly SendOutcome[], imported: boolean): Promise<readonly Sent[]> => {
  const isFile = room.can.keyGuard === "receipt";
  if (isFile && imported && outcomes.some(({ kind }) => kind === "uncertain")) await room.office.importFile();
  if (!(isFile && imported) && !room.can.asynchronous) return outcomes;
  const until = Date.now() + (isFile ? 0 : ARRIVAL_MS);
  const known = new Map<string, SendOutcome>(outcomes.map((outcome) => [outcome.key, outcome]));
  do {
    const open = [...known.values()].filter(({ kind }) => kind === "uncertain").map(({ key }) => key);
    if (open.length === 0) break;
    const { found } = await room.target.findByKeys(room.facts.book, open, undefined);
    for (const [key, look] of found)
      if (look.kind === "one")
        known.set(key, { kind: "posted", key, erpId: look.erpId, number: look.number, stage: look.stage });
    if (Date.now() < until) await sleep(ARRIVAL_POLL_MS);
  } while (Date.now() < until);
  return outcomes.map((outcome) => known.get(outcome.key) ?? outcome);
};

type Posted = Extract<SendOutcome, { kind: "posted" }>;

/** @throws CaseFailed unless every draft is posted */
export const arrive = async (room: Room, drafts: readonly VoucherDraft[]): Promise<readonly Posted[]> =>
  (await send(room, drafts)).map((outcome) => {
    if (outcome.kind === "posted") return outcome;
    const message = "message" in outcome ? outcome.message : "";
    throw new CaseFailed(`${outcome.kind} instead of posted: ${outcome.code} ${message}`);
  });

export const arriveOne = async (room: Room, draft: VoucherDraft): Promise<Posted> => {
  const [posted] = await arrive(room, [draft]);
  must(posted !== undefined, "no outcome");
  return posted;
};

/** The draft stands in the books once, exactly, by the connector's read-back and by the books themselves. */
export const mustStand = async (room: Room, draft: VoucherDraft, erpId: string): Promise<ErpVoucher> => {
  const wanted = fitted(draft, room.can);
  const read = (await room.target.readBack(room.facts.book, [erpId])).get(erpId);
  must(read !== undefined, `read-back does not know ${erpId}`);
  mustEqual(deviationsOf(wanted, read), [], "read-back");
  must(
    room.can.keyLength > 0 && draft.key.startsWith(read.key) && read.key !== "",
    `read-back shows the key "${read.key}"`,
  );
  mustEqual(
    read.lines.map(({ summary }) => summary),
    wanted.lines.map(({ summary }) => summary),
    "summaries",
  );
  const [booked, ...others] = await bookedUnder(room, draft.key);
  must(booked !== undefined && others.length === 0, `${others.length + (booked === undefined ? 0 : 1)} in the books`);
  mustEqual(
    booked.lines.map(plainBooked),
    wanted.lines.map((line) => plainWanted(line, room)),
    "the books' own lines",
  );
  mustEqual(booked.date, wanted.date, "the books' own date");
  return read;
};

const plainBooked = ({ side, account, amount, quantity, summary, dimensions }: BookedVoucher["lines"][number]) => ({
  side,
  account,
  amount: normalize(amount),
  quantity: normalize(quantity),
  summary,
  dimensions: sorted(dimensions),
});
const plainWanted = (line: VoucherLine, room: Room) => ({
  side: line.side,
  account: line.account,
  amount: normalize(line.amount),
  quantity: room.can.quantities && line.quantity !== undefined ? normalize(line.quantity) : "0",
  summary: line.summary,
  dimensions: sorted(line.dimensions),
});
const sorted = (dimensions: Readonly<Partial<Record<DimensionKind, string>>>): readonly (readonly [string, string])[] =>
  Object.entries(dimensions).toSorted(([a], [b]) => (a < b ? -1 : 1));

/** Vouchers in the books, void ones included, that carry this key. */
export const bookedUnder = async (room: Room, key: string): Promise<readonly BookedVoucher[]> =>
  (await room.office.books()).filter((voucher) => voucher.key !== "" && key.startsWith(voucher.key));

/** Requests that could have created something. */
export const creations = async (room: Room): Promise<number> => {
  const { totals } = await room.office.requests();
  return room.operations.create.reduce((sum, operation) => sum + (totals[operation] ?? 0), 0);
};

export const listAll = async (room: Room, period: Period): Promise<readonly ErpVoucher[]> => {
  const all: ErpVoucher[] = [];
  for await (const page of room.target.listPeriod(room.facts.book, period)) all.push(...page);
  return all;
};
