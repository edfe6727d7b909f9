import { type Period, firstDayOf, lastDayOf, period, shiftPeriod } from "../../domain/dates.ts";
import { ZhangshiError, errorCatalog } from "../../domain/errors.ts";
import type { VoucherDraft } from "../../domain/voucher.ts";
import type { CheckStage, ErpVoucher, MasterDataKind, MasterDataRow, PeriodState } from "../contract.ts";
import type { VendorHttp } from "../transport/vendor-http.ts";
import { type Finding, clockFinding, failed, ok, present, say, skipped, timed, warning } from "./check-stage.ts";
import { isWhole } from "./eai-list.ts";
import type { VoucherName } from "./erp-id.ts";
import { archives, usableFrom } from "./master-data.ts";
import { OpenApiChannel, type OpenApiIdentity, type Row } from "./openapi-channel.ts";
import { type VoucherRows, groupRows, voucherOf } from "./openapi-vouchers.ts";
import { sinceOf } from "./periods.ts";
import type { YonyouU8Settings } from "./settings.ts";
import type { SendAnswer, U8Interface } from "./u8-interface.ts";
import { isTrue, vendorDate } from "./values.ts";
import { voucherJson } from "./voucher-body.ts";

/** More codes than this are looked for in the whole archive. */
const SINGLE_CODES_MAX = 20;
const MONTHS_AHEAD = 12;

/** The vendor's cloud gateway and its relay to U8 (reference §3). */
export class OpenApiInterface implements U8Interface {
  /** The list takes one external number at a time. */
  readonly keysPerQuery = 1;
  readonly #channel: OpenApiChannel;
  readonly #settings: YonyouU8Settings;
  readonly #now: () => Date;
  /** 凭证字 do not change from one day to the next. */
  #signs: readonly string[] | undefined;

  constructor(http: VendorHttp, identity: OpenApiIdentity, settings: YonyouU8Settings, now: () => Date) {
    this.#channel = new OpenApiChannel(http, identity, settings.openapi, now);
    this.#settings = settings;
    this.#now = now;
  }

  async send(draft: VoucherDraft, deadlineAt: Date): Promise<SendAnswer> {
    return this.#channel.add("voucher", voucherJson(draft, this.#settings), draft.key, deadlineAt);
  }

  readonly vouchersWithKeys = async (keys: readonly string[]): Promise<readonly ErpVoucher[]> => {
    const found: ErpVoucher[] = [];
    for (const key of keys) {
      const { rows } = await this.#channel.rows("voucherdetails", { coutno_id: key });
      for (const group of groupRows(rows)) {
        const voucher = await this.#named(group);
        if (voucher.key !== key)
          throw new ZhangshiError("READ_FAILED", {
            message: `the query for ${key} named ${voucher.erpId}: its condition is ignored`,
          });
        found.push(voucher);
      }
    }
    return found;
  };

