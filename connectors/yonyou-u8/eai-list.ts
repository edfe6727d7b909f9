import type { Period } from "../../domain/dates.ts";
import { equal } from "../../domain/decimal.ts";
import { ZhangshiError } from "../../domain/errors.ts";
import { totalsOf } from "../../domain/voucher.ts";
import type { ErpVoucher } from "../contract.ts";
import type { Condition } from "./eai-channel.ts";

/** 凭证号 is a smallint. */
export const NUMBER_MAX = 32_767;
const SIGNS_MAX = 100;
/** Repeats of one stretch of numbers whose answers were cut. */
const ROUNDS_MAX = 500;

/** What asks for vouchers under conditions. */
export type AskVouchers = (conditions: readonly Condition[]) => Promise<readonly ErpVoucher[]>;

/**
 * All vouchers of a period. EAI has no pages and may cut an answer without a word, so it is asked for stretches of numbers of one
 * 凭证字, and every number that an answer did not name is asked for again: a stretch is complete when nothing more comes.
 * 凭证字 that the settings do not know are found by asking for everything else, until nothing else is there.
 */
export async function* listVouchers(
  ask: AskVouchers,
  of: Period,
  signs: readonly string[],
  size: number,
): AsyncGenerator<readonly ErpVoucher[]> {
  const [year = "", month = ""] = of.split("-");
  const inPeriod: readonly Condition[] = [
    { column: "iyear", operation: "=", value: year },
    { column: "iperiod", operation: "=", value: String(Number(month)) },
  ];
  const known = new Set<string>();
  let next = [...new Set(signs)];
  while (known.size < SIGNS_MAX) {
    for (const sign of next) {
      known.add(sign);
      yield* listSign(ask, [...inPeriod, { column: "csign", operation: "=", value: sign }], of, size);
    }
    next = await otherSigns(ask, inPeriod, known, size);
    if (next.length === 0) return;
  }
  throw new ZhangshiError("RESULT_TRUNCATED", { period: of, reason: `more than ${SIGNS_MAX} 凭证字` });
}

const otherSigns = async (
  ask: AskVouchers,
  inPeriod: readonly Condition[],
  known: ReadonlySet<string>,
  size: number,
): Promise<string[]> => {
  const others: readonly Condition[] = [
    ...inPeriod,
    ...[...known].map((value): Condition => ({ column: "csign", operation: "<>", value })),
  ];
  // First the low numbers: what other 凭证字 hold may be more than one answer takes.
  for (const bound of [{ column: "ino_id", operation: "<=", value: String(size) } as const, undefined]) {
    const answer = await ask(bound === undefined ? others : [...others, bound]);
    const signs = new Set(answer.map(({ erpId }) => erpId.split(":")[1] ?? ""));
    if (signs.size > 0) return [...signs].filter((sign) => !known.has(sign));
  }
  return [];
};

async function* listSign(
  ask: AskVouchers,
  conditions: readonly Condition[],
  of: Period,
  size: number,
): AsyncGenerator<readonly ErpVoucher[]> {
  for (let after = 0; after < NUMBER_MAX; after += size) {
    const seen = new Map<string, ErpVoucher>();
    await fill(ask, conditions, of, { first: after + 1, last: after + size }, seen);
    if (seen.size > 0) yield [...seen.values()].toSorted((a, b) => Number(a.number) - Number(b.number));
    if (seen.size === size) continue;
    // Numbers may have gaps as wide as a stretch: only nothing behind it is the end.
    const beyond = await ask([...conditions, { column: "ino_id", operation: ">", value: String(after + size) }]);
    if (beyond.length === 0) return;
  }
}

interface Stretch {
  readonly first: number;
  readonly last: number;
  /** The voucher that stood last in the answer before: if this gap holds anything, that answer was cut, maybe inside it. */
  readonly suspect?: string | undefined;
}

/** Asks for a stretch, then for each gap in what came, until a gap is answered by nothing. */
const fill = async (
  ask: AskVouchers,
  conditions: readonly Condition[],
  of: Period,
  whole: Stretch,
  seen: Map<string, ErpVoucher>,
): Promise<void> => {
  const waiting: Stretch[] = [whole];
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const stretch = waiting.shift();
    if (stretch === undefined) return;
    const answer = await ask([
      ...conditions,
      { column: "ino_id", operation: ">=", value: String(stretch.first) },
      { column: "ino_id", operation: "<=", value: String(stretch.last) },
    ]);
    for (const voucher of answer) {
      const number = Number(voucher.number);
      if (number < stretch.first || number > stretch.last || voucher.period !== of)
        throw new ZhangshiError("READ_FAILED", {
          period: of,
          message: `the query named ${voucher.erpId}: its condition is ignored`,
        });
      if (isWhole(voucher)) seen.set(voucher.number, voucher);
      else if (answer.length === 1 && stretch.first === stretch.last)
        throw new ZhangshiError("RESULT_TRUNCATED", {
          period: of,
          reason: `${voucher.erpId} comes without all its lines`,
        });
      else waiting.push({ first: number, last: number });
    }
    const last = answer.at(-1);
    if (last === undefined) continue;
    if (stretch.suspect !== undefined && seen.delete(stretch.suspect))
      waiting.push({ first: Number(stretch.suspect), last: Number(stretch.suspect) });
    const gaps = gapsIn(
      stretch,
      answer.map((voucher) => Number(voucher.number)),
    );
    waiting.push(...gaps.map((gap) => ({ ...gap, suspect: last.number })));
  }
  throw new ZhangshiError("RESULT_TRUNCATED", { period: of, reason: "answers are cut again and again" });
};

/** What an answer left out of its stretch. */
const gapsIn = ({ first, last }: Stretch, numbers: readonly number[]): readonly Stretch[] => {
  const gaps: Stretch[] = [];
  let next = first;
  for (const number of [...numbers].toSorted((a, b) => a - b)) {
    if (number > next) gaps.push({ first: next, last: number - 1 });
    next = Math.max(next, number + 1);
  }
  if (next <= last) gaps.push({ first: next, last });
  return gaps;
};

/** A voucher whose answer was cut lacks lines: it does not balance, or its line numbers have holes. */
export const isWhole = ({ lines }: ErpVoucher): boolean => {
  const { debit, credit } = totalsOf(lines);
  return (
    lines.length > 0 && equal(debit, credit) && new Set(lines.map(({ lineNumber }) => lineNumber)).size === lines.length
  );
};
