import type { Period } from "../../domain/dates.ts";
import { equal, sum } from "../../domain/decimal.ts";
import { ZhangshiError, errorCatalog } from "../../domain/errors.ts";
import type { VoucherDraft } from "../../domain/voucher.ts";
import type {
  AccountBalance,
  CheckStage,
  ErpVoucher,
  MasterDataKind,
  MasterDataRow,
  PeriodState,
} from "../contract.ts";
import type { VendorHttp } from "../transport/vendor-http.ts";
import { type Finding, clockFinding, failed, ok, present, say, skipped, timed, warning } from "./check-stage.ts";
import { readSums } from "./eai-balances.ts";
import { type Condition, EaiChannel, type EaiIdentity } from "./eai-channel.ts";
import { listVouchers } from "./eai-list.ts";
import { addAnswer } from "./eai-replies.ts";
import { voucherFrom } from "./eai-vouchers.ts";
import { type VoucherName, voucherNameIn } from "./erp-id.ts";
import { groupsOf } from "./look-up.ts";
import { archives, rowFrom } from "./master-data.ts";
import { PeriodBorder, sinceOf } from "./periods.ts";
import type { YonyouU8Settings } from "./settings.ts";
import type { SendAnswer, U8Interface } from "./u8-interface.ts";
import { isTrue, vendorNumber } from "./values.ts";
import { voucherXml } from "./voucher-body.ts";

/** External numbers or codes joined by "or" in one query. */
const PER_QUERY = 50;
/** Vouchers of one 凭证字 and period asked for by number at once. */
const NUMBERS_PER_QUERY = 20;
/** Rounds over codes whose answers were cut. */
const ROUNDS_MAX = 1_000;

/** EAI over HTTP (reference §2). */
export class EaiInterface implements U8Interface {
  readonly keysPerQuery = PER_QUERY;
  readonly #http: VendorHttp;
  readonly #channel: EaiChannel;
  readonly #settings: YonyouU8Settings;
  readonly #now: () => Date;
  readonly #border = new PeriodBorder();
  #knowsLock = true;

  constructor(http: VendorHttp, identity: EaiIdentity, settings: YonyouU8Settings, now: () => Date) {
    this.#http = http;
    this.#channel = new EaiChannel(http, identity, settings, now);
    this.#settings = settings;
    this.#now = now;
  }

  async send(draft: VoucherDraft, deadlineAt: Date): Promise<SendAnswer> {
    const document = voucherXml(draft, this.#channel.sender, this.#settings);
    const answer = await this.#channel.write(document, deadlineAt);
    if (answer.kind === "not-logged-in") return { kind: "not-done", code: "LOGIN_REFUSED", message: answer.message };
    return addAnswer(answer, draft.key);
  }

  readonly vouchersWithKeys = async (keys: readonly string[]): Promise<readonly ErpVoucher[]> =>
    keys.length === 0
      ? []
      : this.#ask(keys.map((value): Condition => ({ column: "coutno_id", operation: "=", value, join: "or" })));

  /** One question for numbers of one period and 凭证字: year and so on cannot be grouped without brackets. */
  async vouchersNumbered(names: readonly VoucherName[]): Promise<readonly ErpVoucher[]> {
    const groups = new Map<string, VoucherName[]>();
    for (const name of names) {
      const group = `${name.period}:${name.sign}`;
      groups.set(group, [...(groups.get(group) ?? []), name]);
    }
    const found: ErpVoucher[] = [];
    for (const group of groups.values())
      for (const some of groupsOf(group, NUMBERS_PER_QUERY)) found.push(...(await this.#numbered(some)));
    return found;
  }

  async #numbered(names: readonly VoucherName[]): Promise<readonly ErpVoucher[]> {
    const found: ErpVoucher[] = [];
    // Single questions: a range would bring strangers along, and "or" needs brackets that not every version knows.
    for (const { period, sign, number } of names) {
      const [year = "", month = ""] = period.split("-");
      const answer = await this.#ask([
        { column: "iyear", operation: "=", value: year },
        { column: "iperiod", operation: "=", value: String(Number(month)) },
        { column: "csign", operation: "=", value: sign },
        { column: "ino_id", operation: "=", value: number },
      ]);
      found.push(...answer.filter((voucher) => voucher.number === number && voucher.period === period));
    }
    return found;
  }

