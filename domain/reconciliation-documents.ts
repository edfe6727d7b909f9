import { type Cause, causes } from "./causes.ts";
import { absolute, decimal, equal, isDecimal, isZero, subtract, sum } from "./decimal.ts";
import { type ErrorCode, errorCatalog } from "./errors.ts";
import { type Stage, stages } from "./posting.ts";
import { type Deviation, deviationsOf } from "./read-back.ts";
import {
  type BackdatedFact,
  type BlockedFact,
  type ChangedMovementFact,
  type DoubleFact,
  type ErpVoucherFact,
  type Finding,
  type ForeignVoucherFact,
  type LineQuantityFact,
  type OneLegFact,
  type PostingFact,
  type Proposal,
  type ReversedFact,
  type UndraftedFact,
  type UnpulledFact,
  documentSubject,
  voucherSubject,
} from "./reconciliation.ts";

/* Document level: one movement or voucher against its counterpart. */

/** The finding about one posting, or undefined where both sides agree or it is still on its way. */
export const postingFinding = (fact: PostingFact): Finding | undefined => {
  switch (fact.state) {
    case "posted":
    case "verified":
    case "differs":
    case "reversed":
      return bookedFinding(fact);
    case "uncertain":
      return stopped(fact, 23);
    case "refused":
      return stopped(fact, 21);
    case "held":
      // Our check before sending speaks for the ERP where it names a refusal.
      return stopped(fact, outcomeOf(fact.errorCode) === "refused" ? 21 : 22);
    case "drafted":
      return stopped(fact, 3);
    case "approved":
    case "ready":
    case "sending":
    case "withdrawn":
      return undefined;
  }
};

const outcomeOf = (code: string): string => (isErrorCode(code) ? errorCatalog[code].outcome : "none");
const isErrorCode = (code: string): code is ErrorCode => code in errorCatalog;

const postingSubject = ({ form, documents, key }: Pick<PostingFact, "form" | "documents" | "key">): string => {
  const [only, ...others] = documents;
  return only === undefined || others.length > 0 ? `posting:${key}` : documentSubject(form, only);
};

const aboutPosting = (fact: PostingFact): Omit<Finding, "cause" | "certainty"> => ({
  subject: postingSubject(fact),
  documents: fact.documents,
  postingKeys: [fact.key],
  erpIds: fact.erpId === "" ? [] : [fact.erpId],
  erpNumbers: fact.erpNumber === "" ? [] : [fact.erpNumber],
  amount: fact.amount,
});

const stopped = (fact: PostingFact, cause: Cause): Finding => ({
  ...aboutPosting(fact),
  cause,
  certainty: "certain",
  blocked: true,
  ...(fact.errorCode === "" ? {} : { code: fact.errorCode }),
  message: fact.errorMessage,
});

/** A posting that the ERP took: is its one voucher still there, still effective and still what we sent? */
const bookedFinding = (fact: PostingFact): Finding | undefined => {
  if (!fact.landed) return undefined;
  const effective = fact.vouchers.filter(({ voided }) => !voided);
  // Several belong to the finder of doubles, which does not depend on this comparison.
  if (effective.length > 1) return undefined;
  const [voucher] = effective;
  if (voucher === undefined) return goneFinding(fact);
  return contentFinding(fact, voucher) ?? stageFinding(fact, voucher) ?? lateFinding(fact);
};

const goneFinding = (fact: PostingFact): Finding => {
  const gone = fact.vouchers.length === 0;
  return {
    ...aboutPosting(fact),
    cause: 10,
    certainty: "certain",
    deviations: [{ field: "voucher", ours: fact.state, theirs: gone ? "deleted" : "void" }],
  };
};

