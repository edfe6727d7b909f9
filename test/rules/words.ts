import { type SourceFile, withoutComments } from "./source-text.ts";
import { isTest } from "./imports.ts";

/** Names of vendors and their products, in the spellings in which code would use them. */
const VENDOR_NAMES =
  /kingdee|k3cloud|jiandaoyun|\bjdy|jdy\b|yonyou|sap[-_ ]?b1|business ?one|金蝶|云星空|星辰|简道云|用友/i;

/** Where a vendor may be named: his own folders, the lists that name them all, data about him, and what is no product code. */
const MAY_NAME_VENDORS = [
  /^connectors\/[^/]+\//,
  /^connectors\/registry\.ts$/,
  /^simulators\//,
  /^mappings\//,
  /^demo\//,
  /^docs\//,
  /^test\//,
  /^cli\/(init|simulate|template)[^/]*\.ts$/,
];
const SHARED_IN_CONNECTORS = /^connectors\/(transport|row-source)\//;

/** @returns one sentence per line of shared code that names a vendor; comments may, because they say where a rule comes from */
export function vendorNames(files: readonly SourceFile[]): string[] {
  return files
    .filter(({ path }) => path.endsWith(".ts") && !isTest(path))
    .filter(({ path }) => SHARED_IN_CONNECTORS.test(path) || !MAY_NAME_VENDORS.some((place) => place.test(path)))
    .flatMap(({ path, text }) =>
      linesWith(withoutComments(text), VENDOR_NAMES).map(
        ({ line, found }) =>
          `${path}:${line} names "${found}": shared code branches on capabilities, never on a vendor's name`,
      ),
    );
}

/** Computations that differ from one run to the next. Time and randomness come in as arguments. */
const IMPURE =
  /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\bperformance\.now\(|\bprocess\.|\brandomUUID\(|\brandomBytes\(|\bsetTimeout\(|\bfetch\(/;
const PURE_FOLDERS = /^(domain|mappings|workflows)\//;

export function impureCode(files: readonly SourceFile[]): string[] {
  return files
    .filter(({ path }) => PURE_FOLDERS.test(path) && path.endsWith(".ts") && !isTest(path))
    .flatMap(({ path, text }) =>
      linesWith(withoutComments(text), IMPURE).map(
        ({ line, found }) =>
          `${path}:${line} uses "${found}": time, randomness and surroundings come in as arguments here`,
      ),
    );
}

/** Put together from pieces, so that this file does not contain what it looks for. */
const FORBIDDEN: readonly { readonly what: string; readonly pattern: RegExp }[] = [
  {
    what: "a path of one machine",
    pattern: new RegExp(["/work/(main|shared|\\.)", "/root/", "/tmp/brief", "/home/(?!linuxbrew/)[a-z]+/"].join("|")),
  },
  {
    what: "the address of a registry",
    pattern: new RegExp(
      [
        "registry\\.npmjs",
        "proxy\\.golang",
        "repo\\d?\\.maven",
        "files\\.python" + "hosted",
        "pypi\\.org/simple",
        "static\\.crates",
        "deb\\.debian",
        "npmmirror",
      ].join("|"),
    ),
  },
  {
    what: "how the project was written",
    pattern: new RegExp(
      [
        "chat" + "gpt",
        "claude",
        "copilot",
        "language mod" + "el",
        "\\bAI (agent|assistant)",
        "sub-?agent",
        "\\bissue #?\\d",
      ].join("|"),
      "i",
    ),
  },
];
const RULES_THEMSELVES = /^test\/rules\/(words|rules\.test)\.ts$/;

export function forbiddenWords(files: readonly SourceFile[]): string[] {
  return files
    .filter(({ path }) => !RULES_THEMSELVES.test(path))
    .flatMap(({ path, text }) =>
      FORBIDDEN.flatMap(({ what, pattern }) =>
        linesWith(text, pattern).map(({ line, found }) => `${path}:${line} holds ${what}: "${found}"`),
      ),
    );
}

function linesWith(text: string, pattern: RegExp): { line: number; found: string }[] {
  return text.split("\n").flatMap((line, index) => {
    const found = pattern.exec(line)?.[0];
    return found === undefined ? [] : [{ line: index + 1, found }];
  });
}
