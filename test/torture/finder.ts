import type { VoucherTarget } from "../../connectors/contract.ts";
import type { Period } from "../../domain/dates.ts";

/**
 * The finder of doubles: lists everything in the ledger's book and groups it by our key. It knows nothing of what was
 * sent and how it ended.
 *
 * @returns keys with more than one live voucher
 */
export async function findDoubles(target: VoucherTarget, book: string, period: Period): Promise<ReadonlySet<string>> {
  const seen = new Set<string>();
  const doubles = new Set<string>();
  for await (const page of target.listPeriod(book, period))
    for (const { key, voided } of page) {
      if (key === "" || voided) continue;
      if (seen.has(key)) doubles.add(key);
      seen.add(key);
    }
  return doubles;
}