const contentFinding = (fact: PostingFact, voucher: ErpVoucherFact): Finding | undefined => {
  const draft = {
    date: fact.accountedOn,
    attachments: 0,
    lines: fact.lines.map((line) => ({
      ...line,
      quantity: line.quantity ?? undefined,
      summary: "",
      role: "",
      why: "",
    })),
  };
  const deviations = deviationsOf(draft, {
    date: voucher.date,
    voided: false,
    attachments: undefined,
    lines: voucher.lines.map((line) => ({ ...line, quantity: line.quantity })),
  });
  if (deviations.length === 0) return undefined;
  const moved = fact.period !== voucher.period;
  const all: Deviation[] = moved
    ? [...deviations, { field: "period", ours: fact.period, theirs: voucher.period }]
    : [...deviations];
  return {
    ...aboutPosting(fact),
    cause: contentCause(fact, deviations, moved),
    certainty: "certain",
    erpIds: [voucher.erpId],
    erpNumbers: [`${voucher.word}-${voucher.number}`],
    deviations: all,
  };
};

/** A changed date alone that leads into another period is timing; what was once equal has been edited. */
const contentCause = (fact: PostingFact, deviations: readonly Deviation[], moved: boolean): Cause => {
  if (moved && deviations.every(({ field }) => field === "date")) return 6;
  if (fact.verifiedOnce || fact.auditedSeen) return 10;
  if (deviations.some(({ field }) => field.endsWith(".quantity"))) return 9;
  return deviations.some(({ field }) => field.endsWith(".amount")) ? 8 : 10;
};

const rankOf = (stage: Stage): number => stages.indexOf(stage);

const stageFinding = (fact: PostingFact, voucher: ErpVoucherFact): Finding | undefined => {
  if (rankOf(voucher.stage) >= rankOf(fact.targetStage)) return undefined;
  const seen = fact.auditedSeen || rankOf(fact.stage) >= rankOf("audited");
  const undone = seen && rankOf(voucher.stage) < rankOf("audited");
  return {
    ...aboutPosting(fact),
    cause: undone ? 10 : 4,
    certainty: "certain",
    ...(fact.errorCode === "" || undone ? {} : { code: fact.errorCode, message: fact.errorMessage }),
    erpIds: [voucher.erpId],
    erpNumbers: [`${voucher.word}-${voucher.number}`],
    deviations: [{ field: "stage", ours: fact.targetStage, theirs: voucher.stage }],
  };
};

/** 补记: we moved the date ourselves because the period was closed. A correction belongs to the open period by nature. */
const lateFinding = (fact: PostingFact): Finding | undefined =>
  !fact.late || fact.state === "reversed" || fact.purpose === "cost-correction" || fact.purpose === "reversal"
    ? undefined
    : { ...aboutPosting(fact), cause: 6, certainty: "certain", message: "late" };

export const doubleFinding = (fact: DoubleFact): Finding => ({
  cause: 5,
  certainty: "certain",
  subject: postingSubject(fact),
  documents: fact.documents,
  postingKeys: [fact.key],
  erpIds: fact.erpIds,
  erpNumbers: fact.numbers,
  amount: fact.amount,
  deviations: [{ field: "vouchers", ours: "1", theirs: String(fact.erpIds.length) }],
  proposals: surplusOf(fact),
});

/** All vouchers of the key but the one that stays. */
export const surplusOf = ({ erpIds, numbers, keptErpId }: DoubleFact): readonly Proposal[] =>
  erpIds
    .map((erpId, index): Proposal => ({ act: "reverse", erpId, erpNumber: numbers[index] ?? "" }))
    .filter(({ erpId }) => erpId !== keptErpId);

export const foreignFinding = (fact: ForeignVoucherFact): Finding => ({
  cause: 11,
  certainty: "certain",
  subject: voucherSubject(fact.book, fact.word, fact.number, fact.period),
  erpIds: [fact.erpId],
  erpNumbers: [`${fact.word}-${fact.number}`],
  amount: absolute(fact.amount),
  deviations: [
    { field: "maker", ours: "", theirs: fact.maker },
    { field: "origin", ours: "", theirs: fact.origin },
    { field: "stock accounts", ours: "0", theirs: fact.amount },
  ],
});

