import type { Mappings } from "../domain/installation.ts";
import { parseChart, parseRulePack } from "../mappings/load.ts";
import type { Rule, RulePack } from "../mappings/rule.ts";
import type { FileResult } from "../mappings/yaml-file.ts";
import { type Change, type Parts, flat, partChanges } from "./plan.ts";

/** What applying `next` changes in the rules and accounts by which each ledger books, from version to version. */
export function mappingChanges(current: Mappings | undefined, next: Mappings): Change[] {
  return Object.keys(next.ledgers).flatMap((ledger) => [
    ...fileChanges(`ledger ${ledger} rules`, textsOf(current, ledger, "rules"), textsOf(next, ledger, "rules"), {
      parse: parseRulePack,
      about: (pack) => `${pack.name}, ${pack.rules.length} rules`,
      changes: (before, after) => ruleChanges(ledger, before, after),
    }),
    ...fileChanges(`ledger ${ledger} chart`, textsOf(current, ledger, "chart"), textsOf(next, ledger, "chart"), {
      parse: parseChart,
      about: (chart) => `${chart.name}, ${Object.keys(chart.roles).length} roles`,
      changes: (before, after) => {
        const role = (name: string) => `ledger ${ledger} role ${name}`;
        return partChanges(keyed(before.roles, role), keyed(after.roles, role));
      },
    }),
  ]);
}

interface Kept {
  readonly name: string;
  readonly digest: string;
  readonly text: string;
}

const textsOf = (mappings: Mappings | undefined, ledger: string, kind: "rules" | "chart"): Kept | undefined => {
  const file = mappings?.ledgers[ledger]?.[kind];
  const text = file === undefined ? undefined : mappings?.texts[file.digest];
  return file === undefined || text === undefined ? undefined : { ...file, text };
};

interface FileKind<Content> {
  readonly parse: (text: string, name: string) => FileResult<Content>;
  readonly about: (content: Content) => string;
  readonly changes: (before: Content, after: Content) => Change[];
}

function fileChanges<Content>(
  subject: string,
  before: Kept | undefined,
  after: Kept | undefined,
  { parse, about, changes }: FileKind<Content>,
): Change[] {
  if (after === undefined || before?.digest === after.digest) return [];
  const now = parse(after.text, after.name);
  const text = now.ok ? about(now.value) : after.name;
  if (before === undefined) return [{ kind: "added", subject, after: text }];
  const then = parse(before.text, before.name);
  const found = now.ok && then.ok ? changes(then.value, now.value) : [];
  if (found.length > 0) return found;
  // Only comments, say; or an older program read the text otherwise.
  return [{ kind: "changed", subject, field: "text", before: shortened(before), after: shortened(after) }];
}

const DIGEST_SHOWN = 12;
const shortened = ({ name, digest }: Kept): string => `${name} ${digest.slice(0, DIGEST_SHOWN)}`;

/** Rules are the same when name and version are; of those left, the only one of its name on both sides. */
function ruleChanges(ledger: string, before: RulePack, after: RulePack): Change[] {
  const subjectOf = ({ name, version }: Rule): string => `ledger ${ledger} rule ${name} version ${version}`;
  const subjects = new Map(after.rules.map((rule) => [rule, subjectOf(rule)] as const));
  for (const rule of before.rules) subjects.set(rule, subjectOf(counterpartOf(rule, before, after) ?? rule));
  const named = (rules: readonly Rule[]): Parts =>
    new Map(rules.map((rule) => [subjects.get(rule) ?? "", flat(rule)] as const));
  const [then, now] = [named(before.rules), named(after.rules)];
  return [...partChanges(then, now), ...orderChange(`ledger ${ledger} rules`, [...then.keys()], [...now.keys()])];
}

function counterpartOf(rule: Rule, before: RulePack, after: RulePack): Rule | undefined {
  const isIn = (pack: RulePack, wanted: Rule): boolean =>
    pack.rules.some(({ name, version }) => name === wanted.name && version === wanted.version);
  if (isIn(after, rule)) return undefined;
  const [old, ...olds] = before.rules.filter((other) => other.name === rule.name && !isIn(after, other));
  const [successor, ...others] = after.rules.filter((other) => other.name === rule.name && !isIn(before, other));
  return old === rule && olds.length === 0 && others.length === 0 ? successor : undefined;
}

/** The first rule that fits is used: their order means something. Shown is what lies between the first and the last moved. */
function orderChange(subject: string, then: readonly string[], now: readonly string[]): Change[] {
  const [a, b] = [then.filter((name) => now.includes(name)), now.filter((name) => then.includes(name))];
  const first = a.findIndex((name, index) => name !== b[index]);
  if (first < 0) return [];
  const last = a.findLastIndex((name, index) => name !== b[index]);
  const shown = (list: readonly string[]): string =>
    list
      .slice(first, last + 1)
      .map(ruleOf)
      .join(" > ");
  return [{ kind: "changed", subject, field: "order", before: shown(a), after: shown(b) }];
}
const ruleOf = (subject: string): string => subject.split(" rule ")[1] ?? subject;

const keyed = (roles: Readonly<Record<string, unknown>>, subjectOf: (name: string) => string): Parts =>
  new Map(Object.entries(roles).map(([name, role]) => [subjectOf(name), flat(role)] as const));
