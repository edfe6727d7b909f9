import type { Command } from "commander";
import { postingsOf } from "../domain/procedures.ts";
import { procedureCommand } from "./procedure.ts";

export const postCommand = (): Command =>
  procedureCommand({
    name: "post",
    description: { zh: "计价、生成凭证、过入 ERP 并回读核对", en: "value, draft, post to the ERP and read back" },
    choice: { option: "ledger", description: { zh: "只处理这个账簿", en: "only this ledger" } },
    procedures: postingsOf,
  });