/**
 * The newest revision against the voucher that stands: taken back, or edited. An edit of what the movement is (its item,
 * partner, kind …) takes the posted movement back as much as a cancellation does.
 */
export const changedFinding = (fact: ChangedMovementFact): Finding | undefined => {
  const about = {
    subject: documentSubject(fact.form, fact.documentNumber),
    documents: [fact.documentNumber],
    postingKeys: [fact.key],
    erpIds: [fact.erpId],
    erpNumbers: [fact.erpNumber],
  };
  if (fact.cancelled) {
    const deviations = [{ field: "document", ours: "cancelled", theirs: "posted" }];
    return { ...about, cause: 12, certainty: "certain", amount: absolute(fact.value), deviations };
  }
  if (fact.fields.length === 0) return undefined;
  const cause = editCause(fact);
  return {
    ...about,
    cause,
    certainty: fact.fields.some((edit) => certainlyBooked(edit, fact)) ? "certain" : "suspected",
    ...amountOf(fact, cause),
    deviations: fact.fields.map((edit) => ({ ...edit, field: `${fact.item}.${edit.field}` })),
  };
};

type Edit = ChangedMovementFact["fields"][number];
const MONEY: ReadonlySet<string> = new Set(["amount", "taxAmount", "salesAmount", "currency"]);
const QUANTITY: ReadonlySet<string> = new Set(["quantity", "unit"]);
const DAY = "happenedOn";

const editCause = ({ fields, period, happenedIn }: ChangedMovementFact): Cause => {
  const names = fields.map(({ field }) => field);
  if (names.some((name) => !MONEY.has(name) && !QUANTITY.has(name) && name !== DAY)) return 12;
  if (names.includes(DAY)) return happenedIn === period ? 12 : 6;
  return names.some((name) => QUANTITY.has(name)) ? 9 : 8;
};

/** Department and cause reach the books only where a rule asks for them; an estimate carries no tax. */
const certainlyBooked = ({ field }: Edit, { purpose, invoiced }: ChangedMovementFact): boolean => {
  if (field === "department" || field === "cause") return false;
  return field !== "taxAmount" || purpose !== "stock" || invoiced;
};

/** The money in question: the difference where one amount changed, all of the voucher's share where the thing itself did. */
const amountOf = ({ fields, value }: ChangedMovementFact, cause: Cause): Pick<Finding, "amount"> => {
  if (cause === 12) return { amount: absolute(value) };
  if (cause !== 8) return {};
  const changes = fields.flatMap(({ ours, theirs }) =>
    isDecimal(orZero(ours)) && isDecimal(orZero(theirs))
      ? [subtract(decimal(orZero(ours)), decimal(orZero(theirs)))]
      : [],
  );
  return changes.length === 0 ? {} : { amount: absolute(sum(changes)) };
};
const orZero = (text: string): string => (text === "" ? "0" : text);

/** A voucher that was taken back although its movement stands: somebody has to draw it again, or cancel the movement. */
export const reversedFinding = (fact: ReversedFact): Finding => ({
  cause: 10,
  certainty: "certain",
  subject: documentSubject(fact.form, fact.documentNumber),
  documents: [fact.documentNumber],
  postingKeys: [fact.key, fact.reversal],
  erpIds: [fact.erpId],
  erpNumbers: [fact.erpNumber],
  amount: absolute(fact.value),
  deviations: [{ field: "voucher", ours: "verified", theirs: "reversed" }],
});

export const lineQuantityFinding = (fact: LineQuantityFact): Finding | undefined =>
  equal(absolute(fact.moved), absolute(fact.booked))
    ? undefined
    : {
        cause: 9,
        certainty: "certain",
        subject: documentSubject(fact.form, fact.documentNumber),
        documents: [fact.documentNumber],
        postingKeys: [fact.key],
        erpIds: [fact.erpId],
        erpNumbers: [fact.erpNumber],
        deviations: [{ field: `${fact.item}.quantity`, ours: fact.moved, theirs: fact.booked }],
      };