  /** The 凭证字 of rows: their own column, the only one there is, or the one under which the list shows them. */
  async #named(group: VoucherRows): Promise<ErpVoucher> {
    const [head = {}] = group.rows;
    const signs = await this.#allSigns();
    const own = head["csign"] ?? "";
    const [only = ""] = signs;
    if (own !== "" || signs.length === 1) return voucherOf(group, own === "" ? only : own, this.#settings);
    const date = vendorDate(head["date"] ?? "", "date");
    for (const csign of signs) {
      const listed = await this.#listed({
        csign,
        cno_id: head["ino_id"] ?? "",
        bill_date_from: date,
        bill_date_to: date,
        ...(head["coutno_id"] === undefined || head["coutno_id"] === "" ? {} : { coutno_id: head["coutno_id"] }),
      });
      if (listed.some((row) => sameIn(row, [group]) !== undefined)) return voucherOf(group, csign, this.#settings);
    }
    throw new ZhangshiError("READ_FAILED", { message: `no 凭证字 for voucher ${head["ino_id"] ?? ""} of ${date}` });
  }

  /** All 凭证类别 of the 账套, ours first. */
  async #allSigns(): Promise<readonly string[]> {
    this.#signs ??= [
      ...new Set([
        ...Object.values(this.#settings.words),
        ...(await this.masterData("word", undefined)).map(({ code }) => code),
      ]),
    ];
    return this.#signs;
  }

  async #listed(parameters: Readonly<Record<string, string>>): Promise<readonly Row[]> {
    return this.#channel.allRows("voucherlist", parameters, (row) => JSON.stringify(row));
  }

  async vouchersNumbered(names: readonly VoucherName[]): Promise<readonly ErpVoucher[]> {
    const found: ErpVoucher[] = [];
    for (const { period: of, sign, number } of names) {
      const listed = await this.#listed({
        csign: sign,
        cno_id: number,
        bill_date_from: firstDayOf(of),
        bill_date_to: lastDayOf(of),
      });
      const dates = new Set(listed.map((row) => vendorDate(row["date"] ?? "", "date")));
      for (const date of dates) {
        const groups = await this.#groupsOfDay(date);
        const matched = new Set(listed.flatMap((row) => sameIn(row, groups) ?? []));
        for (const group of matched) found.push(voucherOf(group, sign, this.#settings));
      }
    }
    return found;
  }

  async #groupsOfDay(date: string): Promise<readonly VoucherRows[]> {
    const { rows } = await this.#channel.rows("voucherdetails", { date_begin: date, date_end: date });
    return groupRows(rows);
  }

  /**
   * The list of vouchers has pages and counts its rows; the details have neither. So the details are read day by day, and every
   * voucher that the list names has to be among them, whole.
   */
  async *listPeriod(of: Period): AsyncGenerator<readonly ErpVoucher[]> {
    const bySign = new Map<string, readonly Row[]>();
    for (const csign of await this.#allSigns())
      bySign.set(csign, await this.#listed({ csign, bill_date_from: firstDayOf(of), bill_date_to: lastDayOf(of) }));
    const days = new Set([...bySign.values()].flat().map((row) => vendorDate(row["date"] ?? "", "date")));
    for (const date of [...days].toSorted()) {
      const groups = await this.#groupsOfDay(date);
      const vouchers = new Map<string, ErpVoucher>();
      for (const [sign, listed] of bySign)
        for (const row of listed) {
          if (vendorDate(row["date"] ?? "", "date") !== date) continue;
          const voucher = await this.#ofRow(row, groups, sign);
          vouchers.set(voucher.erpId, voucher);
        }
      yield [...vouchers.values()];
    }
  }

  async #ofRow(row: Row, groups: readonly VoucherRows[], sign: string): Promise<ErpVoucher> {
    const group = sameIn(row, groups);
    const voucher = group === undefined ? undefined : voucherOf(group, sign, this.#settings);
    if (voucher !== undefined && isWhole(voucher)) return voucher;
    // The day's details were cut: one voucher alone is the smallest thing that can be asked for.
    const external = row["coutno_id"] ?? "";
    if (external !== "") {
      const { rows } = await this.#channel.rows("voucherdetails", { coutno_id: external });
      const alone = sameIn(row, groupRows(rows));
      const again = alone === undefined ? undefined : voucherOf(alone, sign, this.#settings);
      if (again !== undefined && isWhole(again)) return again;
    }
    throw new ZhangshiError("RESULT_TRUNCATED", {
      message: `voucher ${sign}-${row["ino_id"] ?? ""} of ${row["date"] ?? ""} comes without its lines`,
    });
  }

  /** accountsum knows posted vouchers alone. */
  sums(): undefined {
    return undefined;
  }

  /** What it says is all that the OpenAPI has. */
  async confirmTotals(): Promise<void> {}

  /** 总账结账状态: any flag of a period closes it. Its columns are those of GL_mend (assumed). */
  async periods(): Promise<readonly PeriodState[]> {
    const rows = await this.#channel.allRows("mendglgz", {}, (row) => `${row["iyear"]}-${row["iperiod"]}`);
    const since = sinceOf(this.#settings.since, this.#now());
    const states: PeriodState[] = [];
    for (const row of rows) {
      const month = (row["iperiod"] ?? "").padStart(2, "0");
      if (!/^\d{4}$/.test(row["iyear"] ?? "") || !/^(0[1-9]|1[0-2])$/.test(month)) continue;
      const flags = Object.entries(row).filter(([name]) => CLOSED_FLAGS.includes(name));
      if (flags.length === 0)
        throw new ZhangshiError("READ_FAILED", {
          call: "mendglgz",
          message: "no flag says whether a period is closed",
        });
      const of = period(`${row["iyear"]}-${month}`);
      if (of >= since) states.push({ period: of, open: !flags.some(([, value]) => isTrue(value)) });
    }
    states.sort((a, b) => (a.period < b.period ? -1 : 1));
    const firstOpen = states.find((state) => state.open)?.period;
    return firstOpen === undefined
      ? states
      : states.filter((state) => state.period <= shiftPeriod(firstOpen, MONTHS_AHEAD));
  }

  async masterData(kind: MasterDataKind, codes: readonly string[] | undefined): Promise<readonly MasterDataRow[]> {
    const archive = archives[kind];
    const rowFrom = (row: Row): MasterDataRow => {
      const field = (name: string): string => row[name.toLowerCase()] ?? "";
      return {
        code: (field(archive.code) || field("code") || field(archive.column)).trim(),
        name: field(archive.name).trim(),
        usable: usableFrom(archive, field),
      };
    };
    const read = async (parameters: Readonly<Record<string, string>>): Promise<readonly MasterDataRow[]> =>
      (await this.#channel.allRows(archive.resource, parameters, (row) => rowFrom(row).code)).map(rowFrom);
    if (codes === undefined) return read({});
    const wanted = new Set(codes);
    if (wanted.size > SINGLE_CODES_MAX || kind === "word")
      return (await read({})).filter(({ code }) => wanted.has(code));
    const found: MasterDataRow[] = [];
    for (const code of wanted)
      found.push(...(await read({ code_begin: code, code_end: code })).filter((row) => row.code === code));
    return found;
  }

  async *checkStages(): AsyncGenerator<CheckStage> {
    const redact = (text: string): string => this.redact(text);
    const logIn = await timed("login", "app_key", redact, () => this.#checkLogIn());
    yield logIn;
    if (logIn.state === "failed") return;
    yield await timed("clock", "Date", redact, async () => clockFinding(this.#channel.dateHeader, this.#now()));
    for (const resource of ["voucherlist", "code"])
      yield await timed("rights", resource, redact, () => this.#checkRead(resource));
    yield await timed("key-field", "coutno_id", redact, () => this.#checkKeyField());
    yield await timed("rights", "mendglgz", redact, () => this.#checkPeriods());
    yield await timed("limits", "period", redact, () => this.#checkCalendar());
    yield await timed("master-data", "words", redact, () => this.#checkWords());
  }

  async #checkLogIn(): Promise<Finding> {
    const logIn = await this.#channel.logIn();
    if (logIn.kind === "ok") return ok("取得 token", "A token was given");
    const { what, nextStep } = errorCatalog[logIn.code];
    return failed(what, nextStep, logIn.message);
  }

  async #checkRead(resource: string): Promise<Finding> {
    const parameters: Readonly<Record<string, string>> =
      resource === "code" ? { code_begin: NOTHING, code_end: NOTHING } : { coutno_id: NOTHING };
    await this.#channel.rows(resource, { ...parameters, page_index: "1", rows_per_page: "1" });
    return ok(`可以查询 ${resource}`, `${resource} can be read`);
  }

  async #checkKeyField(): Promise<Finding> {
    const { rows } = await this.#channel.rows("voucherdetails", { coutno_id: NOTHING });
    if (rows.length === 0) return ok("可以按外部业务号查询凭证", "Vouchers can be found by their external number");
    return failed(
      say("按外部业务号的查询条件不起作用", "The condition on the external number is ignored"),
      errorCatalog.KEY_FIELD_MISSING.nextStep,
      `${rows.length} rows for a number that nobody has`,
    );
  }

  async #checkPeriods(): Promise<Finding> {
    const open = (await this.periods()).find((state) => state.open);
    if (open === undefined)
      return warning(
        "没有找到未结账的期间",
        "No open period was found",
        "检查年度是否已建立",
        "Check that the year exists in U8",
      );
    return ok(`第一个未结账期间 ${open.period}`, `The first open period is ${open.period}`);
  }

  /** Vouchers are dated by calendar months. */
  async #checkCalendar(): Promise<Finding> {
    const { rows } = await this.#channel.rows("period", {});
    if (rows.length === 0) return skipped("没有会计期间资料", "No calendar was given");
    const odd = rows.find((row) => {
      const month = (row["iid"] ?? "").padStart(2, "0");
      return row["dbegin"] !== undefined && vendorDate(row["dbegin"], "dbegin") !== `${row["iyear"]}-${month}-01`;
    });
    if (odd === undefined) return ok("会计期间即自然月", "Periods are calendar months");
    return failed(
      say("会计期间不是自然月", "Periods are not calendar months"),
      say("该账套暂不支持：请联系实施人员", "Such a book is not supported: ask whoever set this up"),
      JSON.stringify(odd),
    );
  }

  async #checkWords(): Promise<Finding> {
    const wanted = Object.values(this.#settings.words);
    return present(wanted, await this.masterData("word", wanted), "凭证类别", "凭证类别");
  }

  redact(text: string): string {
    return this.#channel.redact(text);
  }

  close(): void {
    this.#channel.close();
  }
}

const NOTHING = "zhangshi-no-such-code";
const CLOSED_FLAGS: readonly string[] = ["bflag", "bflag_gl", "bflag_glgz"];

/**
 * The voucher that a row of the list is about: same number, day and external number. Two 凭证字 may share these; then the row's
 * id decides, whatever it is an id of, or the first line's account and text.
 */
const sameIn = (row: Row, groups: readonly VoucherRows[]): VoucherRows | undefined => {
  const fits = groups.filter(({ rows: [head = {}] }) => {
    if (String(Number(row["ino_id"])) !== String(Number(head["ino_id"]))) return false;
    if ((row["date"] ?? "").slice(0, 10) !== (head["date"] ?? "").slice(0, 10)) return false;
    return (row["coutno_id"] ?? "") === (head["coutno_id"] ?? "");
  });
  if (fits.length < 2) return fits[0];
  const has = (name: string): readonly VoucherRows[] =>
    fits.filter(({ rows }) => (row[name] ?? "") !== "" && rows.some((one) => one[name] === row[name]));
  for (const candidates of [has("i_id"), has("code"), has("digest")]) if (candidates.length === 1) return candidates[0];
  return undefined;
};
