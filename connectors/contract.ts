import type { BusinessDate, Instant, Period } from "../domain/dates.ts";
import type { Decimal } from "../domain/decimal.ts";
import type { ErrorCode } from "../domain/errors.ts";
import type { VoucherLimits } from "../domain/limits.ts";
import type { CountLine, Movement } from "../domain/movement.ts";
import type { PostingKey } from "../domain/posting-key.ts";
import type { Stage } from "../domain/posting.ts";
import type { DimensionKind, Side, VoucherDraft } from "../domain/voucher.ts";

/*
 * The two roles a connector can play. Shared code branches on the declared capabilities, never on a vendor's name.
 * Everything here is plain data: what a vendor's wire looks like stays in the vendor's folder.
 */

/** Paces requests per connection and interface. The worker hands one in that all workers share. */
export interface Pacer {
  /** Resolves when one request to `lane` (an interface of the vendor) may start. */
  permit(lane: string): Promise<void>;
}

/** What every connector is built from, besides its own parsed settings. */
export interface ConnectorContext {
  readonly connection: string;
  readonly baseUrl: string;
  /** Resolved from the environment or a secret store when the worker starts; never logged. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly pacer: Pacer;
  readonly now: () => Date;
  /** PEM of a private certification authority, trusted beside the public ones. */
  readonly certificateAuthority?: string | undefined;
  /** Hosts that the operator allows by name although they are link-local or metadata addresses. */
  readonly allowedHosts?: readonly string[] | undefined;
  /** Told of each request once it has ended, however it ended; without the wait for its permit. */
  readonly onRequest?: (lane: string, seconds: number) => void;
  readonly log: (message: string, fields: Readonly<Record<string, string | number>>) => void;
}

/** One step of `zhangshi check <connection>`. */
export interface CheckStage {
  readonly stage: "address" | "port" | "tls" | "login" | "rights" | "clock" | "master-data" | "key-field" | "limits";
  readonly subject: string;
  readonly state: "ok" | "failed" | "skipped" | "warning";
  readonly durationMs: number;
  /** A plain sentence; `nextStep` says what to do. Both languages. */
  readonly message: Bilingual;
  readonly nextStep?: Bilingual;
  /** The vendor's own words, secrets removed. */
  readonly raw?: string;
}
export interface Bilingual {
  readonly zh: string;
  readonly en: string;
}

export interface Connector {
  /** Emits each stage as it ends and stops after the first failed one that the rest depends on. */
  check(): AsyncIterable<CheckStage>;
  /** Logs out and closes sockets. */
  close(): Promise<void>;
}

// ---------------------------------------------------------------------------------------------- stock source

export interface SourceCapabilities {
  /** True where the vendor can be asked for what changed since a time; false means that edits are found by re-reading. */
  readonly modifiedSince: boolean;
  /** True where deletions are announced or listed. */
  readonly listsDeletions: boolean;
  readonly pushes: boolean;
  readonly pageMax: number;
}

/** Something in a record that could not be understood. It names place, value and what to do; nothing else stops. */
export interface RecordProblem {
  readonly code: ErrorCode;
  readonly form: string;
  readonly recordId: string;
  /** Empty for the head of the document. */
  readonly lineId: string;
  readonly documentNumber: string;
  readonly field: string;
  /** The value as it arrived, shortened to 200 characters. */
  readonly value: string;
}

/** One record of the source, parsed. A record with problems has no lines: a document enters whole or not at all. */
export interface SourceRecord {
  readonly form: string;
  readonly recordId: string;
  readonly documentNumber: string;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
  /** Changes exactly when something that we use of the record changes. */
  readonly digest: string;
  /** Revision is 0 here: the ingest gives it. */
  readonly movements: readonly Movement[];
  readonly counts: readonly CountLine[];
  readonly problems: readonly RecordProblem[];
}

export interface SourcePage {
  readonly records: readonly SourceRecord[];
  /** Hand it back for the next page; opaque to everybody else. */
  readonly cursor: string;
  /** True when no further page was there at the time of reading. */
  readonly last: boolean;
}

