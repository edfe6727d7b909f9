import { textOf, allPages } from "./query.ts";
import type { B1Channel } from "./channel.ts";
import type { SapB1Settings } from "./settings.ts";

/** A chart changes rarely; a new account is known after so long at the latest. */
const CHART_AGE_MS_MAX = 10 * 60_000;

/** Translates accounts where people name them by FormatCode while the ERP's keys read _SYS00000000019 (reference §7.10). */
export interface AccountNames {
  readonly toCode: (account: string) => string | undefined;
  readonly toAccount: (code: string) => string;
}

const same: AccountNames = { toCode: (account) => account, toAccount: (code) => code };

export class Accounts {
  readonly #channel: B1Channel;
  readonly #settings: SapB1Settings;
  readonly #now: () => Date;
  #known: { readonly names: AccountNames; readonly since: number } | undefined;

  constructor(channel: B1Channel, settings: SapB1Settings, now: () => Date) {
    this.#channel = channel;
    this.#settings = settings;
    this.#now = now;
  }

  /** @throws ZhangshiError where the chart cannot be read */
  async names(): Promise<AccountNames> {
    if (this.#settings.accountCodes === "code") return same;
    const now = this.#now().getTime();
    if (this.#known !== undefined && now - this.#known.since < CHART_AGE_MS_MAX) return this.#known.names;
    const codes = new Map<string, string>();
    const accounts = new Map<string, string>();
    const query = { set: "ChartOfAccounts", select: ["Code", "FormatCode"], order: "Code asc" };
    for await (const rows of allPages(this.#channel, query, this.#settings.pageSize))
      for (const row of rows) {
        const code = textOf(row["Code"]);
        const account = textOf(row["FormatCode"]) || code;
        codes.set(account, code);
        accounts.set(code, account);
      }
    const names: AccountNames = {
      toCode: (account) => codes.get(account),
      toAccount: (code) => accounts.get(code) ?? code,
    };
    this.#known = { names, since: now };
    return names;
  }
}