  async *listPeriod(of: Period): AsyncGenerator<readonly ErpVoucher[]> {
    const signs = Object.values(this.#settings.words);
    yield* listVouchers((conditions) => this.#ask(conditions), of, signs, this.#settings.numbersPerQuery);
  }

  async #ask(conditions: readonly Condition[]): Promise<readonly ErpVoucher[]> {
    const elements = await this.#channel.query("voucher", conditions);
    return elements.map((element) => voucherFrom(element, this.#settings));
  }

  /** Recipe R2: lines and totals of a voucher as the database has them. Void vouchers have none. */
  async confirmTotals(voucher: ErpVoucher): Promise<void> {
    const name = voucherNameIn(voucher.erpId);
    if (!this.#settings.eai.controlTotals || voucher.voided || name === undefined) return;
    const [year = "", month = ""] = voucher.period.split("-");
    const [row] = await this.#channel.sql(
      "SELECT COUNT(*) AS n, SUM(md) AS debit, SUM(mc) AS credit, MIN(coutno_id) AS k1, MAX(coutno_id) AS k2 " +
        `FROM GL_accvouch WHERE iyear=${year} AND iperiod=${Number(month)} AND csign=${quoted(name.sign)} ` +
        `AND ino_id=${Number(voucher.number)} AND ISNULL(iflag,0) <> 1;`,
    );
    const on = (side: "debit" | "credit") =>
      sum(voucher.lines.filter((line) => line.side === side).map(({ amount }) => amount));
    const agrees =
      Number(row?.["n"] ?? "0") === voucher.lines.length &&
      equal(vendorNumber(row?.["debit"] ?? "", "md"), on("debit")) &&
      equal(vendorNumber(row?.["credit"] ?? "", "mc"), on("credit"));
    if (!agrees)
      throw new ZhangshiError("RESULT_TRUNCATED", {
        message: `${voucher.erpId} differs from its totals in the database`,
      });
  }

  sums(of: Period): Promise<readonly AccountBalance[]> | undefined {
    const { sqlexe, balances } = this.#settings.eai;
    if (!sqlexe || balances === "vouchers") return undefined;
    const since = sinceOf(this.#settings.since, this.#now());
    return readSums((statement) => this.#channel.sql(statement), this.#settings, since, of);
  }

  /** Recipe R3; without SQLEXE everything counts as open, and U8 refuses what is not. */
  async periods(): Promise<readonly PeriodState[]> {
    const since = sinceOf(this.#settings.since, this.#now());
    return this.#border.read((of) => this.#isOpen(of), since, this.#now());
  }

  async #isOpen(of: Period): Promise<boolean | undefined> {
    if (!this.#settings.eai.sqlexe) return true;
    const [year = "", month = ""] = of.split("-");
    const ask = (columns: string) =>
      this.#channel.sql(`SELECT ${columns} FROM GL_mend WHERE iyear=${year} AND iperiod=${Number(month)};`);
    const [row] = this.#knowsLock ? await this.#withLock(ask) : await ask(CLOSING_FLAGS);
    return row === undefined ? undefined : !isTrue(row["bflag"] ?? "") && !isTrue(row["bflag_glgz"] ?? "");
  }

  /** 总账关账 locks a period before it is closed; old databases have no such column. */
  async #withLock<Rows>(ask: (columns: string) => Promise<Rows>): Promise<Rows> {
    try {
      return await ask(`${CLOSING_FLAGS}, bflag_GLGZ`);
    } catch (error) {
      if (!(error instanceof ZhangshiError) || error.code !== "READ_FAILED") throw error;
      const rows = await ask(CLOSING_FLAGS);
      this.#knowsLock = false;
      return rows;
    }
  }

  async masterData(kind: MasterDataKind, codes: readonly string[] | undefined): Promise<readonly MasterDataRow[]> {
    const archive = archives[kind];
    const found = new Map<string, MasterDataRow>();
    const take = async (conditions: readonly Condition[]): Promise<readonly MasterDataRow[]> => {
      const rows = (await this.#channel.query(archive.roottag, conditions)).map((element) => rowFrom(archive, element));
      for (const row of rows) found.set(row.code, row);
      return rows;
    };
    const { column } = archive;
    if (codes === undefined) {
      // An answer that was cut goes on behind the last code; nothing new is the end.
      let after: string | undefined;
      for (let round = 0; round < ROUNDS_MAX; round += 1) {
        const before = found.size;
        const rows = await take(after === undefined ? [] : [{ column, operation: ">", value: after }]);
        if (found.size === before) return [...found.values()];
        after = rows.at(-1)?.code ?? "";
      }
      throw new ZhangshiError("RESULT_TRUNCATED", { kind });
    }
    for (const group of groupsOf([...new Set(codes)], PER_QUERY)) {
      let open: readonly string[] = group;
      for (let round = 0; open.length > 0 && round < ROUNDS_MAX; round += 1) {
        const rows = await take(open.map((value): Condition => ({ column, operation: "=", value, join: "or" })));
        open = rows.length === 0 ? [] : open.filter((code) => !found.has(code));
      }
    }
    return codes.flatMap((code) => found.get(code) ?? []);
  }

  async *checkStages(): AsyncGenerator<CheckStage> {
    const redact = (text: string): string => this.redact(text);
    const logIn = await timed("login", "sender", redact, () => this.#checkLogIn());
    yield logIn;
    if (logIn.state === "failed") return;
    yield await timed("clock", "Date", redact, async () => clockFinding(this.#channel.dateHeader, this.#now()));
    for (const entity of ["voucher", "code", "inventory"])
      yield await timed("rights", entity, redact, () => this.#checkQuery(entity));
    yield await timed("key-field", "reserve2", redact, () => this.#checkKeyField());
    yield await timed("rights", "SQLEXE", redact, () => this.#checkSql());
    yield await timed("master-data", "words", redact, () => this.#checkWords());
  }

  async #checkLogIn(): Promise<Finding> {
    const refusal = await this.#channel.refusal();
    const { what, nextStep } = errorCatalog.LOGIN_REFUSED;
    if (refusal !== undefined) return failed(what, nextStep, refusal);
    return ok("注册号被接受", "The registration code is accepted");
  }

  async #checkQuery(entity: string): Promise<Finding> {
    const column = entity === "voucher" ? "coutno_id" : entity === "code" ? "ccode" : "cInvCode";
    await this.#channel.query(entity, [{ column, operation: "=", value: NOTHING }]);
    return ok(`可以查询 ${entity}`, `${entity} can be read`);
  }

  /** A column that is not there is answered by an error; one whose condition is ignored, by vouchers. */
  async #checkKeyField(): Promise<Finding> {
    const vouchers = await this.vouchersWithKeys([NOTHING]);
    if (vouchers.length === 0) return ok("可以按外部业务号查询凭证", "Vouchers can be found by their external number");
    return failed(
      say("按外部业务号的查询条件不起作用", "The condition on the external number is ignored"),
      errorCatalog.KEY_FIELD_MISSING.nextStep,
      `${vouchers.length} vouchers for a number that nobody has`,
    );
  }

  async #checkSql(): Promise<Finding> {
    if (!this.#settings.eai.sqlexe)
      return skipped("未启用 SQLEXE：期间状态读不到", "SQLEXE is off: closed periods cannot be read");
    const states = await this.periods();
    const open = states.find((state) => state.open);
    if (open === undefined)
      return warning(
        "没有找到未结账的期间",
        "No open period was found",
        "检查年度是否已建立",
        "Check that the year exists in U8",
      );
    return ok(`第一个未结账期间 ${open.period}`, `The first open period is ${open.period}`);
  }

  async #checkWords(): Promise<Finding> {
    const wanted = Object.values(this.#settings.words);
    const rows = await this.masterData("word", wanted);
    return present(wanted, rows, "凭证类别", "凭证类别");
  }

  redact(text: string): string {
    return this.#http.redact(text);
  }

  close(): void {
    this.#http.close();
  }
}

/** No code and no external number of anybody's. */
const NOTHING = "zhangshi-no-such-code";
/** What recipe R3 asks for. */
const CLOSING_FLAGS = "iperiod, bflag, bflag_ST, bflag_IA, bflag_AR, bflag_AP";
const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;