/** Quantity on hand by the warehouse system's own account, where it keeps one. Stock unit of the item. */
export interface WarehouseBalance {
  readonly item: string;
  readonly warehouse: string;
  readonly batch: string;
  readonly quantity: Decimal;
}

/** A row of master data of the warehouse side. */
export interface SourceItem {
  readonly code: string;
  readonly name: string;
  readonly itemClass: string;
  readonly unit: string;
  /** Other units: 1 `unit` = `factor` stock units. */
  readonly conversions: readonly { readonly unit: string; readonly factor: Decimal }[];
}

export interface PushDelivery {
  /** The vendor's delivery id: a second delivery with the same id is a repeat. */
  readonly deliveryId: string;
  readonly form: string;
  readonly recordId: string;
  readonly event: "changed" | "removed" | "form-changed";
}

export interface StockSource extends Connector {
  readonly capabilities: SourceCapabilities;
  /** The configured form names that carry movements or counts. */
  readonly forms: readonly string[];
  /** Opaque mark that changes whenever anything in the form changed; undefined where the vendor has none. */
  changeMark(form: string): Promise<string | undefined>;
  /** Records in the vendor's stable order after `cursor` ("" = from the beginning). Safe to repeat. */
  readPage(form: string, cursor: string, sizeMax: number): Promise<SourcePage>;
  /** Present records among `recordIds`; an id missing from the answer does not exist (any more). */
  readRecords(form: string, recordIds: readonly string[]): Promise<ReadonlyMap<string, SourceRecord>>;
  items(): AsyncIterable<SourceItem>;
  balances(): AsyncIterable<WarehouseBalance>;
  /** Verifies signature and time window of a push. @throws ZhangshiError PUSH_SIGNATURE_WRONG, PUSH_TOO_OLD, PUSH_UNREADABLE */
  verifyPush(
    headers: Readonly<Record<string, string>>,
    query: Readonly<Record<string, string>>,
    rawBody: Buffer,
  ): PushDelivery;
}

// ---------------------------------------------------------------------------------------------- voucher target

/**
 * Who refuses a voucher that cannot be booked: the ERP when it is sent; the connector before it sends, because the ERP would
 * take it ("us"); or nobody who answers us ("nobody", for example a program that imports our file later).
 */
export type CheckedBy = "erp" | "us" | "nobody";

export interface TargetCapabilities extends VoucherLimits {
  /** Largest number of vouchers in one request; 1 = no batches. */
  readonly batchMax: number;
  /**
   * "native": the ERP refuses a second voucher with our key; "lookup": it can only be asked; "receipt": it imports files and
   * cannot be asked, a person's receipt answers (docs/decisions/0015-file-ledgers.md); "none": not even that.
   */
  readonly keyGuard: "native" | "lookup" | "receipt" | "none";
  /** How many characters of the key the ERP's field holds. */
  readonly keyLength: number;
  readonly stages: readonly Stage[];
  /** True where the answer comes later and has to be polled. */
  readonly asynchronous: boolean;
  /** Dimensions that the ledger can keep on a line. */
  readonly dimensions: readonly DimensionKind[];
  readonly checks: {
    readonly period: CheckedBy;
    /** Unknown, forbidden and parent accounts. */
    readonly account: CheckedBy;
    /** A dimension that the account demands and the line lacks. */
    readonly dimension: CheckedBy;
    /** Codes of items, partners and departments that do not exist. */
    readonly code: CheckedBy;
    readonly balance: CheckedBy;
  };
  /** What a person can do to a voucher of ours in the ERP's own program afterwards: the reconciliation has to see it. */
  readonly people: {
    readonly edit: boolean;
    readonly unaudit: boolean;
    readonly delete: boolean;
    readonly void: boolean;
    /** Whether a copy carries our key as well, comes without it, or cannot be made. */
    readonly copy: "with-key" | "without-key" | "never";
  };
  readonly readsBalances: boolean;
  readonly readsQuantities: boolean;
}

