import type { DimensionKind, VoucherDraft } from "../../domain/voucher.ts";
import type { MasterDataKind } from "../contract.ts";
import { readMasterData } from "./books.ts";
import type { B1Channel } from "./channel.ts";
import type { SapB1Settings } from "./settings.ts";

/** A code that was there is believed to be there for so long; one that was not is asked for again each time. */
const KNOWN_MS_MAX = 10 * 60_000;

/** Lists in which B1 keeps the codes of a dimension; user fields accept any text, so nobody else would notice a wrong one. */
const lists: Readonly<Partial<Record<DimensionKind, MasterDataKind>>> = {
  item: "item",
  warehouse: "warehouse",
  supplier: "supplier",
  customer: "customer",
  department: "department",
};

/** Dimensions whose codes are looked up before anything is sent. */
export const checkedKinds = (settings: SapB1Settings): ReadonlySet<DimensionKind> => {
  const kept = (kind: DimensionKind): boolean => {
    const field = settings.dimensions[kind] ?? null;
    if (kind === "department") return field?.startsWith("CostingCode") === true;
    return field !== null || Object.values(settings.controlAccounts).some((partner) => partner === kind);
  };
  const kinds: readonly DimensionKind[] = ["item", "warehouse", "supplier", "customer", "department"];
  return new Set(kinds.filter((kind) => kept(kind) && !settings.uncheckedCodes.includes(kind)));
};

/** Knows which codes may be used. */
export class Codes {
  readonly #channel: B1Channel;
  readonly #settings: SapB1Settings;
  readonly #now: () => Date;
  readonly #kinds: ReadonlySet<DimensionKind>;
  readonly #known = new Map<string, number>();

  constructor(channel: B1Channel, settings: SapB1Settings, now: () => Date) {
    this.#channel = channel;
    this.#settings = settings;
    this.#now = now;
    this.#kinds = checkedKinds(settings);
  }

  /**
   * What is wrong with the codes of a voucher, for each one that has a wrong code.
   * @throws ZhangshiError where a list cannot be read
   */
  async wrongIn(drafts: readonly VoucherDraft[]): Promise<ReadonlyMap<string, string>> {
    const wanted = new Map<DimensionKind, Set<string>>();
    for (const draft of drafts)
      for (const [kind, code] of codesOf(draft, this.#kinds))
        if (!this.#isKnown(kind, code)) wanted.set(kind, (wanted.get(kind) ?? new Set<string>()).add(code));
    await Promise.all([...wanted].map(([kind, codes]) => this.#learn(kind, [...codes])));
    const wrong = new Map<string, string>();
    for (const draft of drafts)
      for (const [kind, code] of codesOf(draft, this.#kinds))
        if (!this.#isKnown(kind, code)) wrong.set(draft.key, `${kind} ${code} is not in B1, or inactive there`);
    return wrong;
  }

  #isKnown(kind: DimensionKind, code: string): boolean {
    const until = this.#known.get(`${kind} ${code}`);
    return until !== undefined && this.#now().getTime() < until;
  }

  async #learn(kind: DimensionKind, codes: readonly string[]): Promise<void> {
    const list = lists[kind];
    if (list === undefined) return;
    const until = this.#now().getTime() + KNOWN_MS_MAX;
    for (const { code, usable } of await readMasterData(this.#channel, this.#settings, list, codes))
      if (usable) this.#known.set(`${kind} ${code}`, until);
  }
}

const codesOf = (
  draft: VoucherDraft,
  kinds: ReadonlySet<DimensionKind>,
): readonly (readonly [DimensionKind, string])[] =>
  draft.lines.flatMap(({ dimensions }) =>
    [...kinds].flatMap((kind) => {
      const code = dimensions[kind];
      return code === undefined ? [] : [[kind, code] as const];
    }),
  );
