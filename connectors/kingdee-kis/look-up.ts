import type { PostingKey } from "../../domain/posting-key.ts";
import type { ErpVoucher, LookUp, LookUpAnswer } from "../contract.ts";
import { keyInFile } from "./entries.ts";
import type { KingdeeKisSettings } from "./settings.ts";

/**
 * Looks for our vouchers in re-exports, which are the only thing that can be asked.
 *
 * @param exported  of every period in which the vouchers may be: people move vouchers. All of them exported after the import
 * @param control  a key known to be in these periods: only when it is found does absent count
 */
export const lookUpIn = (
  exported: readonly ErpVoucher[],
  keys: readonly PostingKey[],
  control: PostingKey | undefined,
  settings: KingdeeKisSettings,
): LookUpAnswer => {
  const byKey = new Map<string, ErpVoucher[]>();
  for (const voucher of exported) {
    const known = byKey.get(voucher.key);
    if (known === undefined) byKey.set(voucher.key, [voucher]);
    else known.push(voucher);
  }
  const vouchersOf = (key: PostingKey): readonly ErpVoucher[] => byKey.get(keyInFile(key, settings)) ?? [];
  return {
    found: new Map(keys.map((key) => [key, stateOf(vouchersOf(key))])),
    controlSeen: control !== undefined && vouchersOf(control).length > 0,
  };
};

const stateOf = (vouchers: readonly ErpVoucher[]): LookUp => {
  const [first] = vouchers;
  if (first === undefined) return { kind: "absent" };
  if (vouchers.length > 1) return { kind: "several", erpIds: vouchers.map(({ erpId }) => erpId) };
  const { erpId, number, stage } = first;
  return first.voided ? { kind: "void", erpId } : { kind: "one", erpId, number, stage };
};
