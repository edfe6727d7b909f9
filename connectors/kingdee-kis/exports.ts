import { mkdir, readFile, rm, stat } from "node:fs/promises";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { Period } from "../../domain/dates.ts";
import { ZhangshiError } from "../../domain/errors.ts";
import type { ErpVoucher } from "../contract.ts";
import { codeOf, messageOf, namesIn, replaceWhole } from "./disk.ts";
import { readExport } from "./exported-vouchers.ts";
import type { KingdeeKisSettings } from "./settings.ts";

/** The newest export of each period, as the program wrote it. */
export const EXPORTS_NAME = "zhangshi-exports";

/** "2025-01@1738310400000000-0f3a….dbf": period, microseconds since 1970, digest. */
const KEPT = /^(\d{4}-\d{2})@(\d{16})-[0-9a-f]{16}\.(?:dbf|xlsx|xls)$/u;
const IN_NAME = /(20\d\d)[-_.年]?(0[1-9]|1[0-2])(?!\d)/u;
const MICROSECONDS = 1_000;
const TIME_LENGTH = 16;
const DIGEST_LENGTH = 16;

/** One period as the program exported it last. */
export interface PeriodExport {
  readonly period: Period;
  /** Milliseconds since 1970. */
  readonly madeAt: number;
  readonly vouchers: readonly ErpVoucher[];
}

/** Exports that were handed in, one for each period: the newest. Each is parsed once. */
export class Exports {
  readonly #folder: string;
  readonly #settings: KingdeeKisSettings;
  readonly #parsed = new Map<string, PeriodExport>();
  #newest: ReadonlyMap<Period, PeriodExport> = new Map();

  constructor(folder: string, settings: KingdeeKisSettings) {
    this.#folder = join(folder, EXPORTS_NAME);
    this.#settings = settings;
  }

  /** The same map as long as nothing new was handed in. */
  get newest(): ReadonlyMap<Period, PeriodExport> {
    return this.#newest;
  }

  /** @throws ZhangshiError FILE_UNREADABLE when one that was kept can no longer be read */
  async load(): Promise<void> {
    const newest = new Map<Period, PeriodExport>();
    // In the order of their names: of one period the newest comes last.
    for (const name of (await namesIn(this.#folder)) ?? []) {
      const [, period, micros] = KEPT.exec(name) ?? [];
      if (period === undefined || micros === undefined) continue;
      const of = Period.parse(period);
      const known = this.#parsed.get(name) ?? (await this.#parse(name, of, Number(micros) / MICROSECONDS));
      if (known === undefined) continue;
      this.#parsed.set(name, known);
      newest.set(of, known);
    }
    const isNew = newest.size !== this.#newest.size || [...newest].some(([of, one]) => this.#newest.get(of) !== one);
    if (isNew) this.#newest = newest;
  }

  async #parse(name: string, period: Period, madeAt: number): Promise<PeriodExport | undefined> {
    const bytes = await readFile(join(this.#folder, name)).catch((cause: unknown) => {
      // Another worker has just taken a newer one in its place.
      if (codeOf(cause) === "ENOENT") return undefined;
      throw new ZhangshiError("FILE_UNREADABLE", { file: name, reason: messageOf(cause) }, { cause });
    });
    if (bytes === undefined) return undefined;
    const vouchers = await readExport(bytes, name, this.#settings);
    return { period, madeAt, vouchers: vouchers.filter((voucher) => voucher.period === period) };
  }

  /**
   * Keeps an export for each period in it; one that is older than what is known already changes nothing.
   * @param madeAt  milliseconds since 1970
   * @returns the periods that it covers
   * @throws ZhangshiError FILE_UNREADABLE, FILE_NOT_WRITTEN
   */
  async take(name: string, content: Uint8Array, madeAt: number, token: string): Promise<readonly Period[]> {
    const vouchers = await readExport(content, name, this.#settings);
    const periods = [...new Set(vouchers.map(({ period }) => period))].toSorted((a, b) => (a < b ? -1 : 1));
    if (periods.length === 0) periods.push(periodInName(name));
    const digest = createHash("sha256").update(content).digest("hex").slice(0, DIGEST_LENGTH);
    const time = String(Math.floor(madeAt * MICROSECONDS)).padStart(TIME_LENGTH, "0");
    const ending = endingOf(content, this.#settings);
    try {
      await mkdir(this.#folder, { recursive: true });
      for (const period of periods) {
        const kept = `${period}@${time}-${digest}.${ending}`;
        await replaceWhole(join(this.#folder, kept), content, token);
      }
      await this.#forgetOld();
    } catch (cause) {
      throw new ZhangshiError("FILE_NOT_WRITTEN", { file: this.#folder, reason: messageOf(cause) }, { cause });
    }
    await this.load();
    return periods;
  }

  async #forgetOld(): Promise<void> {
    const names = (await namesIn(this.#folder)) ?? [];
    const periodOf = (name: string | undefined): string | undefined => KEPT.exec(name ?? "")?.[1];
    for (const [at, name] of names.entries()) {
      const period = periodOf(name);
      if (period === undefined || periodOf(names[at + 1]) !== period) continue;
      await rm(join(this.#folder, name), { force: true });
      this.#parsed.delete(name);
    }
  }
}

const ZIP_START = 0x50;
const endingOf = (content: Uint8Array, { dialect }: KingdeeKisSettings): string => {
  if (dialect !== "excel") return "dbf";
  return content[0] === ZIP_START ? "xlsx" : "xls";
};

/** An export without a voucher tells its period by its name alone. */
const periodInName = (name: string): Period => {
  const [, year, month] = IN_NAME.exec(name) ?? [];
  if (year === undefined || month === undefined)
    throw new ZhangshiError("FILE_UNREADABLE", {
      file: name,
      reason: "holds no voucher, and its name does not say its period, such as 2025-01",
    });
  return Period.parse(`${year}-${month}`);
};

/** When a file got its content, in milliseconds since 1970; @throws as `stat` does */
export const madeAtOf = async (path: string): Promise<number> => (await stat(path)).mtimeMs;
