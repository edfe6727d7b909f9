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
    procedures: reconciliationsOf,
  });
