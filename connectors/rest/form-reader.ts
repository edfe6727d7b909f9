import { createHash } from "node:crypto";
import { z } from "zod";
import { instant } from "../../domain/dates.ts";
import { ZhangshiError } from "../../domain/errors.ts";
import type { SourceItem, SourcePage, SourceRecord, WarehouseBalance } from "../contract.ts";
import { DocumentParser, type Fault, type RawDocument } from "../row-source/document.ts";
import { instantInZone } from "../row-source/local-time.ts";
import { readInstant } from "../row-source/values.ts";
import type { RestApi } from "./api.ts";
import { cellsOf, listAt, textAt } from "./json-path.ts";
import { type PageState, pageAfter, pageParameters } from "./paging.ts";
import type { RestForm, RestSettings, Window } from "./settings.ts";
import { writeTime } from "./times.ts";

/** A window cannot be halved below what the other side can tell apart. */
const SPAN_MS_MIN = 1_000;
/** A window whose number of records changes while it is read is read again so often. */
const READINGS_MAX = 3;
/** Of everything, where nothing else bounds it. */
const PAGES_OF_ALL_MAX = 10_000;

const Cursor = z.strictObject({
  /** Windows: where the next one begins. */
  from: z.string().optional(),
  /** Within a read of several pages: where it ends. */
  until: z.string().optional(),
  /** Pages: the next one. */
  page: z.string().optional(),
});
type Cursor = z.infer<typeof Cursor>;

export interface RestReaderContext {
  readonly settings: RestSettings;
  readonly source: string;
  readonly formName: string;
  readonly form: RestForm;
  readonly now: () => Date;
  readonly log: (message: string, fields: Readonly<Record<string, string | number>>) => void;
}

/** Reads one form: window by window where the other side filters by time, else page by page from the beginning. */
export class RestFormReader {
  readonly #api: RestApi;
  readonly #context: RestReaderContext;
  readonly #parser: DocumentParser;

