import type { Bilingual, TargetCapabilities } from "../connectors/contract.ts";
import type { Room } from "./office.ts";

/** One promise that every ledger keeps. It branches on what a connector declares, never on a vendor's name. */
export interface ConformanceCase {
  /** kebab-case; never reused for something else. */
  readonly id: string;
  readonly title: Bilingual;
  /** Why a ledger with these capabilities cannot have this case; undefined where it can. */
  readonly unless?: (can: TargetCapabilities) => Bilingual | undefined;
  /** @throws CaseFailed, NotApplicable */
  readonly run: (room: Room) => Promise<void>;
}

export class CaseFailed extends Error {}

/** @throws CaseFailed with `what` when the condition does not hold */
export function must(condition: boolean, what: string): asserts condition {
  if (!condition) throw new CaseFailed(what);
}

export const mustEqual = (found: unknown, wanted: unknown, what: string): void => {
  const [a, b] = [JSON.stringify(found), JSON.stringify(wanted)];
  if (a !== b) throw new CaseFailed(`${what}: ${a} instead of ${b}`);
};

export const say = (zh: string, en: string): Bilingual => ({ zh, en });

/** Reasons that several cases share. */
export const unless = {
  asked: (can: TargetCapabilities): Bilingual | undefined =>
    can.keyGuard === "receipt" || can.keyGuard === "none"
      ? say(`该账簿不能在线查询（keyGuard=${can.keyGuard}）`, `this ledger cannot be asked (keyGuard: ${can.keyGuard})`)
      : undefined,
  /** Its books can be seen at all, be it through an export. */
  seen: (can: TargetCapabilities): Bilingual | undefined =>
    can.keyGuard === "none"
      ? say("看不到账簿内容（keyGuard=none）", "its books cannot be seen (keyGuard: none)")
      : undefined,
  /** It answers requests: there is a log-in, a network and a clock. */
  online: (can: TargetCapabilities): Bilingual | undefined =>
    can.keyGuard === "receipt"
      ? say(
          "该账簿通过文件交接，没有网络请求（keyGuard=receipt）",
          "files are handed over, nothing is requested (keyGuard: receipt)",
        )
      : undefined,
  batches: (can: TargetCapabilities): Bilingual | undefined =>
    can.batchMax < 2
      ? say("一次只能提交一张凭证（batchMax=1）", "takes one voucher at a time (batchMax: 1)")
      : undefined,
  quantities: (can: TargetCapabilities): Bilingual | undefined =>
    can.quantities
      ? undefined
      : say("分录不保存数量（quantities=false）", "lines keep no quantities (quantities: false)"),
  stages: (can: TargetCapabilities): Bilingual | undefined =>
    can.stages.length < 2
      ? say(`凭证只有一个阶段（${can.stages.join()}）`, `vouchers have one stage (${can.stages.join()})`)
      : undefined,
  redLetter: (can: TargetCapabilities): Bilingual | undefined =>
    can.red === "void" ? say("不能写红字凭证（red=void）", "no red voucher can be written (red: void)") : undefined,
  checked:
    (what: keyof TargetCapabilities["checks"]) =>
    (can: TargetCapabilities): Bilingual | undefined =>
      can.checks[what] === "nobody"
        ? say(`发送时无人检查（checks.${what}=nobody）`, `nobody checks it when it is sent (checks.${what}: nobody)`)
        : undefined,
  people:
    (what: "edit" | "unaudit" | "delete" | "void") =>
    (can: TargetCapabilities): Bilingual | undefined =>
      can.people[what]
        ? undefined
        : say(
            `ERP 客户端不能这样做（people.${what}=false）`,
            `the ERP's own program cannot do it (people.${what}: false)`,
          ),
} as const;

/** The first reason that applies. */
export const either =
  (...reasons: readonly ((can: TargetCapabilities) => Bilingual | undefined)[]) =>
  (can: TargetCapabilities): Bilingual | undefined => {
    for (const reason of reasons) {
      const found = reason(can);
      if (found !== undefined) return found;
    }
    return undefined;
  };
