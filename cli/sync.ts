import type { Command } from "commander";
import { syncsOf } from "../domain/procedures.ts";
import { procedureCommand } from "./procedure.ts";

export const syncCommand = (): Command =>
  procedureCommand({
    name: "sync",
    description: { zh: "从仓库系统拉取异动", en: "pull movements from the warehouse systems" },
    choice: { option: "source", description: { zh: "只拉取这个来源", en: "only this source" } },
    procedures: syncsOf,
  });