/** Never two outcomes, always four (docs/design: posting exactly once). */
export type SendOutcome =
  | {
      readonly kind: "posted";
      readonly key: PostingKey;
      readonly erpId: string;
      readonly number: string;
      readonly stage: Stage;
    }
  | { readonly kind: "refused"; readonly key: PostingKey; readonly code: ErrorCode; readonly message: string }
  | { readonly kind: "not-done"; readonly key: PostingKey; readonly code: ErrorCode; readonly message: string }
  | { readonly kind: "uncertain"; readonly key: PostingKey; readonly code: ErrorCode; readonly message: string };

/** What the ERP holds, in our words. `key` is "" where the voucher does not carry one of ours. */
export interface ErpVoucher {
  readonly erpId: string;
  readonly key: string;
  readonly word: string;
  readonly number: string;
  readonly date: BusinessDate;
  readonly period: Period;
  readonly stage: Stage;
  readonly voided: boolean;
  readonly attachments: number | undefined;
  /** The ERP's own document type behind it: "manual" when a person made it in the ERP, else the vendor's word. */
  readonly origin: string;
  readonly maker: string;
  readonly lines: readonly ErpVoucherLine[];
}
export interface ErpVoucherLine {
  readonly lineNumber: number;
  readonly summary: string;
  readonly side: Side;
  readonly account: string;
  readonly amount: Decimal;
  readonly quantity: Decimal | undefined;
  readonly unit: string | undefined;
  readonly dimensions: Partial<Record<DimensionKind, string>>;
}

export type LookUp =
  | { readonly kind: "absent" }
  | { readonly kind: "one"; readonly erpId: string; readonly number: string; readonly stage: Stage }
  | { readonly kind: "void"; readonly erpId: string }
  | { readonly kind: "several"; readonly erpIds: readonly string[] }
  | { readonly kind: "failed"; readonly code: ErrorCode; readonly message: string };

export interface LookUpAnswer {
  readonly found: ReadonlyMap<PostingKey, LookUp>;
  /** True when the same query also found `control`: only then does absent count. */
  readonly controlSeen: boolean;
}

export interface AccountBalance {
  readonly account: string;
  /** Item code where the ERP broke the balance down by item, else "". */
  readonly item: string;
  readonly opening: Decimal;
  readonly debit: Decimal;
  readonly credit: Decimal;
  readonly closing: Decimal;
  readonly openingQuantity: Decimal | undefined;
  readonly debitQuantity: Decimal | undefined;
  readonly creditQuantity: Decimal | undefined;
  readonly closingQuantity: Decimal | undefined;
}

export interface PeriodState {
  readonly period: Period;
  readonly open: boolean;
}

export interface MasterDataRow {
  readonly code: string;
  readonly name: string;
  readonly usable: boolean;
}
export type MasterDataKind =
  | "account"
  | "item"
  | "warehouse"
  | "supplier"
  | "customer"
  | "department"
  | "unit"
  | "word";

export interface AccountTraits {
  readonly code: string;
  readonly name: string;
  readonly detail: boolean;
  readonly usable: boolean;
}

/** A file that was written and that nobody has said anything of yet. */
export interface OutstandingFile {
  /** Its name says what is in it: the same vouchers with the same content always make the same name. */
  readonly name: string;
  readonly keys: readonly PostingKey[];
  readonly writtenAt: Instant;
}

/** What a person says of the outstanding file; `by` and `at` are kept with it. */
export type FileReceipt = { readonly file: string; readonly by: string; readonly at: Instant } & (
  | { readonly said: "imported" | "not-imported" }
  /** The importing program's own log, as it was saved: it may take some vouchers and refuse others. */
  | { readonly said: "log"; readonly log: Uint8Array }
);

/** What a person saw in the ERP of one voucher that neither a receipt nor an export settles. */
export interface VoucherWord {
  readonly key: PostingKey;
  /** The ERP's number; undefined: it is not there. */
  readonly number: string | undefined;
  readonly by: string;
  readonly at: Instant;
}

