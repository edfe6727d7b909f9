import { ZhangshiError } from "../../domain/errors.ts";
import { type DimensionKind, type VoucherDraft, dimensionKinds } from "../../domain/voucher.ts";
import type { MasterDataRow } from "../contract.ts";
import { PAGE_ROWS } from "./form-rows.ts";
import { type LedgerSettings, type MasterForm, type MasterKind, masterOf } from "./ledger-settings.ts";
import { PinnedForm, headText, meets } from "./pinned-form.ts";
import type { Pins } from "./pins.ts";
import type { VendorApi } from "./vendor-api.ts";
import type { CannotWrite } from "./voucher-form.ts";
import type { Row } from "./wire.ts";

/** A code as its form has it. */
export interface Master extends MasterDataRow {
  readonly detail: boolean;
  /** Dimensions that a line on this account must have. */
  readonly demands: readonly DimensionKind[];
}

/** Words of a field that names several dimensions, written as a list or with any separator. */
const SEPARATORS = /[,，、;；|\s]+/;

/** The codes that vouchers may name, from the forms of the app. The vendor checks nothing on an API write, so we do. */
export class Masters {
  readonly #forms = new Map<MasterKind, { readonly settings: MasterForm; readonly form: PinnedForm }>();
  readonly #trustMs: number;
  readonly #now: () => Date;
  readonly #trusted = new Map<string, { readonly until: number; readonly master: Master }>();

  constructor(api: VendorApi, settings: LedgerSettings, now: () => Date) {
    this.#trustMs = settings.masterTrustMs;
    this.#now = now;
    for (const kind of Object.keys(settings.master).filter(isKind)) {
      const form = settings.master[kind];
      if (form === undefined) continue;
      const fields = [form.code, form.name, form.dimensions, ...conditionsOf(form).map(({ field }) => field)];
      const head = [...new Set(fields.filter((field) => field !== undefined))];
      const wanted = { head, subform: undefined, line: [] };
      this.#forms.set(kind, {
        settings: form,
        form: new PinnedForm(api, settings.appId, form.entryId, `master.${kind}`, wanted),
      });
    }
  }

  get forms(): ReadonlyMap<MasterKind, { readonly form: PinnedForm }> {
    return this.#forms;
  }

  /** @returns undefined where no form is configured for the kind. @throws ZhangshiError, CallFailed */
  async read(kind: MasterKind, codes: readonly string[] | undefined): Promise<readonly Master[] | undefined> {
    const known = this.#forms.get(kind);
    if (known === undefined) return undefined;
    const { form, settings } = known;
    const pins = await form.look();
    const found = new Map<string, Master>();
    const take = (rows: readonly Row[], now: Pins, wanted: ReadonlySet<string> | undefined): void => {
      for (const row of rows) {
        const master = masterOfRow(row, settings, now);
        if (master.code === "" || wanted?.has(master.code) === false) continue;
        // Of two records with one code, the usable one counts.
        if (found.get(master.code)?.usable !== true) found.set(master.code, master);
      }
    };
    if (codes === undefined) {
      for await (const rows of form.rows.matching([])) take(rows, await form.pinsFor(rows), undefined);
      return [...found.values()];
    }
    const name = pins.head.get(settings.code)?.name ?? settings.code;
    for (let start = 0; start < codes.length; start += PAGE_ROWS) {
      const chunk = codes.slice(start, start + PAGE_ROWS);
      const condition = { field: name, type: "text", method: "in", value: chunk } as const;
      for await (const rows of form.rows.matching([condition])) take(rows, pins, new Set(chunk));
    }
    return [...found.values()];
  }

  /** What the app's own forms say against a draft. @throws ZhangshiError, CallFailed when they cannot be read */
  async obstacleTo(draft: VoucherDraft, settings: LedgerSettings): Promise<CannotWrite | undefined> {
    const accounts = await this.#resolve(
      "account",
      draft.lines.map(({ account }) => account),
    );
    for (const { account, lineNumber, dimensions } of accounts === undefined ? [] : draft.lines) {
      const master = accounts?.get(account);
      const at = `line ${lineNumber}: account ${account}`;
      if (master === undefined) return { code: "ACCOUNT_REFUSED", message: `${at} does not exist` };
      if (!master.detail) return { code: "ACCOUNT_REFUSED", message: `${at} has accounts below it` };
      if (!master.usable) return { code: "ACCOUNT_REFUSED", message: `${at} may not be used` };
      const lacking = master.demands.find((kind) => dimensions[kind] === undefined);
      if (lacking !== undefined) return { code: "DIMENSION_REFUSED", message: `${at} demands a ${lacking}` };
    }
    for (const kind of dimensionKinds) {
      if (masterOf(settings, kind) === undefined || kind === "order" || kind === "batch") continue;
      const codes = draft.lines.flatMap((line) => line.dimensions[kind] ?? []);
      const known = await this.#resolve(kind, codes);
      const bad = codes.find((code) => known?.get(code)?.usable !== true);
      if (bad !== undefined) return { code: "MASTER_DATA_REFUSED", message: `${kind} ${bad} is unknown or not in use` };
    }
    const units = draft.lines.flatMap(({ unit }) => unit ?? []);
    const known = await this.#resolve("unit", units);
    const bad = known === undefined ? undefined : units.find((unit) => known.get(unit)?.usable !== true);
    return bad === undefined
      ? undefined
      : { code: "MASTER_DATA_REFUSED", message: `unit ${bad} is unknown or not in use` };
  }

  /** Usable codes are trusted for a while; what seems missing is asked for every time. */
  async #resolve(kind: MasterKind, codes: readonly string[]): Promise<ReadonlyMap<string, Master> | undefined> {
    if (!this.#forms.has(kind)) return undefined;
    const now = this.#now().getTime();
    const resolved = new Map<string, Master>();
    const asked: string[] = [];
    for (const code of new Set(codes)) {
      const trusted = this.#trusted.get(`${kind} ${code}`);
      if (trusted !== undefined && trusted.until > now) resolved.set(code, trusted.master);
      else asked.push(code);
    }
    if (asked.length === 0) return resolved;
    for (const master of (await this.read(kind, asked)) ?? []) {
      resolved.set(master.code, master);
      if (master.usable) this.#trusted.set(`${kind} ${master.code}`, { until: now + this.#trustMs, master });
    }
    return resolved;
  }
}