  constructor(api: RestApi, context: RestReaderContext) {
    this.#api = api;
    this.#context = context;
    this.#parser = new DocumentParser({
      company: context.settings.company,
      source: context.source,
      formName: context.formName,
      form: context.form,
      lineFields: context.form.lines?.fields ?? {},
      headFields: context.form.fields,
      conditionsIn: "head",
      zone: context.settings.zone,
      typedByPeople: false,
    });
  }

  /** Changes when the form is understood in another way: then everything is read again. */
  changeMark(): string {
    return createHash("sha256").update(JSON.stringify(this.#context.form)).digest("hex").slice(0, 16);
  }

  async readPage(cursorText: string): Promise<SourcePage> {
    const cursor = cursorOf(cursorText);
    const { window } = this.#context.form;
    return window === undefined ? this.#readOnePage(cursor) : this.#readWindow(window, cursor);
  }

  async readRecords(ids: readonly string[]): Promise<ReadonlyMap<string, SourceRecord>> {
    const { byId } = this.#context.form;
    const found = new Map<string, SourceRecord>();
    const keep = (raw: unknown): void => {
      const record = this.#record(raw);
      if (ids.includes(record.recordId)) found.set(record.recordId, record);
    };
    if (byId === undefined) {
      // Nothing can be asked by id: whoever is nowhere in the whole is gone.
      for await (const rows of this.#everything()) rows.forEach(keep);
      return found;
    }
    const size = byId.path === undefined ? byId.max : 1;
    for (let start = 0; start < ids.length; start += size) {
      const part = ids.slice(start, start + size);
      const parameters = byId.parameter === undefined ? {} : { [byId.parameter]: part.join(byId.joinWith) };
      const path = byId.path?.replaceAll("{id}", encodeURIComponent(part[0] ?? ""));
      const { status, body } = await this.#api.read(this.#context.form, parameters, path);
      if (status === 404 && byId.path !== undefined) continue;
      this.#listIn(body, status, byId.records ?? this.#context.form.records).forEach(keep);
    }
    return found;
  }

  async *items(): AsyncIterable<SourceItem> {
    for await (const rows of this.#everything())
      for (const row of rows) {
        const document = this.#document(row);
        const { item, faults } = this.#parser.item(document);
        this.#tell(document, faults);
        if (item !== undefined) yield item;
      }
  }

  async *balances(): AsyncIterable<WarehouseBalance> {
    for await (const rows of this.#everything())
      for (const row of rows) {
        const document = this.#document(row);
        const { balances, faults } = this.#parser.balances(document);
        this.#tell(document, faults);
        yield* balances;
      }
  }

  /** The first page, for `check`: how many records, and which mapped paths the first one lacks. */
  async look(): Promise<{ readonly records: number; readonly lacking: readonly string[]; readonly date: string }> {
    const { form } = this.#context;
    const { window } = form;
    const parameters = window === undefined ? {} : this.#span(window, this.#now() - window.spanMs, this.#now());
    const answer = await this.#api.read(form, { ...parameters, ...pageParameters(form, undefined) });
    const rows = this.#listIn(answer.body, answer.status, form.records);
    const [first] = rows;
    const head = cellsOf(first);
    const lacking = first === undefined ? [] : Object.values(form.fields).filter((path) => head(path) === undefined);
    return { records: rows.length, lacking, date: answer.headers["date"] ?? "" };
  }

  /** One window, whole: reading goes on behind it only when all of it was seen. */
  async #readWindow(window: Window, cursor: Cursor): Promise<SourcePage> {
    const startMs = this.#startOf(window);
    const resumedMs = cursor.from === undefined ? startMs : Date.parse(cursor.from);
    const fromMs = cursor.until === undefined ? Math.max(startMs, resumedMs - window.overlapMs) : resumedMs;
    // The end is fixed when a read begins: what changes meanwhile is met by the next one, and no record twice by this one.
    const untilMs = cursor.until === undefined ? this.#now() : Date.parse(cursor.until);
    if (fromMs >= untilMs) return { records: [], cursor: textOf({ from: iso(untilMs) }), last: true };
    const { rows, toMs } = await this.#nextSpan(window, fromMs, untilMs);
    const last = toMs >= untilMs;
    const cursorAfter = last ? { from: iso(untilMs) } : { from: iso(toMs), until: iso(untilMs) };
    return { records: this.#once(rows), cursor: textOf(cursorAfter), last };
  }

  /** The largest span from here that fits: a fuller one is halved. */
  async #nextSpan(window: Window, fromMs: number, untilMs: number) {
    let spanMs = Math.min(window.spanMs, untilMs - fromMs);
    // Each turn halves the span, so this ends.
    while (spanMs >= SPAN_MS_MIN) {
      const toMs = fromMs + spanMs;
      const rows = await this.#wholeSpan(window, fromMs, toMs);
      if (rows !== "too many") return { rows: rows.filter((row) => !this.#isBehind(row, window, toMs)), toMs };
      spanMs = Math.floor(spanMs / 2 / SPAN_MS_MIN) * SPAN_MS_MIN;
    }
    throw new ZhangshiError("RESULT_TRUNCATED", { form: this.#context.formName, from: iso(fromMs) });
  }

  #startOf({ startOn }: Window): number {
    return Date.parse(instantInZone(`${startOn}T00:00:00.000`, this.#context.settings.zone));
  }

  /** Whether the time of a record is the end of the window, or later: it comes up in the next one, which begins there. */
  #isBehind(row: unknown, { time }: Window, toMs: number): boolean {
    const { zone } = this.#context.settings;
    const { timeFormat } = this.#context.form;
    const at = readInstant(textAt(row, time), { zone, timeFormat, typedByPeople: false });
    return at.ok && at.value !== undefined && Date.parse(at.value) >= toMs;
  }

  async #wholeSpan(window: Window, fromMs: number, toMs: number): Promise<readonly unknown[] | "too many"> {
    const { form, settings, formName } = this.#context;
    for (let reading = 0; reading < READINGS_MAX; reading += 1) {
      const rows: unknown[] = [];
      let state: PageState | undefined;
      let total: string | undefined;
      let moved = false;
      for (let pages = 0; ; pages += 1) {
        if (pages === settings.pagesMax) return "too many";
        const parameters = { ...this.#span(window, fromMs, toMs), ...pageParameters(form, state) };
        const { body, status, headers } = await this.#api.read(form, parameters, undefined, state?.link);
        const page = this.#listIn(body, status, form.records);
        rows.push(...page);
        const said = form.total === undefined ? undefined : textAt(body, form.total);
        // A record that changes while we turn pages leaves its place, and the one behind it slips through.
        if (pages > 0 && said !== total && said !== "") moved = true;
        total = said;
        state = pageAfter(form, state, { body, headers, count: page.length, seen: rows.length });
        if (state === undefined) break;
      }
      const isWhole = total === undefined || !/^\d+$/.test(total) || rows.length >= Number(total);
      if (!moved && isWhole) return rows;
    }
    throw new ZhangshiError("SNAPSHOT_REPEATS", {
      form: formName,
      from: iso(fromMs),
      reason: "the pages moved while they were read",
    });
  }

  async #readOnePage(cursor: Cursor): Promise<SourcePage> {
    const { form } = this.#context;
    const { state, rows, next } = await this.#onePage(stateOf(cursor.page));
    const resumes = form.paging.kind === "cursor" && form.paging.resumes;
    const records = this.#once(rows);
    if (next !== undefined && !(resumes && next.mark === state?.mark))
      return { records, cursor: textOf({ page: next.mark }), last: resumes && rows.length === 0 };
    // A feed goes on where it stopped; everything else is read from its beginning again.
    const mark = resumes ? (next?.mark ?? state?.mark) : undefined;
    return { records, cursor: textOf(mark === undefined ? {} : { page: mark }), last: true };
  }

  async #onePage(state: PageState | undefined) {
    const { form } = this.#context;
    const { body, status, headers } = await this.#api.read(form, pageParameters(form, state), undefined, state?.link);
    const rows = this.#listIn(body, status, form.records);
    const seen = (state?.seen ?? 0) + rows.length;
    return { state, rows, next: pageAfter(form, state, { body, headers, count: rows.length, seen }) };
  }

  async *#everything(): AsyncIterable<readonly unknown[]> {
    const { window } = this.#context.form;
    if (window === undefined) yield* this.#everyPage();
    else yield* this.#everyWindow(window);
  }

  async *#everyPage(): AsyncIterable<readonly unknown[]> {
    let state: PageState | undefined;
    for (let pages = 0; pages < PAGES_OF_ALL_MAX; pages += 1) {
      const { rows, next } = await this.#onePage(state);
      yield rows;
      if (next === undefined || next.mark === state?.mark) return;
      state = next;
    }
    throw new ZhangshiError("RESULT_TRUNCATED", { form: this.#context.formName, pages: String(PAGES_OF_ALL_MAX) });
  }

  async *#everyWindow(window: Window): AsyncIterable<readonly unknown[]> {
    const untilMs = this.#now();
    // Each turn moves on by a second at least.
    for (let fromMs = this.#startOf(window); fromMs < untilMs; ) {
      const { rows, toMs } = await this.#nextSpan(window, fromMs, untilMs);
      yield rows;
      fromMs = toMs;
    }
  }

  #span(
    { fromParameter, toParameter, format }: Window,
    fromMs: number,
    toMs: number,
  ): Readonly<Record<string, string>> {
    const { zone } = this.#context.settings;
    return {
      [fromParameter]: writeTime(new Date(fromMs), format, zone),
      [toParameter]: writeTime(new Date(toMs), format, zone),
    };
  }

  /** To the second: what is asked for finer would be cut by the format, and not be the window that was asked for. */
  #now(): number {
    return Math.floor(this.#context.now().getTime() / 1_000) * 1_000;
  }

  #listIn(body: unknown, status: number, path: string): readonly unknown[] {
    const rows = status === 404 ? undefined : listAt(body, path);
    if (rows !== undefined) return rows;
    throw new ZhangshiError("READ_FAILED", {
      form: this.#context.formName,
      status: String(status),
      path,
      reason: "no list of records",
    });
  }

  /** The newest of the records that come twice in one answer. */
  #once(rows: readonly unknown[]): readonly SourceRecord[] {
    return [...new Map(rows.map((row) => [idOf(row, this.#context.form), this.#record(row)])).values()];
  }

  #record(row: unknown): SourceRecord {
    return this.#parser.parse(this.#document(row)).record;
  }

  #document(row: unknown): RawDocument {
    const { form } = this.#context;
    const now = instant(this.#context.now().toISOString());
    const lines = form.lines === undefined ? [row] : (listAt(row, form.lines.path) ?? []);
    return {
      recordId: idOf(row, form),
      head: cellsOf(row),
      lines: lines.map((line, index) => ({ id: String(index + 1), cells: cellsOf(line) })),
      createdAt: now,
      updatedAt: now,
    };
  }

  /** Master data has no exception list of its own: what is left out is said in the log. */
  #tell({ recordId }: RawDocument, faults: readonly Fault[]): void {
    for (const { code, field, value } of faults)
      this.#context.log("a row of master data was left out", {
        code,
        form: this.#context.formName,
        recordId,
        field,
        value,
      });
  }
}

const ID_MAX = 200;
const idOf = (row: unknown, { fields }: RestForm): string => {
  const id = textAt(row, fields.recordId ?? fields.documentNumber ?? fields.item ?? "")
    .trim()
    .slice(0, ID_MAX);
  // A record without a name is known by its content, so that it can be reported.
  return id === ""
    ? `unnamed/${createHash("sha256")
        .update(JSON.stringify(row) ?? "")
        .digest("hex")
        .slice(0, 16)}`
    : id;
};

const iso = (ms: number): string => new Date(ms).toISOString();
const textOf = (cursor: Cursor): string => JSON.stringify(cursor);
const cursorOf = (text: string): Cursor => {
  if (text === "") return {};
  try {
    return Cursor.parse(JSON.parse(text));
  } catch (cause) {
    throw new ZhangshiError(
      "READ_FAILED",
      { cursor: text.slice(0, 100), reason: "no cursor of this source" },
      { cause },
    );
  }
};

/** The mark of a page is all that its state is made from. */
const stateOf = (mark: string | undefined): PageState | undefined => {
  if (mark === undefined) return undefined;
  const [kind = "", seen = "0", ...rest] = mark.split(" ");
  const value = rest.join(" ");
  return { mark, seen: Number(seen), value, link: kind === "link" ? value : undefined };
};
