import type { Bilingual, MasterDataKind, TargetCapabilities, VoucherTarget } from "../connectors/contract.ts";
import type { BusinessDate, Period } from "../domain/dates.ts";
import type { Decimal } from "../domain/decimal.ts";
import type { PostingKey } from "../domain/posting-key.ts";
import type { Stage } from "../domain/posting.ts";
import type { DimensionKind, Side } from "../domain/voucher.ts";
import type { FaultKind } from "../simulators/shared/faults.ts";

/** Codes that the books of a bench know. Every one is the ERP's own code. */
export interface Facts {
  readonly book: string;
  /** 凭证字 by our name. */
  readonly word: string;
  readonly currency: string;
  /** A 凭证字 that the connection does not know; undefined where vouchers have none. */
  readonly unknownWord: string | undefined;
  /** The only open period before anything happened, and the one before it, which is closed. */
  readonly openPeriod: Period;
  readonly closedPeriod: Period;
  /** Two detail accounts that demand no dimension and keep no quantities. */
  readonly plainAccount: string;
  readonly otherAccount: string;
  /** Has accounts below it; undefined where the chart has only one level. */
  readonly parentAccount: string | undefined;
  /** An account that demands this dimension; undefined where none does. */
  readonly demanding: { readonly account: string; readonly kind: DimensionKind } | undefined;
  /** An account that keeps quantities; undefined where the ledger keeps none. */
  readonly stock: { readonly account: string; readonly item: string; readonly unit: string } | undefined;
  /** For each dimension that the ledger keeps: an account that has it, and a code that exists. */
  readonly dimensions: Readonly<Partial<Record<DimensionKind, { readonly account: string; readonly code: string }>>>;
  /** One answer of the vendor holds at most so many rows of this kind; more has to be read page by page. */
  readonly page: { readonly of: "vouchers" | "lines"; readonly max: number };
  /** Secrets of which one is wrong. */
  readonly wrongSecrets: Readonly<Record<string, string>>;
}

/** Verbs of the language of faults that this vendor's connector calls; the simulator's README lists them. */
export interface Operations {
  readonly create: readonly string[];
  /** Submit, audit, book: empty where vouchers have one stage. */
  readonly advance: readonly string[];
  readonly read: readonly string[];
}

/** A fault as the fault file spells it. */
export interface SetFault {
  readonly kind: FaultKind;
  readonly operation?: readonly string[];
  readonly times?: number;
  readonly nth?: number;
  readonly delayMs?: number;
  readonly index?: number;
  readonly after?: number;
  readonly done?: boolean;
  readonly variant?: string;
}

/** A voucher as the books themselves have it, read past the connector and past the vendor's API. */
export interface BookedVoucher {
  readonly erpId: string;
  readonly key: string;
  readonly date: string;
  readonly voided: boolean;
  readonly stage: Stage;
  readonly lines: readonly {
    readonly side: Side;
    readonly account: string;
    readonly amount: Decimal;
    /** "0" where there is none. */
    readonly quantity: Decimal;
    readonly summary: string;
    readonly dimensions: Readonly<Partial<Record<DimensionKind, string>>>;
  }[];
}

export interface RequestCounts {
  readonly totals: Readonly<Record<string, number>>;
  /** Unix second → requests of every kind in it. */
  readonly perSecond: ReadonlyMap<number, number>;
}

