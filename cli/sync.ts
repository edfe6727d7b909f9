import type { Command } from "commander";
import { syncsOf } from "../domain/procedures.ts";
import { procedureCommand } from "./procedure.ts";

export const syncCommand = (): Command =>
  procedureCommand({
    name: "sync",
    description: { zh: "从仓库系统拉取异动", en: "pull movements from the warehouse systems" },
    choice: { option: "source", description: { zh: "只拉取这个来源", en: "only this source" } },
    extra: {
      flag: "--accept-deletions",
      description: {
        zh: "确认来源中大批记录确已删除（见 SNAPSHOT_SHRUNK）",
        en: "a bulk deletion in the source is right (see SNAPSHOT_SHRUNK)",
      },
    },
    procedures: (installation, only, { acceptDeletions }) =>
      syncsOf(installation, only).map((sync) =>
        acceptDeletions ? { ...sync, input: { ...sync.input, acceptDeletions } } : sync,
      ),
  });
