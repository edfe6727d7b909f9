import { ZhangshiError } from "../../domain/errors.ts";
import { PostingKey } from "../../domain/posting-key.ts";
import type { VoucherDraft } from "../../domain/voucher.ts";
import { type Period, periodOf } from "../../domain/dates.ts";
import type { ErpVoucher, PeriodState, SendOutcome } from "../contract.ts";
import { lookUpOf } from "./look-up.ts";
import type { SendAnswer, U8Interface } from "./u8-interface.ts";

/** What the books say right after an answer. */
type Seen =
  | { readonly kind: "seen"; readonly vouchers: readonly ErpVoucher[] }
  | { readonly kind: "failed"; readonly message: string };

/** The look-up behind an answer may take as long as the request had left, and this much at least. */
const LOOK_MS_MIN = 2_000;

/**
 * No answer of U8's repeats our key, and a reply that calls itself a failure does not prove that nothing was saved. So what the
 * vendor says is compared with the books at once; where the two do not agree, the outcome is uncertain.
 */
export const outcomeOf = async (
  face: Pick<U8Interface, "vouchersWithKeys" | "periods">,
  draft: VoucherDraft,
  answer: SendAnswer,
  deadlineAt: Date,
  now: () => Date,
): Promise<SendOutcome> => {
  const key = PostingKey.parse(draft.key);
  if (answer.kind !== "taken" && answer.judged !== true)
    return { kind: answer.kind, key, code: answer.code, message: answer.message };
  const seen = await lookNow(face, draft.key, Math.max(LOOK_MS_MIN, deadlineAt.getTime() - now().getTime()));
  if (answer.kind === "taken") return takenOutcome(key, answer.message, seen);
  const { code, message } = answer;
  if (answer.kind === "uncertain") return { kind: "uncertain", key, code, message };
  if (seen.kind === "failed")
    return {
      kind: "uncertain",
      key,
      code: "SERVER_ERROR",
      message: `${message}; the books could not be asked: ${seen.message}`,
    };
  if (seen.vouchers.length > 0)
    return { kind: "uncertain", key, code: "SERVER_ERROR", message: `${message}; but the books have its key` };
  if (answer.kind === "refused" && code !== "PERMISSION_DENIED" && (await isClosed(face, periodOf(draft.date))))
    return { kind: "refused", key, code: "PERIOD_CLOSED", message };
  return { kind: answer.kind, key, code, message };
};

const takenOutcome = (key: PostingKey, message: string, seen: Seen): SendOutcome => {
  if (seen.kind === "failed")
    return {
      kind: "uncertain",
      key,
      code: "ANSWER_INCOMPLETE",
      message: `${message}; the books could not be asked: ${seen.message}`,
    };
  const found = lookUpOf(seen.vouchers);
  if (found.kind === "one")
    return { kind: "posted", key, erpId: found.erpId, number: found.number, stage: found.stage };
  if (found.kind === "absent")
    return {
      kind: "uncertain",
      key,
      code: "KEY_NOT_ECHOED",
      message: `${message}; no voucher has its external number`,
    };
  return { kind: "uncertain", key, code: "ALREADY_EXISTS", message: `${message}; found ${found.kind} of its key` };
};

const lookNow = async (face: Pick<U8Interface, "vouchersWithKeys">, key: string, limitMs: number): Promise<Seen> => {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<Seen>((resolve) => {
    timer = setTimeout(() => resolve({ kind: "failed", message: "no answer in time" }), limitMs);
  });
  const asked = face.vouchersWithKeys([key]).then(
    (vouchers): Seen => ({ kind: "seen", vouchers: vouchers.filter((voucher) => voucher.key === key) }),
    // Whatever went wrong, the voucher has been sent: the outcome has to come back.
    (error: unknown): Seen => ({ kind: "failed", message: wordsOf(error) }),
  );
  try {
    return await Promise.race([asked, limit]);
  } finally {
    clearTimeout(timer);
  }
};

const wordsOf = (error: unknown): string => {
  if (error instanceof ZhangshiError) return error.details["message"] ?? error.message;
  return error instanceof Error ? error.message : String(error);
};

/** EAI's words for a closed period are not known: after a refusal the period itself is asked for. */
const isClosed = async (face: Pick<U8Interface, "periods">, of: Period): Promise<boolean> => {
  let states: readonly PeriodState[];
  try {
    states = await face.periods();
  } catch {
    // The refusal stands without it, only less precisely named.
    return false;
  }
  return states.find((state) => state.period === of)?.open === false;
};