/** What a person in the ERP's own program, and the operator of the simulator, can do. */
export interface Acts {
  /** Gives every line of the voucher this amount, whatever stage it has, and leaves it at that stage. */
  edit(erpId: string, amount: Decimal): Promise<void>;
  move(erpId: string, date: BusinessDate): Promise<void>;
  unaudit(erpId: string): Promise<void>;
  /** Whatever stage it has. */
  remove(erpId: string): Promise<void>;
  void(erpId: string): Promise<void>;
  copy(erpId: string): Promise<void>;
  /** Debit `plainAccount`, credit `otherAccount`, by hand. */
  write(date: BusinessDate, amount: Decimal): Promise<void>;
  /** This period and all before it. */
  closePeriod(period: Period): Promise<void>;
  /** This period and all after it. */
  openPeriod(period: Period): Promise<void>;
  forbid(kind: MasterDataKind, code: string): Promise<void>;
  /** Takes a right away from the interface user. */
  revoke(right: "read" | "write"): Promise<void>;
  /** Renames or removes the field that holds our key. */
  hideKeyField(): Promise<void>;
  endSessions(): Promise<void>;
  shiftClock(ms: number): Promise<void>;
  /** From now on an answer holds at most so many rows, and nothing says that it was cut. */
  cutAnswers(rows: number): Promise<void>;
  setFaults(faults: readonly SetFault[]): Promise<void>;
  hits(kind: FaultKind): Promise<number>;
  requests(): Promise<RequestCounts>;
  /** Waits until nothing is going to be committed any more. */
  settle(): Promise<void>;
  books(): Promise<readonly BookedVoucher[]>;
  /** For ledgers that take files: a person imports the outstanding file, confirms the receipt, and exports its period again. */
  importFile(): Promise<void>;
  /** For ledgers that take files: a person exports the open period again. Elsewhere there is nothing to do. */
  exportAgain(): Promise<void>;
}

/** What cannot be done here says why, and the cases that need it are not applicable. */
export type Office = { readonly [Name in keyof Acts]: Acts[Name] | Bilingual };

/** Changes to the connector that a bench hands out. */
export interface Connection {
  readonly secrets?: Readonly<Record<string, string>>;
  /** Resolves when one request may start. */
  readonly permit?: () => Promise<void>;
}

/** In books that are not the suite's own: how its documents are told from all others. */
export interface Mark {
  /** Begins a summary in every voucher. */
  readonly summary: string;
  /** A key that no real posting can have; the same for the same name. */
  readonly keyOf: (name: string) => PostingKey;
}

export interface Bench {
  /** Absent where the books are made for one case and thrown away. */
  readonly mark?: Mark;
  readonly target: VoucherTarget;
  readonly facts: Facts;
  readonly operations: Operations;
  /** Forms in which this vendor says the same thing, by kind of fault; each is tried. */
  readonly variants: Readonly<Partial<Record<FaultKind, readonly string[]>>>;
  readonly office: Office;
  /** A further connector to the same books. The bench closes it. */
  connect(change: Connection): VoucherTarget;
  close(): Promise<void>;
}

/** Thrown by an act that is impossible at this vendor, and by cases that need a capability. */
export class NotApplicable extends Error {
  readonly reason: Bilingual;
  constructor(reason: Bilingual) {
    super(reason.en);
    this.reason = reason;
  }
}

/** What a case works with: a bench whose impossible acts end the case as not applicable. */
export interface Room extends Omit<Bench, "office"> {
  readonly office: Acts;
  readonly can: TargetCapabilities;
}

export const roomOf = (bench: Bench): Room => ({
  ...bench,
  connect: (change) => bench.connect(change),
  close: () => bench.close(),
  can: bench.target.capabilities,
  office: willing(bench.office),
});

const willing = (office: Office): Acts => {
  return {
    edit: orRefusal(office.edit),
    move: orRefusal(office.move),
    unaudit: orRefusal(office.unaudit),
    remove: orRefusal(office.remove),
    void: orRefusal(office.void),
    copy: orRefusal(office.copy),
    write: orRefusal(office.write),
    closePeriod: orRefusal(office.closePeriod),
    openPeriod: orRefusal(office.openPeriod),
    forbid: orRefusal(office.forbid),
    revoke: orRefusal(office.revoke),
    hideKeyField: orRefusal(office.hideKeyField),
    endSessions: orRefusal(office.endSessions),
    shiftClock: orRefusal(office.shiftClock),
    cutAnswers: orRefusal(office.cutAnswers),
    setFaults: orRefusal(office.setFaults),
    hits: orRefusal(office.hits),
    requests: orRefusal(office.requests),
    settle: orRefusal(office.settle),
    books: orRefusal(office.books),
    importFile: orRefusal(office.importFile),
    exportAgain: orRefusal(office.exportAgain),
  };
};

const orRefusal = <Act extends (...args: never[]) => Promise<unknown>>(given: Act | Bilingual): Act | (() => never) =>
  typeof given === "function"
    ? given
    : () => {
        throw new NotApplicable(given);
      };
