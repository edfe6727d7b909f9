import process from "node:process";

export type Language = "zh" | "en";

/** A sentence in both languages. */
export interface Bilingual {
  readonly zh: string;
  readonly en: string;
}

/** `--language` decides, else the first of the usual variables that is set; anything but Chinese is English. */
export function languageOf(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Language {
  const given = args.find((_, index) => args[index - 1] === "--language") ?? inOneWord(args);
  const locale = given ?? environment["LC_ALL"] ?? environment["LC_MESSAGES"] ?? environment["LANG"] ?? "";
  return locale.toLowerCase().startsWith("zh") ? "zh" : "en";
}

const inOneWord = (args: readonly string[]): string | undefined =>
  args.find((argument) => argument.startsWith("--language="))?.slice("--language=".length);

/** Known before commander starts, because the help is in it too. */
export const language = languageOf(process.argv.slice(2), process.env);
/** The user's half of a text that schemas give in both languages: "English | 中文". Other texts stay as they are. */
export function half(text: string): string {
  const parts = text.split(" | ");
  const [english = text, chinese = ""] = parts;
  if (parts.length !== 2 || !HAN.test(chinese) || HAN.test(english)) return text;
  return language === "zh" ? chinese : english;
}
const HAN = /\p{Script=Han}/u;

export const say = (sentence: Bilingual): string => sentence[language];
