import type { Command } from "commander";
import { z } from "zod";
import { type RetryAct, type RetryStep, retryPostings } from "../db/retry-store.ts";
import { ZhangshiError } from "../domain/errors.ts";
import { postingsOf } from "../domain/procedures.ts";
import type { Bilingual } from "./language.ts";
import { type Done, procedureCommand } from "./procedure.ts";
import { parseOptions, say } from "./surroundings.ts";
import { textTable } from "./table.ts";

export const postCommand = (): Command =>
  procedureCommand({
    name: "post",
    description: { zh: "计价、生成凭证、过入 ERP 并回读核对", en: "value, draft, post to the ERP and read back" },
    choice: { option: "ledger", description: { zh: "只处理这个账簿", en: "only this ledger" } },
    procedures: postingsOf,
    before: {
      addOptions: (command) =>
        command
          .option(
            "--retry",
            say({
              zh: "先让停住的凭证再试一次：被拒绝和挂起的按现行规则与对照表重新生成，结果不明的现在查询，不一致的重新回读；可能已在 ERP 中的绝不重发",
              en: "first give vouchers that stand still another try: refused and held ones are drawn with today's rules and codes, uncertain ones looked up now, differing ones read again; what may be in the ERP is never sent again",
            }),
          )
          .option(
            "--key <KEY>",
            say({
              zh: "与 --retry 同用：只这一张（26 位凭证键）",
              en: "with --retry: only this one, by its posting key",
            }),
          ),
      run: async (database, procedures, given) => {
        const { retry, key, dryRun } = parseOptions(RetryOptions, given);
        if (!retry) return undefined;
        const ledgers = procedures.flatMap(({ about }) => about.ledger ?? []);
        const steps = await retryPostings(database, { ledgers, key, dryRun, sizeMax: RETRIES_MAX });
        if (key !== undefined && steps.length === 0) throw new ZhangshiError("VOUCHER_UNKNOWN", { key });
        return doneOf(steps);
      },
    },
  });

/** More wait for the next run. */
const RETRIES_MAX = 100_000;

const RetryOptions = z
  .object({ retry: z.boolean().default(false), key: z.string().optional(), dryRun: z.boolean().default(false) })
  .refine(({ retry, key }) => retry || key === undefined, { path: ["key"], message: "--retry --key" });

const ACTS: Readonly<Record<RetryAct, Bilingual>> = {
  redraw: { zh: "重新生成并发送", en: "drawn anew, then sent" },
  "look-up": { zh: "现在查询 ERP", en: "looked up in the ERP now" },
  "read-again": { zh: "重新回读核对", en: "read back and compared again" },
  "bring-on": { zh: "重新提交、审核", en: "submitted and audited again" },
  none: { zh: "无需处理", en: "nothing to do" },
};

function doneOf(steps: readonly RetryStep[]): Done {
  const rows = steps.map(({ key, documents, state, code, message, act }) => [
    key,
    documents.join(" "),
    state,
    code ?? "",
    message ?? "",
    say(ACTS[act]),
  ]);
  const text = rows.length === 0 ? say({ zh: "没有停住的凭证。", en: "No voucher stands still." }) : textTable(rows);
  return { value: { retried: steps }, text };
}