/** What a ledger that takes files offers besides: a person stands between us and it (docs/decisions/0015-file-ledgers.md). */
export interface FileHandover {
  /** At most one at a time. */
  outstanding(): Promise<OutstandingFile | undefined>;
  /**
   * Keeps what a person says; later look-ups and posts answer by it. The same receipt twice is one.
   * @throws ZhangshiError ARGUMENT_INVALID when this file is not outstanding, FILE_UNREADABLE for a log of another file
   */
  confirm(receipt: FileReceipt): Promise<void>;
  /** The last way out, for a voucher whose file nobody has any more as well. A better witness, an export or a log, outweighs it. */
  confirmVoucher(word: VoucherWord): Promise<void>;
  /**
   * Takes vouchers that a person exported from the ERP again: read-backs and lists answer by the newest export of their period.
   * @param madeAt  when the ERP wrote it, as far as the file's own time tells
   * @returns the periods that it covers; @throws ZhangshiError FILE_UNREADABLE
   */
  takeExport(name: string, content: Uint8Array, madeAt: Instant): Promise<readonly Period[]>;
}

export interface VoucherTarget extends Connector {
  readonly capabilities: TargetCapabilities;
  /** Present exactly where `keyGuard` is "receipt". */
  readonly files?: FileHandover | undefined;
  /**
   * Sends once and never repeats: an answer that got lost may still be a posted voucher.
   * @param deadlineAt  absolute; checked again as the last act before the socket, and the request is abandoned at it
   * @returns one outcome per draft, in the drafts' order
   */
  post(drafts: readonly VoucherDraft[], deadlineAt: Date): Promise<readonly SendOutcome[]>;
  /** Moves saved vouchers towards `stage` (submit, audit). Looks up where each one stands first, so repeating is harmless. */
  advance(
    vouchers: readonly { readonly key: PostingKey; readonly erpId: string }[],
    stage: Stage,
    deadlineAt: Date,
  ): Promise<readonly SendOutcome[]>;
  /** Never filters by date, period or status. `control` is a key known to be in the books, or undefined for a first voucher. */
  findByKeys(book: string, keys: readonly PostingKey[], control: PostingKey | undefined): Promise<LookUpAnswer>;
  /** Vouchers by the ERP's own id; an id missing from the answer is no longer there. */
  readBack(book: string, erpIds: readonly string[]): Promise<ReadonlyMap<string, ErpVoucher>>;
  /** Everything in the book for the period, ours or not, void ones too, in a stable order. Detects silent truncation. */
  listPeriod(book: string, period: Period): AsyncIterable<readonly ErpVoucher[]>;
  balances(book: string, period: Period): Promise<readonly AccountBalance[]>;
  periods(book: string): Promise<readonly PeriodState[]>;
  masterData(kind: MasterDataKind, codes?: readonly string[]): Promise<readonly MasterDataRow[]>;
}

// ---------------------------------------------------------------------------------- stock documents (proposed)

/*
 * "The ERP values": instead of vouchers with amounts the ledger gets stock documents, costs them itself and makes its own
 * vouchers, and what it computed is read back. Proposed in docs/decisions/0016-stock-documents.md; nothing uses it yet.
 */

export const stockDocumentKinds = [
  "purchase-receipt", // 采购入库
  "purchase-return", // 采购退货
  "sales-issue", // 销售出库
  "sales-return", // 销售退货
  "other-receipt", // 其他入库
  "other-issue", // 其他出库
  "production-receipt", // 产品入库
  "production-issue", // 生产领料
  "transfer", // 调拨
  "count-gain", // 盘盈
  "count-loss", // 盘亏
] as const;
export type StockDocumentKind = (typeof stockDocumentKinds)[number];

/** One document of the warehouse as the ERP should hold it. All codes are the ERP's codes already. */
export interface StockDocumentDraft {
  /** As for vouchers: assigned once, purpose "stock-document", never expires. */
  readonly key: PostingKey;
  readonly ledger: string;
  /** Organisation or company in the ERP whose stock it is. */
  readonly organization: string;
  readonly kind: StockDocumentKind;
  readonly date: BusinessDate;
  /** Supplier or customer; "" where the kind has none. */
  readonly partner: string;
  readonly department: string;
  readonly currency: string;
  /** Number of the document in the warehouse system, for people. */
  readonly document: string;
  readonly remark: string;
  readonly lines: readonly StockDocumentDraftLine[];
}

