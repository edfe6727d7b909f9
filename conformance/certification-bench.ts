import type { VoucherTarget } from "../connectors/contract.ts";
import { type CertifiedDocuments, bookedOf, standingUnder } from "./certified-documents.ts";
import { reasons } from "./certification.ts";
import type { Bench, Facts, Office } from "./office.ts";

/** Under this name the bench counts what a case created. */
const CREATED = "created";

/** Real books as a bench for one case: nobody is there to act, and what stands there is read through the connector. */
export const certificationBench = (
  target: VoucherTarget,
  facts: Facts,
  documents: CertifiedDocuments,
  caseId: string,
  another: () => VoucherTarget,
): Bench => {
  let over = false;
  const guard = (one: VoucherTarget): VoucherTarget => documents.guarded(one, caseId, () => over);
  const ours = () => documents.all().filter(({ sentBy }) => sentBy === caseId);
  const office: Office = {
    edit: reasons.person,
    move: reasons.person,
    unaudit: reasons.person,
    remove: reasons.person,
    void: reasons.person,
    copy: reasons.person,
    write: reasons.person,
    closePeriod: reasons.operator,
    openPeriod: reasons.operator,
    forbid: reasons.operator,
    revoke: reasons.operator,
    hideKeyField: reasons.operator,
    endSessions: reasons.operator,
    shiftClock: reasons.simulator,
    cutAnswers: reasons.simulator,
    setFaults: reasons.simulator,
    hits: reasons.simulator,
    // A real server does not say what it was asked: whatever came to more than a refusal counts as one creation.
    requests: async () => {
      const created = ours().filter(({ outcome }) => outcome?.kind === "posted" || outcome?.kind === "uncertain");
      return { totals: { [CREATED]: created.length }, perSecond: new Map() };
    },
    settle: async () => undefined,
    books: async () => {
      const keys = ours().map(({ draft }) => draft.key);
      return keys.length === 0 ? [] : (await standingUnder(target, facts.book, keys)).map(bookedOf);
    },
    importFile: reasons.files,
    exportAgain: async () => undefined,
  };
  return {
    target: guard(target),
    facts,
    mark: documents.markFor(caseId),
    operations: { create: [CREATED], advance: [], read: [] },
    variants: {},
    office,
    connect: () => guard(another()),
    close: async () => {
      over = true;
    },
  };
};
