import { type Decimal, ZERO, toFixed } from "../../domain/decimal.ts";
import type { ErrorCode } from "../../domain/errors.ts";
import { type VoucherDraft, type VoucherLine, dimensionKinds } from "../../domain/voucher.ts";
import { writeVendorJson } from "../transport/json.ts";
import type { ChangeSet } from "./multipart.ts";
import type { SapB1Settings } from "./settings.ts";

/** Why a draft cannot even be written down for this ERP. */
export interface CannotWrite {
  readonly code: ErrorCode;
  readonly message: string;
}

/** Our account as the chart's Code; undefined where the chart has none. */
export type AccountCode = (account: string) => string | undefined;

export const AMOUNT_DECIMALS = 2;
/** Lengths of columns in UTF-16 units (reference §7.2); what is longer is refused by B1. */
const REFERENCE_LENGTH = 100;
const ACCOUNT_LENGTH = 15;

/** What keeps a draft from being sent, found before anything is sent; undefined when nothing does. */
export const obstacleTo = (
  draft: VoucherDraft,
  settings: SapB1Settings,
  accountCode: AccountCode,
): CannotWrite | undefined => {
  if (settings.books[draft.book] === undefined)
    return { code: "CONFIG_INVALID", message: `account book ${draft.book} is not among the connection's books` };
  if (settings.words[draft.word] === undefined)
    return { code: "CODE_MISSING", message: `凭证字 ${draft.word} has no transaction code in the connection's words` };
  if (draft.currency !== settings.currency)
    return { code: "CODE_MISSING", message: `currency ${draft.currency}: only ${settings.currency} is posted` };
  for (const line of draft.lines) {
    const obstacle = obstacleInLine(line, settings, accountCode);
    if (obstacle !== undefined) return { ...obstacle, message: `line ${line.lineNumber}: ${obstacle.message}` };
  }
  return undefined;
};

const obstacleInLine = (
  line: VoucherLine,
  settings: SapB1Settings,
  accountCode: AccountCode,
): CannotWrite | undefined => {
  const code = accountCode(line.account);
  if (code === undefined) return { code: "ACCOUNT_REFUSED", message: `the chart has no account ${line.account}` };
  if (code.length > ACCOUNT_LENGTH)
    return { code: "ACCOUNT_REFUSED", message: `account ${code} has more than ${ACCOUNT_LENGTH} characters` };
  const partner = settings.controlAccounts[line.account];
  if (partner !== undefined && line.dimensions[partner] === undefined)
    return {
      code: "DIMENSION_REFUSED",
      message: `account ${line.account} is a control account and needs a ${partner}`,
    };
  for (const kind of dimensionKinds)
    if (line.dimensions[kind] !== undefined && kind !== partner && (settings.dimensions[kind] ?? null) === null)
      return { code: "DIMENSION_REFUSED", message: `no field is configured for ${kind}` };
  return undefined;
};

/** Cut without breaking a character of two units; the cut shows. */
export const fitted = (text: string, lengthMax: number): string => {
  if (text.length <= lengthMax) return text;
  let cut = "";
  for (const character of text) {
    if (cut.length + character.length > lengthMax - 1) break;
    cut += character;
  }
  return `${cut}…`;
};

/** Money as decimal text: accepted, and no float ever formats it (reference §4.2). */
const money = (amount: Decimal): string => toFixed(amount, AMOUNT_DECIMALS);

const lineBody = (
  line: VoucherLine,
  branch: number | null,
  settings: SapB1Settings,
  accountCode: AccountCode,
): Record<string, unknown> => {
  const isDebit = line.side === "debit";
  const partner = settings.controlAccounts[line.account];
  const dimensions: Record<string, string> = {};
  for (const kind of dimensionKinds) {
    const code = line.dimensions[kind];
    const field = settings.dimensions[kind];
    if (code !== undefined && kind !== partner && field !== undefined && field !== null) dimensions[field] = code;
  }
  return {
    // A partner's line names the partner; B1 puts the partner's control account (reference §7.2).
    ...(partner === undefined
      ? { AccountCode: accountCode(line.account) ?? line.account }
      : { ShortName: line.dimensions[partner] }),
    Debit: money(isDebit ? line.amount : ZERO),
    Credit: money(isDebit ? ZERO : line.amount),
    LineMemo: fitted(line.summary, settings.summaryMax),
    ...(branch === null ? {} : { BPLID: branch }),
    ...(settings.quantityField === null || line.quantity === undefined
      ? {}
      : { [settings.quantityField]: line.quantity }),
    ...(settings.unitField === null || line.unit === undefined ? {} : { [settings.unitField]: line.unit }),
    ...dimensions,
  };
};

/** Body of `POST JournalEntries` (reference §9.1). All three dates are the accounting date: each has a window of its own. */
export const journalBody = (
  draft: VoucherDraft,
  settings: SapB1Settings,
  accountCode: AccountCode,
): Record<string, unknown> => {
  const word = settings.words[draft.word] ?? null;
  const branch = settings.books[draft.book] ?? null;
  const reference = draft.documents.join(",");
  return {
    ReferenceDate: draft.date,
    DueDate: draft.date,
    TaxDate: draft.date,
    Memo: fitted(draft.lines[0]?.summary ?? "", settings.memoLength),
    ...(reference === "" ? {} : { Reference: fitted(reference, REFERENCE_LENGTH) }),
    ...(word === null ? {} : { TransactionCode: word }),
    ...(settings.series === undefined ? {} : { Series: settings.series }),
    [settings.keyField]: draft.key,
    JournalEntryLines: draft.lines.map((line) => lineBody(line, branch, settings, accountCode)),
  };
};

/** Operations of one voucher's change set. */
export const OPERATIONS = 2;

/** Content-IDs of the claim row and of the journal entry of the n-th draft of a batch; they differ within the whole batch. */
const claimId = (index: number): string => String(OPERATIONS * index + 1);
const journalId = (index: number): string => String(OPERATIONS * index + 2);

/** The claim row first: where the key is taken already, nothing of the voucher is tried (reference §9.4). */
export const changeSetOf = (
  draft: VoucherDraft,
  index: number,
  root: string,
  settings: SapB1Settings,
  accountCode: AccountCode,
): ChangeSet => ({
  boundary: `changeset_${draft.key}`,
  operations: [
    {
      contentId: claimId(index),
      path: `${root}/U_${settings.claimTable}`,
      // Older releases keep Name unique as well: it gets the same value.
      json: writeVendorJson({ Code: draft.key, Name: draft.key }),
    },
    {
      contentId: journalId(index),
      path: `${root}/JournalEntries`,
      json: writeVendorJson(journalBody(draft, settings, accountCode)),
    },
  ],
});
