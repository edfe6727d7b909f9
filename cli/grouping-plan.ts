import type { Database } from "../db/database.ts";
import { readBusiestMonth, readItemClasses } from "../db/movement-log.ts";
import { ZhangshiError } from "../domain/errors.ts";
import type { Installation, LedgerConfig, Mappings } from "../domain/installation.ts";
import type { VoucherLimits } from "../domain/limits.ts";
import { booksOf } from "../mappings/applied.ts";
import { type Overflow, overflows, regrouped } from "../mappings/grouping.ts";
import { say } from "./surroundings.ts";

/**
 * Draws the company's busiest month as each ledger would group it, and refuses a grouping that the ledger cannot hold. A company
 * without movements yet is refused nothing; what overflows later is held by name before it is sent.
 *
 * @param limitsOf  what a ledger's connector declares
 * @throws ZhangshiError CONFIG_INVALID  naming ledger, rule, group, count and limit
 */
export async function refuseOverflowingGroups(
  database: Database,
  installation: Installation,
  mappings: Mappings,
  limitsOf: (ledger: LedgerConfig) => VoucherLimits | undefined,
): Promise<void> {
  for (const ledger of installation.ledgers) {
    const company = installation.companies.find(({ code }) => code === ledger.company);
    const limits = limitsOf(ledger);
    if (company === undefined || limits === undefined) continue;
    const { rules, chart } = booksOf(ledger, company, mappings);
    const [movements, classes] = await month(database, company.code);
    const [first] = overflows(
      regrouped(rules, ledger.grouping),
      chart,
      movements,
      (item) => classes.get(item) ?? "",
      limits,
    );
    if (first !== undefined) throw refusal(ledger, first);
  }
}

const month = async (
  database: Database,
  company: string,
): Promise<readonly [Awaited<ReturnType<typeof readBusiestMonth>>, ReadonlyMap<string, string>]> => {
  const client = await database.pool.connect();
  try {
    return [await readBusiestMonth(client, company), await readItemClasses(client, company)];
  } finally {
    client.release();
  }
};

const refusal = (ledger: LedgerConfig, overflow: Overflow): ZhangshiError => {
  const { count, max } = overflow;
  const numbers = { count: String(count), max: String(max) };
  if (overflow.kind === "vouchers")
    return new ZhangshiError("CONFIG_INVALID", {
      ledger: ledger.code,
      field: "grouping",
      value: ledger.grouping ?? "",
      period: overflow.period,
      ...numbers,
      reason: say({
        zh: "该期间的凭证数会超过账簿上限：请改为按天或按期间汇总",
        en: "more vouchers in a period than the ledger can number: group by day or period",
      }),
    });
  return new ZhangshiError("CONFIG_INVALID", {
    ledger: ledger.code,
    field: "grouping",
    value: overflow.grouping,
    rule: overflow.rule,
    group: overflow.group,
    ...numbers,
    reason: say({
      zh: "汇总后的凭证行数会超过账簿上限：请改为按天或按单据",
      en: "more lines in one voucher than the ledger takes: group by day or document",
    }),
  });
};
