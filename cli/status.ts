import type { Command } from "commander";
import { readStatus, type Status } from "../db/status-store.ts";
import { currentInstallationVersion } from "../db/installation-store.ts";
import { commandNamed, runCommand, say, withDatabase } from "./surroundings.ts";
import { textTable } from "./table.ts";

export const statusCommand = (): Command =>
  commandNamed("status", {
    zh: "显示各来源、账簿、凭证状态与待处理异常",
    en: "show sources, ledgers, vouchers by state and open exceptions",
  }).action(() =>
    runCommand((surroundings) =>
      withDatabase(surroundings, async (database) => {
        const [status, current] = await Promise.all([readStatus(database), currentInstallationVersion(database)]);
        const configuration =
          current === undefined
            ? null
            : {
                version: current.version,
                appliedAt: current.appliedAt,
                connections: current.installation.connections.map(({ name, vendor }) => ({ name, vendor })),
                sources: current.installation.sources.map(({ company, code }) => ({ company, code })),
                ledgers: current.installation.ledgers.map(({ company, code }) => ({ company, code })),
              };
        surroundings.result(
          { configuration, ...status },
          [describe(configuration), ...describeStatus(status)].join("\n\n"),
        );
      }),
    ),
  );

interface Configuration {
  readonly version: number;
  readonly appliedAt: string;
  readonly connections: readonly { readonly name: string; readonly vendor: string }[];
}

function describe(configuration: Configuration | null): string {
  if (configuration === null) {
    return say({
      zh: "还没有应用任何配置：运行 zhangshi init，再运行 zhangshi apply",
      en: "No configuration has been applied: run zhangshi init, then zhangshi apply",
    });
  }
  const connections = configuration.connections.map(({ name, vendor }) => `${name} (${vendor})`).join(", ");
  return say({
    zh: `配置版本 ${configuration.version}，应用于 ${configuration.appliedAt}；连接：${connections}`,
    en: `Configuration version ${configuration.version}, applied ${configuration.appliedAt}; connections: ${connections}`,
  });
}

function describeStatus(status: Status): string[] {
  const never = say({ zh: "从未", en: "never" });
  const sections: [string, readonly (readonly string[])[]][] = [
    [
      say({ zh: "来源（公司 来源 表单 记录 最近拉取）", en: "Sources (company, source, form, records, last pulled)" }),
      status.sources.map((row) => [row.company, row.source, row.form, String(row.records), row.pulledAt ?? never]),
    ],
    [
      say({
        zh: "凭证（公司 账簿 状态 张数）；明细：zhangshi voucher list",
        en: "Vouchers (company, ledger, state, count); one by one: zhangshi voucher list",
      }),
      status.postings.map((row) => [row.company, row.ledger, row.state, String(row.count)]),
    ],
    [
      say({ zh: "已暂停的账簿（原因）", en: "Paused ledgers (why)" }),
      status.ledgers
        .filter(({ paused }) => paused)
        .map((row) => [row.company, row.ledger, row.pauseCode ?? "", row.pauseMessage ?? ""]),
    ],
    [
      say({ zh: "无法生成凭证的异动（账簿 原因 笔数）", en: "Movements without a voucher (ledger, why, count)" }),
      status.blocked.map((row) => [row.ledger, row.code, String(row.count)]),
    ],
    [
      say({
        zh: "未关闭的异常（公司 类别 代码 原因 条数）；明细：zhangshi exceptions",
        en: "Open exceptions (company, kind, code, cause, count); one by one: zhangshi exceptions",
      }),
      status.exceptions.map((row) => [row.company, row.kind, row.code, String(row.cause ?? ""), String(row.count)]),
    ],
  ];
  return sections.map(
    ([title, rows]) => `${title}\n${rows.length === 0 ? "  –" : textTable(rows.map((row) => ["", ...row]))}`,
  );
}
