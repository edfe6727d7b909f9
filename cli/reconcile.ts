import type { Command } from "commander";
import { reconciliationsOf } from "../domain/procedures.ts";
import { procedureCommand } from "./procedure.ts";

export const reconcileCommand = (): Command =>
  procedureCommand({
    name: "reconcile",
    description: {
      zh: "两边对账，列出每个差异及其原因",
      en: "compare both sides and name every difference with its cause",
    },
    choice: { option: "company", description: { zh: "只核对这家公司", en: "only this company" } },
    extra: {
      flag: "--full",
      description: {
        zh: "已结账期间也全部重新读取（平时只读未结账和有变化的期间，并轮流重读已结账期间）",
        en: "read every closed period again too; otherwise open ones, changed ones, and closed ones in turn",
      },
    },
    procedures: (installation, only, { full }) =>
      reconciliationsOf(installation, only).map((one) => (full ? { ...one, input: { ...one.input, full } } : one)),
  });
