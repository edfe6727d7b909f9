import type { PostingKey } from "../../domain/posting-key.ts";
import { type ErrorCode, ZhangshiError } from "../../domain/errors.ts";
import type { ErpVoucher, LookUp, LookUpAnswer } from "../contract.ts";
import type { U8Interface } from "./u8-interface.ts";

/** Rounds of one group of keys; each names a voucher more than the one before. */
const ROUNDS_MAX = 200;

type Ask = Pick<U8Interface, "keysPerQuery" | "vouchersWithKeys">;

/**
 * Which keys are in the books. An answer may have been cut without a word: so a key counts as absent only when an answer that
 * did not name it named nothing but the control.
 */
export const lookUpKeys = async (
  { keysPerQuery, vouchersWithKeys }: Ask,
  keys: readonly PostingKey[],
  control: PostingKey | undefined,
): Promise<LookUpAnswer> => {
  if (keysPerQuery === 1) return lookUpSingly(vouchersWithKeys, keys, control);
  const found = new Map<PostingKey, LookUp>();
  let controlSeen = control !== undefined;
  // Without keys the control alone is asked for: that shows whether look-ups see anything.
  const groups = keys.length === 0 && control !== undefined ? [[]] : [...groupsOf(keys, keysPerQuery)];
  for (const group of groups) {
    try {
      const { vouchers, wasControlSeen } = await askGroup(vouchersWithKeys, group, control);
      if (!wasControlSeen) controlSeen = false;
      for (const key of group) found.set(key, lookUpOf(vouchers.filter((voucher) => voucher.key === key)));
    } catch (error) {
      const { code, message } = failureOf(error);
      for (const key of group) found.set(key, { kind: "failed", code, message });
      controlSeen = false;
    }
  }
  return { found, controlSeen };
};

/** Where a query takes one key there is nothing to cut. The control is asked for last, by the same query: what it sees was seen. */
const lookUpSingly = async (
  ask: Ask["vouchersWithKeys"],
  keys: readonly PostingKey[],
  control: PostingKey | undefined,
): Promise<LookUpAnswer> => {
  const found = new Map<PostingKey, LookUp>();
  const look = async (key: PostingKey): Promise<LookUp> => {
    try {
      return lookUpOf((await ask([key])).filter((voucher) => voucher.key === key));
    } catch (error) {
      return { kind: "failed", ...failureOf(error) };
    }
  };
  for (const key of keys) found.set(key, await look(key));
  if (control === undefined || [...found.values()].some(({ kind }) => kind === "failed"))
    return { found, controlSeen: false };
  const seen = found.get(control) ?? (await look(control));
  return { found, controlSeen: seen.kind !== "absent" && seen.kind !== "failed" };
};

const askGroup = async (
  ask: Ask["vouchersWithKeys"],
  group: readonly PostingKey[],
  control: PostingKey | undefined,
): Promise<{ readonly vouchers: readonly ErpVoucher[]; readonly wasControlSeen: boolean }> => {
  const vouchers = new Map<string, ErpVoucher>();
  let wasControlSeen = false;
  let open: readonly string[] = group;
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const asked = control === undefined || open.includes(control) ? open : [...open, control];
    const answer = await ask(asked);
    const stranger = answer.find(({ key }) => !asked.includes(key));
    if (stranger !== undefined)
      throw new ZhangshiError("READ_FAILED", {
        message: `the query for keys named ${stranger.erpId}: its condition is ignored`,
      });
    for (const voucher of answer) vouchers.set(voucher.erpId, voucher);
    // The control has to be seen by the very answer that calls a key absent.
    wasControlSeen = control !== undefined && answer.some(({ key }) => key === control);
    const named = new Set(answer.map(({ key }) => key));
    const left = open.filter((key) => !named.has(key));
    const isConclusive = left.length === 0 || answer.every(({ key }) => key === control);
    if (isConclusive) return { vouchers: [...vouchers.values()], wasControlSeen };
    open = left;
  }
  throw new ZhangshiError("RESULT_TRUNCATED", { message: "look-ups do not come to an end" });
};

/** A live voucher beside a void one is for a person as well: somebody copied or redid ours. */
export const lookUpOf = (vouchers: readonly ErpVoucher[]): LookUp => {
  const [first, ...others] = vouchers;
  if (first === undefined) return { kind: "absent" };
  if (others.length > 0) return { kind: "several", erpIds: vouchers.map(({ erpId }) => erpId) };
  if (first.voided) return { kind: "void", erpId: first.erpId };
  return { kind: "one", erpId: first.erpId, number: first.number, stage: first.stage };
};

export const failureOf = (error: unknown): { readonly code: ErrorCode; readonly message: string } => {
  if (!(error instanceof ZhangshiError)) throw error;
  return { code: error.code, message: error.details["message"] ?? error.message };
};

export function* groupsOf<Item>(items: readonly Item[], size: number): Generator<readonly Item[]> {
  for (let from = 0; from < items.length; from += size) yield items.slice(from, from + size);
}
