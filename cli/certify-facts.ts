import { z } from "zod";
import type { VoucherTarget } from "../connectors/contract.ts";
import type { CertificationFacts } from "../conformance/certification.ts";
import { Period, shiftPeriod } from "../domain/dates.ts";
import { ZhangshiError } from "../domain/errors.ts";
import type { LedgerConfig } from "../domain/installation.ts";
import { DimensionKind } from "../domain/voucher.ts";
import { say } from "./language.ts";

/** Cash on hand and other payables: detail accounts without dimensions in most charts. */
const USUAL_ACCOUNTS = "1001,2241";

const shaped = (pattern: RegExp, example: string) =>
  z.string().regex(pattern, say({ zh: `应写作 ${example}`, en: `written as ${example}` }));
const KIND = DimensionKind.options.join("|");

/** Which codes of the customer's books the cases may use. */
export const FactOptions = z.object({
  period: Period.optional(),
  accounts: shaped(/^[^,]+,[^,]+$/, "1001,2241").default(USUAL_ACCOUNTS),
  parent: z.string().min(1).optional(),
  demands: shaped(new RegExp(`^(${KIND})=.+$`), "supplier=2202.02").optional(),
  stock: shaped(/^[^,]+,[^,]+,[^,]+$/, "1405,M-001,Pcs").optional(),
  dimension: z.array(shaped(new RegExp(`^(${KIND})=[^,]+,[^,]+$`), "supplier=2202.02,VEN001")).default([]),
});
export type FactOptions = z.infer<typeof FactOptions>;

/**
 * Reads the open period, and that the accounts exist: nothing is sent before that is known.
 * @throws ZhangshiError ARGUMENT_INVALID naming the option
 */
export async function factsFor(
  target: VoucherTarget,
  ledger: LedgerConfig,
  options: FactOptions,
  today: string,
): Promise<CertificationFacts> {
  const [plainAccount = "", otherAccount = ""] = options.accounts.split(",");
  await mustHaveAccounts(target, [plainAccount, otherAccount]);
  const periods = await target.periods(ledger.book);
  const open = periods.filter((one) => one.open).map(({ period }) => period);
  const openPeriod =
    options.period ?? open.find((period) => period === today.slice(0, "2025-01".length)) ?? open.toSorted()[0];
  if (openPeriod === undefined || !open.includes(openPeriod))
    throw new ZhangshiError("ARGUMENT_INVALID", {
      option: "--period",
      reason: say({ zh: "该期间没有打开", en: "this period is not open" }),
      expected: open.join(", "),
    });
  const closed = periods.filter((one) => !one.open && one.period < openPeriod).map(({ period }) => period);
  const [account, item, unit] = options.stock?.split(",") ?? [];
  const [kind, demandingAccount] = options.demands?.split("=") ?? [];
  return {
    book: ledger.book,
    word: ledger.word,
    currency: ledger.currency,
    unknownWord: "认证无此字",
    openPeriod,
    closedPeriod: closed.toSorted().at(-1) ?? shiftPeriod(openPeriod, -1),
    hasClosedPeriod: closed.length > 0,
    plainAccount,
    otherAccount,
    parentAccount: options.parent,
    demanding:
      demandingAccount === undefined ? undefined : { account: demandingAccount, kind: DimensionKind.parse(kind) },
    stock: account === undefined || item === undefined || unit === undefined ? undefined : { account, item, unit },
    dimensions: Object.fromEntries(options.dimension.map(dimensionIn)),
    page: { of: "vouchers", max: 1 },
    wrongSecrets: {},
  };
}

const dimensionIn = (text: string): readonly [DimensionKind, { readonly account: string; readonly code: string }] => {
  const [kind, rest = ""] = text.split("=");
  const [account = "", code = ""] = rest.split(",");
  return [DimensionKind.parse(kind), { account, code }];
};

async function mustHaveAccounts(target: VoucherTarget, codes: readonly string[]): Promise<void> {
  const known = await target.masterData("account", codes);
  const missing = codes.filter((code) => !known.some((row) => row.code === code && row.usable));
  if (missing.length > 0)
    throw new ZhangshiError("ARGUMENT_INVALID", {
      option: "--accounts",
      value: missing.join(","),
      reason: say({
        zh: "ERP 中没有这些可用的科目；请给出两个不带核算维度的明细科目",
        en: "the ERP has no such usable account; name two detail accounts that demand no dimension",
      }),
    });
}
