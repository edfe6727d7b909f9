import type { CommanderError } from "commander";
import { ZhangshiError } from "../domain/errors.ts";
import type { Bilingual, Language } from "./language.ts";

/** What the argument parser complains of, by its own codes. */
const REASONS: Readonly<Record<string, Bilingual>> = {
  "commander.unknownOption": { zh: "没有这个选项", en: "there is no such option" },
  "commander.unknownCommand": { zh: "没有这个命令", en: "there is no such command" },
  "commander.missingArgument": { zh: "缺少这个参数", en: "this argument is missing" },
  "commander.optionMissingArgument": { zh: "这个选项后面缺少值", en: "this option needs a value" },
  "commander.excessArguments": { zh: "参数太多", en: "too many arguments" },
};

/** A complaint of the argument parser as one of ours: which argument, why, and the one that was perhaps meant. */
export function usageError({ code, message }: CommanderError, language: Language): ZhangshiError {
  const argument = /'([^']+)'/.exec(message)?.[1];
  const meant = /\(Did you mean (?:one of )?(.+)\?\)/.exec(message)?.[1];
  return new ZhangshiError("ARGUMENT_INVALID", {
    ...(argument === undefined ? {} : { argument }),
    reason: REASONS[code]?.[language] ?? message.replace(/^error: /, ""),
    ...(meant === undefined ? {} : { meant }),
  });
}