export interface StockDocumentDraftLine {
  readonly lineNumber: number;
  readonly item: string;
  readonly warehouse: string;
  /** Where a transfer goes to; "" for the rest. */
  readonly counterWarehouse: string;
  readonly batch: string;
  readonly unit: string;
  /** Always positive: the kind says which way it goes. */
  readonly quantity: Decimal;
  /** Net price per unit where the document itself brings the value (purchases, opening stock); absent where the ERP costs it. */
  readonly unitPrice: Decimal | undefined;
  /** The account against which the ERP books it, where it cannot know that from the kind (other receipt and issue). */
  readonly counterAccount: string | undefined;
}

/** What the ERP holds. Cost is undefined until the ERP has costed the line: at once, or when its period is costed. */
export interface ErpStockDocument {
  readonly erpId: string;
  readonly key: string;
  readonly kind: StockDocumentKind;
  readonly number: string;
  readonly date: BusinessDate;
  readonly period: Period;
  readonly stage: Stage;
  readonly voided: boolean;
  readonly maker: string;
  readonly lines: readonly (Omit<StockDocumentDraftLine, "unitPrice" | "counterAccount"> & {
    readonly cost: Decimal | undefined;
  })[];
  /** Ids of the vouchers that the ERP made of it, as `VoucherTarget.readBack` takes them; empty until it has. */
  readonly vouchers: readonly string[];
}

export interface StockDocumentCapabilities {
  readonly kinds: readonly StockDocumentKind[];
  readonly batchMax: number;
  readonly keyGuard: "native" | "lookup";
  readonly keyLength: number;
  readonly stages: readonly Stage[];
  readonly asynchronous: boolean;
  readonly linesMax: number;
  readonly quantityDecimals: number;
  readonly quantityDigits: number;
  readonly text: VoucherLimits["text"];
  /** "at-once": an issue has its cost when it is posted; "at-period-end": when finance runs the ERP's costing. */
  readonly costs: "at-once" | "at-period-end";
  /** Whether the ERP makes vouchers of stock documents by itself, on somebody's order, or not at all. */
  readonly makesVouchers: "by-itself" | "on-order" | "never";
  /** Whether stock may go below zero; "setting" where the customer decides. */
  readonly negativeStock: "refused" | "allowed" | "setting";
  /** A document is undone by cancelling it, or by one of the opposite kind. */
  readonly undo: "cancel" | "opposite";
  /** Stock and general ledger close separately. */
  readonly ownPeriods: boolean;
}

/** The same promises as `VoucherTarget`: sent once, four outcomes, absence only with a control, lists that are whole or fail. */
export interface StockDocumentTarget extends Connector {
  readonly stockCapabilities: StockDocumentCapabilities;
  postStock(drafts: readonly StockDocumentDraft[], deadlineAt: Date): Promise<readonly SendOutcome[]>;
  advanceStock(
    documents: readonly { readonly key: PostingKey; readonly kind: StockDocumentKind; readonly erpId: string }[],
    stage: Stage,
    deadlineAt: Date,
  ): Promise<readonly SendOutcome[]>;
  /** Every kind has a table of its own in most ERPs, so the kind is part of the question. */
  findStockByKeys(
    organization: string,
    kind: StockDocumentKind,
    keys: readonly PostingKey[],
    control: PostingKey | undefined,
  ): Promise<LookUpAnswer>;
  readStockBack(
    organization: string,
    kind: StockDocumentKind,
    erpIds: readonly string[],
  ): Promise<ReadonlyMap<string, ErpStockDocument>>;
  listStock(organization: string, kind: StockDocumentKind, period: Period): AsyncIterable<readonly ErpStockDocument[]>;
  /** Quantity and, where the ERP has it, value on hand at the end of a day. */
  stockOnHand(organization: string, on: BusinessDate): AsyncIterable<readonly ErpStock[]>;
  stockPeriods(organization: string): Promise<readonly PeriodState[]>;
}

export interface ErpStock {
  readonly item: string;
  readonly warehouse: string;
  readonly batch: string;
  readonly unit: string;
  readonly quantity: Decimal;
  readonly value: Decimal | undefined;
}