const kinds: readonly MasterKind[] = ["account", "item", "warehouse", "supplier", "customer", "department", "unit"];
const isKind = (name: string): name is MasterKind => kinds.some((kind) => kind === name);

const conditionsOf = (form: MasterForm) => [...form.usableWhen, ...form.detailWhen];

const masterOfRow = (row: Row, settings: MasterForm, pins: Pins): Master => {
  const detail = settings.detailWhen.every((condition) => meets(pins, row, condition));
  return {
    code: headText(pins, row, settings.code),
    name: settings.name === undefined ? "" : headText(pins, row, settings.name),
    usable: detail && settings.usableWhen.every((condition) => meets(pins, row, condition)),
    detail,
    demands: settings.dimensions === undefined ? [] : demandsOf(row, settings.dimensions, settings, pins),
  };
};

/** @throws ZhangshiError RECORD_UNREADABLE for a word that names no dimension: a demand must not be overlooked */
const demandsOf = (row: Row, field: string, settings: MasterForm, pins: Pins): readonly DimensionKind[] => {
  const value = row[pins.head.get(field)?.name ?? ""];
  const words = Array.isArray(value) ? value.map(String) : headText(pins, row, field).split(SEPARATORS);
  return words
    .filter((word) => word !== "")
    .map((word) => {
      const kind = settings.dimensionWords[word];
      if (kind === undefined) throw new ZhangshiError("CONFIG_INVALID", { field, recordId: row._id, value: word });
      return kind;
    });
};
