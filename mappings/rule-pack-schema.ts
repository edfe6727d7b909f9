import { z } from "zod";
import { RulePack } from "./rule.ts";

/** The rule language for editors; the file beside this one holds the same, and a test compares them. */
export const rulePackJsonSchema = (): unknown => z.toJSONSchema(RulePack, { io: "input" });
