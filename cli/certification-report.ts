import { type Bilingual, say } from "./language.ts";
import type { FinalDocument } from "../conformance/certification-clean-up.ts";
import type { Verdict } from "../conformance/play.ts";

export interface CertifiedCase {
  readonly id: string;
  readonly title: Bilingual;
  readonly verdict: Verdict;
}

/** What a certification found; as JSON it is this, as it stands. */
export interface Certification {
  readonly connection: string;
  readonly vendor: string;
  readonly address: string;
  readonly ledger: string;
  readonly book: string;
  readonly period: string;
  readonly run: string;
  readonly startedAt: string;
  readonly endedAt: string;
  /** True where a person ended it early. */
  readonly interrupted: boolean;
  readonly counts: { readonly passed: number; readonly failed: number; readonly skipped: number };
  readonly cases: readonly CertifiedCase[];
  readonly documents: readonly FinalDocument[];
  /** Documents that a person has to see to. */
  readonly left: number;
}

/** In a table a bar would end the cell, and a line break the row. */
const cell = (text: string): string =>
  text.replaceAll("\\", "\\\\").replaceAll("|", "\\|").replaceAll("<", "&lt;").replaceAll(/\s+/g, " ").trim();

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => "---"), ...rows].map((row) => `| ${row.map(cell).join(" | ")} |`).join("\n");

const MARKS = { passed: "✓", failed: "✗", "not-applicable": "–" } as const;

/** The report as a customer reads it, in the user's language. */
export function certificationMarkdown(found: Certification): string {
  const { counts, documents } = found;
  const left = documents.filter((document) => document.left !== undefined);
  const detail = (verdict: Verdict): string =>
    verdict.state === "failed" ? verdict.message : verdict.state === "not-applicable" ? say(verdict.reason) : "";
  const rows = (wanted: (state: Verdict["state"]) => boolean) =>
    found.cases
      .filter(({ verdict }) => wanted(verdict.state))
      .map(({ id, title, verdict }) => [MARKS[verdict.state], id, say(title), detail(verdict)]);
  const head = ["", say({ zh: "项目", en: "Case" }), say({ zh: "内容", en: "Promise" })];
  return `${[
    `# ${say({ zh: `连接认证：${found.connection}`, en: `Certification of the connection ${found.connection}` })}`,
    table(
      ["", ""],
      [
        [say({ zh: "系统", en: "System" }), `${found.vendor} (${found.address})`],
        [say({ zh: "账簿", en: "Ledger" }), `${found.ledger} (${found.book})`],
        [say({ zh: "期间", en: "Period" }), found.period],
        [say({ zh: "时间", en: "Time" }), `${found.startedAt} – ${found.endedAt}`],
        [say({ zh: "编号", en: "Run" }), found.run],
      ],
    ),
    conclusion(found),
    ...(left.length === 0
      ? []
      : [
          `## ${say({ zh: "请人工处理的凭证", en: "Vouchers that a person has to see to" })}`,
          table(
            [
              say({ zh: "日期", en: "Date" }),
              say({ zh: "凭证号", en: "Number" }),
              say({ zh: "ERP 内码", en: "Id in the ERP" }),
              say({ zh: "凭证键", en: "Key" }),
              say({ zh: "处理", en: "What to do" }),
            ],
            left.map((one) => [
              one.date,
              `${one.word} ${one.number}`,
              one.erpId,
              one.key,
              one.left === undefined ? "" : say(one.left),
            ]),
          ),
        ]),
    `## ${say({ zh: "已检查的项目", en: "What was tried" })}`,
    table(
      [...head, say({ zh: "说明", en: "Detail" })],
      rows((state) => state !== "not-applicable"),
    ),
    `## ${say({ zh: "未检查的项目", en: "What was left out" })} (${counts.skipped})`,
    table(
      [...head, say({ zh: "原因", en: "Why" })],
      rows((state) => state === "not-applicable"),
    ),
    `## ${say({ zh: "创建的凭证", en: "Vouchers that were created" })} (${documents.length})`,
    table(
      [
        say({ zh: "日期", en: "Date" }),
        say({ zh: "凭证号", en: "Number" }),
        say({ zh: "ERP 内码", en: "Id in the ERP" }),
        say({ zh: "红字凭证号", en: "Reversed by" }),
        say({ zh: "项目", en: "Case" }),
      ],
      documents.map((one) => [one.date, `${one.word} ${one.number}`, one.erpId, one.reversedBy ?? "–", one.sentBy]),
    ),
  ].join("\n\n")}\n`;
}

export function conclusion({ counts, documents, left, interrupted }: Certification): string {
  const reversed = documents.filter(({ reversedBy }) => reversedBy !== undefined).length;
  const sentences = [
    say({
      zh: `通过 ${counts.passed} 项，失败 ${counts.failed} 项，未检查 ${counts.skipped} 项。`,
      en: `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} left out.`,
    }),
    say({
      zh: `账上的认证凭证 ${documents.length} 张，已红冲 ${reversed} 张，需人工处理 ${left} 张。`,
      en: `${documents.length} vouchers were created, ${reversed} are reversed, ${left} are left to a person.`,
    }),
    ...(interrupted ? [say({ zh: "认证被提前中止。", en: "It was ended early." })] : []),
  ];
  return sentences.join(" ");
}