export const backdatedFinding = (fact: BackdatedFact): Finding => ({
  cause: 13,
  certainty: "certain",
  subject: documentSubject(fact.form, fact.documentNumber),
  documents: [fact.documentNumber],
  postingKeys: fact.corrections,
  amount: isZero(fact.corrected) ? undefined : absolute(fact.corrected),
  deviations: [{ field: `${fact.item}.happenedOn`, ours: fact.happenedOn, theirs: fact.costedUntil }],
  message: `recorded ${fact.recordedAt}`,
});

const MISSING_CODES: ReadonlySet<string> = new Set(["CODE_MISSING", "ITEM_UNKNOWN", "UNIT_UNKNOWN"]);
const TABLE_NAMES: Readonly<Record<string, string>> = { "item-master": "item", "item-unit": "unit" };
const NAMED_CODE = /^(?:code:)?([a-z][a-z-]*)[/:](.+)$/;

/** One name per missing code, whichever check met it first: "code:item/ZS-9001". */
export const codeSubject = (code: string, subject: string): string => {
  const [, table, value] = NAMED_CODE.exec(subject) ?? [];
  if (table !== undefined && value !== undefined) return `code:${TABLE_NAMES[table] ?? table}/${value}`;
  return `code:${code === "UNIT_UNKNOWN" ? "unit" : "item"}/${subject}`;
};

export const blockedFinding = (fact: BlockedFact): Finding => {
  const about = {
    certainty: "certain" as const,
    blocked: true,
    code: fact.code,
    documents: [`${fact.form}/${fact.documentNumber}`],
    ...(fact.amount === null ? {} : { amount: fact.amount }),
    message: fact.subject,
  };
  if (MISSING_CODES.has(fact.code)) return { ...about, cause: 20, subject: codeSubject(fact.code, fact.subject) };
  const outcome = outcomeOf(fact.code);
  const cause = outcome === "refused" ? 21 : outcome === "held" ? 22 : outcome === "uncertain" ? 23 : 2;
  return { ...about, cause, subject: documentSubject(fact.form, fact.documentNumber) };
};

/** A line that came after its document's voucher is missing in that voucher; otherwise nothing was drafted at all. */
export const undraftedFinding = ({ movement, quantity, amount, standing }: UndraftedFact): Finding => {
  const about = {
    subject: documentSubject(movement.form, movement.documentNumber),
    documents: [movement.documentNumber],
    ...(amount === null ? {} : { amount }),
    deviations: [{ field: `${movement.item}.quantity`, ours: quantity, theirs: "0" }],
  };
  return standing
    ? { ...about, cause: 9, certainty: "certain" }
    : { ...about, cause: 2, certainty: "suspected", blocked: true };
};

export const oneLegFinding = (fact: OneLegFact): Finding => ({
  cause: 16,
  certainty: "certain",
  subject: documentSubject(fact.form, fact.documentNumber),
  documents: [fact.documentNumber],
  deviations: [{ field: `${fact.item}.counterWarehouse`, ours: "", theirs: "" }],
});

/** A document gone from the source whose voucher stands is taken back already; otherwise the next sync brings it. */
export const unpulledFinding = (fact: UnpulledFact): Finding => ({
  cause: fact.change === "removed" && fact.posted ? 12 : 1,
  certainty: "certain",
  inLedger: false,
  subject: documentSubject(fact.form, fact.documentNumber),
  documents: [fact.documentNumber],
  deviations: [{ field: "record", ours: fact.change === "removed" ? fact.recordId : "", theirs: fact.change }],
});

export const causeCode = (cause: Cause): string => causes[cause].name;
