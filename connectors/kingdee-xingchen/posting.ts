import { z } from "zod";
import { PostingKey } from "../../domain/posting-key.ts";
import type { VoucherDraft } from "../../domain/voucher.ts";
import type { LookUp, SendOutcome } from "../contract.ts";
import type { Answer } from "./answers.ts";
import { type KnownFailures, failureOf, isTokenLoss } from "./vendor-errors.ts";

export type Problem = Pick<Exclude<SendOutcome, { kind: "posted" }>, "kind" | "code" | "message">;

/** Source: reference §10.3; SDK-generated models add id_number_map. */
const SaveData = z.looseObject({ ids: z.array(z.string().min(1)) });

/**
 * What a failed answer to a write means; undefined where it says that the write worked.
 * @param elements  how many vouchers went out together: a token that ends on the way leaves open how far several came
 */
export const problemIn = (answer: Answer, known: KnownFailures, elements: number): Problem | undefined => {
  switch (answer.kind) {
    case "ok":
      return undefined;
    case "not-done":
      return { kind: "not-done", code: answer.code, message: answer.message };
    case "unclear":
      return { kind: "uncertain", code: answer.code, message: answer.message };
    case "error": {
      if (elements > 1 && isTokenLoss(answer.errcode))
        return { kind: "uncertain", code: "SESSION_LOST", message: answer.message };
      const { outcome, code } = failureOf(answer.errcode, answer.message, known);
      return { kind: outcome, code, message: answer.message };
    }
  }
};

/** By this the vendor may say which element of several it means (inferred); a line of a voucher is none. */
const ELEMENT = /第\s*(\d+)\s*[条张](?!\s*(?:分录|明细|行))/g;

/** The one element that a failure names, counted from 0; undefined where it names none, or several. */
const namedElement = (message: string, sent: number): number | undefined => {
  const [first] = [...message.matchAll(ELEMENT)].map((match) => Number(match[1]));
  const others = message.split(/[；;\n]/).filter((part) => part.trim() !== "").length;
  return first === undefined || first < 1 || first > sent || others > 1 ? undefined : first - 1;
};

/**
 * Outcomes of a save that failed as a whole. The reference does not say whether a save of several is rolled back when one of
 * them is refused: unless the installation knows it, only a voucher that was sent alone is refused by name. In a set that is
 * rolled back, the element named is refused and the rest not done.
 * @param rollsBack  as the installation knows it (settings.batchRollsBack)
 * @param booked  which of them the books show all the same
 */
export const failedOutcomes = (
  drafts: readonly VoucherDraft[],
  problem: Problem,
  rollsBack: boolean,
  booked: ReadonlySet<string>,
): readonly SendOutcome[] => {
  const together = problem.kind === "refused" && drafts.length > 1;
  const named = rollsBack && booked.size === 0 ? namedElement(problem.message, drafts.length) : undefined;
  return drafts.map((draft, index): SendOutcome => {
    const key = PostingKey.parse(draft.key);
    if (!together || index === named) return { ...problem, key };
    const message = `one of ${drafts.length} vouchers sent together was refused: ${problem.message}`;
    return named === undefined
      ? { kind: "uncertain", key, code: "ANSWER_INCOMPLETE", message }
      : { kind: "not-done", key, code: "CONFLICT", message };
  });
};

/** Ids that a save answered; undefined where there are none to be read. */
export const savedIds = (answer: Answer): ReadonlySet<string> | undefined => {
  const saved = SaveData.safeParse(answer.kind === "ok" || answer.kind === "error" ? answer.data : undefined);
  return saved.success ? new Set(saved.data.ids) : undefined;
};

/**
 * The outcome of one voucher of a save that says it worked. The answer names ids and no keys: what counts is that the list
 * shows exactly one voucher with our key, and that it is one of those just saved.
 */
export const echoedOutcome = (
  key: PostingKey,
  ids: ReadonlySet<string> | undefined,
  echo: LookUp,
  sent: number,
): SendOutcome => {
  const saved = ids === undefined ? "no ids" : `${ids.size} ids for ${sent} vouchers (${[...ids].join(", ")})`;
  switch (echo.kind) {
    case "one": {
      const { erpId, number, stage } = echo;
      if (ids?.has(erpId) === true) return { kind: "posted", key, erpId, number, stage };
      const message = `the books hold ${erpId} with this key, the answer names ${saved}`;
      return { kind: "uncertain", key, code: ids === undefined ? "ANSWER_UNREADABLE" : "ALREADY_EXISTS", message };
    }
    case "several": {
      const message = `the books hold ${echo.erpIds.join(", ")} with this key, the answer names ${saved}`;
      return { kind: "uncertain", key, code: "ALREADY_EXISTS", message };
    }
    case "absent":
      // All were saved and one of them cannot be found by its key: whatever is posted now would not be found either.
      return ids !== undefined && ids.size === sent
        ? {
            kind: "uncertain",
            key,
            code: "KEY_NOT_ECHOED",
            message: `saved, but not found by source_bill_no: ${saved}`,
          }
        : { kind: "uncertain", key, code: "ANSWER_INCOMPLETE", message: `the answer names ${saved}` };
    case "void":
      return { kind: "uncertain", key, code: "ANSWER_INCOMPLETE", message: `the answer names ${saved}` };
    case "failed": {
      const message = `the answer names ${saved}; it could not be read back: ${echo.message}`;
      const blind = echo.code === "KEY_FIELD_MISSING";
      return { kind: "uncertain", key, code: blind ? "KEY_NOT_ECHOED" : "ANSWER_INCOMPLETE", message };
    }
  }
};

/** For the audit: what the answer says. Whether it happened is read from the books, never from here. */
export const operationProblem = (answer: Answer, known: KnownFailures, elements: number): Problem => {
  const problem = problemIn(answer, known, elements);
  if (problem === undefined)
    return { kind: "uncertain", code: "ANSWER_INCOMPLETE", message: "called a success, but the voucher did not move" };
  return problem.kind === "refused" && problem.code !== "PERIOD_CLOSED"
    ? { ...problem, code: "AUDIT_REFUSED" }
    : problem;
};
