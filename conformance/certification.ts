import type { Bilingual, TargetCapabilities } from "../connectors/contract.ts";
import type { ConformanceCase } from "./case.ts";
import { say } from "./case.ts";
import { faultCases } from "./cases/faults.ts";
import { fileCases } from "./cases/files.ts";
import { paceCases } from "./cases/pace.ts";
import { peopleCases } from "./cases/people.ts";
import type { Facts } from "./office.ts";

/* Which cases are played against a customer's books, and how many vouchers each of them creates there. */

export type PlannedCase = Pick<ConformanceCase, "id" | "title"> &
  (
    | {
        readonly play: ConformanceCase;
        /** Vouchers that it leaves in the books, before they are reversed. */
        readonly vouchers: number;
      }
    | { readonly skip: Bilingual }
  );

/** Why this office has no operator: what a simulator lets the suite do, and a customer's server does not. */
export const reasons = {
  simulator: say("需要在模拟系统中制造故障，真实系统上不做", "faults are provoked at a simulator only"),
  person: say("需要有人在 ERP 客户端中操作，认证不代劳", "needs a person at work in the ERP's own program"),
  files: say(
    "凭证文件要由人导入，无法无人值守地认证",
    "files are imported by a person: nothing is certified unattended",
  ),
  operator: say(
    "需要改变系统设置（权限、期间、基础资料、字段），真实系统上不做",
    "would change the system itself (rights, periods, master data, fields)",
  ),
  secrets: say("多次错误登录可能锁定用户，真实系统上不做", "wrong log-ins may lock the user"),
  ownBooks: say("需要只属于本次测试的空账簿", "needs empty books that belong to the test alone"),
} as const;

const OWN_REASONS: Readonly<Record<string, Bilingual>> = {
  "login-refused": reasons.secrets,
  paging: reasons.ownBooks,
  balances: reasons.ownBooks,
  "list-period": reasons.ownBooks,
};

type Count = (can: TargetCapabilities) => number;
const count =
  (vouchers: number): Count =>
  () =>
    vouchers;
const BATCH = 10;

/** Only what is named here is played; a refusal that the ERP is expected to give counts as none. */
const CREATES: Readonly<Record<string, Count>> = {
  check: count(0),
  "two-connectors": count(4),
  ordinary: count(1),
  red: count(2),
  quantity: count(1),
  "red-quantity": count(1),
  "every-dimension": count(1),
  "many-lines": count(1),
  batch: ({ batchMax }) => Math.min(BATCH, batchMax),
  "batch-one-bad": count(2),
  stages: count(1),
  "sent-twice": count(1),
  "one-cent": count(1),
  unbalanced: count(0),
  "text-chinese": count(1),
  "text-quotes": count(1),
  "text-markup": count(1),
  "text-emoji": count(1),
  "text-four-byte": count(1),
  "text-spaces": count(1),
  "summary-longest": count(2),
  "summary-cut-whole": count(2),
  "amount-12-digits": count(3),
  "amount-largest": count(1),
  "amount-decimals": count(0),
  "quantity-6-decimals": count(3),
  "quantity-decimals": count(0),
  "too-many-lines": count(0),
  "limits-behind-our-back": count(0),
  "find-absent": count(1),
  "find-one": count(1),
  "control-unseen": count(1),
  "control-alone": count(1),
  "find-many": count(3),
  "period-closed": count(1),
  "account-unknown": count(1),
  "account-parent": count(1),
  "dimension-missing": count(1),
  "code-unknown": count(0),
  "dimension-unsupported": count(0),
  "word-unknown": count(0),
  "deadline-passed": count(0),
};

/** What was not said of the books, with the option that says it. */
const missingFact = (id: string, facts: CertificationFacts, can: TargetCapabilities): Bilingual | undefined => {
  const give = (option: string): Bilingual => say(`需要用 ${option} 给出`, `give ${option}`);
  switch (id) {
    case "quantity":
    case "red-quantity":
    case "quantity-6-decimals":
    case "quantity-decimals":
      return facts.stock === undefined ? give("--stock") : undefined;
    case "every-dimension": {
      const unknown = can.dimensions.filter((kind) => facts.dimensions[kind] === undefined);
      return unknown.length === 0 ? undefined : give(unknown.map((kind) => `--dimension ${kind}=…`).join(" "));
    }
    case "code-unknown":
      return Object.keys(facts.dimensions).length === 0 ? give("--dimension") : undefined;
    case "account-parent":
      return facts.parentAccount === undefined ? give("--parent") : undefined;
    case "dimension-missing":
      return facts.demanding === undefined ? give("--demands") : undefined;
    case "period-closed":
      return facts.hasClosedPeriod ? undefined : say("没有已结账的期间", "no period is closed");
    default:
      return undefined;
  }
};

export interface CertificationFacts extends Facts {
  /** False where `closedPeriod` is only a guess. */
  readonly hasClosedPeriod: boolean;
}

/** Every case of the suite, with what it creates or why it is left out. Nothing is asked and nothing is sent. */
export const planOf = (
  suite: readonly ConformanceCase[],
  can: TargetCapabilities,
  facts: CertificationFacts,
): readonly PlannedCase[] =>
  suite.map((one) => {
    const { id, title } = one;
    const creates = Object.hasOwn(CREATES, id) ? CREATES[id] : undefined;
    const skip =
      one.unless?.(can) ??
      (creates === undefined ? reasonAgainst(one) : undefined) ??
      (id !== "check" && (can.keyGuard === "receipt" || can.keyGuard === "none") ? reasons.files : undefined) ??
      missingFact(id, facts, can);
    if (skip !== undefined || creates === undefined) return { id, title, skip: skip ?? reasons.operator };
    return { id, title, play: one, vouchers: creates(can) };
  });

const reasonAgainst = (one: ConformanceCase): Bilingual => {
  if (faultCases.includes(one) || paceCases.includes(one)) return reasons.simulator;
  if (peopleCases.includes(one)) return reasons.person;
  if (fileCases.includes(one)) return reasons.files;
  return OWN_REASONS[one.id] ?? reasons.operator;
};
