import type { Stage } from "../../../domain/posting.ts";
import type { Random } from "../../../simulators/shared/prng.ts";
import type { BookedVoucher as ConformanceVoucher } from "../../conformance/office.ts";

/** A simulated ERP with fresh books, set up so that the torture's vouchers can be posted to it. */
export interface Served {
  readonly baseUrl: string;
  /** Where the simulator's own addresses begin. */
  readonly origin: string;
  readonly secrets: Readonly<Record<string, string>>;
  /** Settings of a connection to these books; what is drawn comes on top. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Stages that a run may aim at; one that stands here more often is drawn more often. */
  readonly stages: readonly Exclude<Stage, "none">[];
  close(): Promise<void>;
}

/** A voucher in the simulator's own books. */
export interface BookedVoucher {
  /** Our posting key, as the books have it. */
  readonly key: string;
  readonly voided: boolean;
  /** Names the request that created it: what befalls a request befalls all its vouchers. */
  readonly request: string;
  /** Decimal text; "0" or "" on the other side. */
  readonly lines: readonly { readonly summary: string; readonly debit: string }[];
}

/** Verbs of the language of faults that the connector calls, and the forms in which the vendor says the same thing. */
export interface FaultOperations {
  readonly create: readonly string[];
  /** Empty where vouchers have one stage. */
  readonly advance: readonly string[];
  /** One of these groups is drawn for each fault of a read. */
  readonly reads: readonly (readonly string[])[];
  /** Faults of a read that only this vendor has. */
  readonly ownReads: readonly { readonly kind: string; readonly variant: string }[];
  readonly failureForms: readonly Form[];
  readonly sessionForms: readonly Form[];
  readonly throttledForms: readonly Form[];
}
/** A `variant`; undefined is the vendor's usual form. */
export type Form = string | undefined;

/** All that the torture has to know of one vendor. */
export interface TortureLedger {
  readonly book: string;
  /** Called in the process of the simulators. */
  readonly start: (options: { readonly seed: number; readonly latencyMs?: number | undefined }) => Promise<Served>;
  readonly drawSettings: (random: Random) => Readonly<Record<string, unknown>>;
  readonly faults: FaultOperations;
  /** Address of the dump of the books, below the simulator's origin. */
  readonly dumpPath: string;
  /** @throws ZodError when the dump is not of this vendor */
  readonly readDump: (dump: unknown) => readonly BookedVoucher[];
}

/** From books as the conformance suite reads them, at vendors where each voucher stands or falls on its own. */
export const debitsOf = (vouchers: readonly ConformanceVoucher[]): readonly BookedVoucher[] =>
  vouchers.map(({ erpId, key, voided, lines }) => ({
    key,
    voided,
    request: erpId,
    lines: lines.map(({ summary, side, amount }) => ({ summary, debit: side === "debit" ? amount : "0" })),
  }));
