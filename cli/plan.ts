import type { Installation } from "../domain/installation.ts";

/** One difference between the configuration in force and the one to be applied. Values are JSON text. */
export interface Change {
  readonly kind: "added" | "removed" | "changed";
  /** "ledger main" */
  readonly subject: string;
  /** Path inside the subject; absent where the whole of it comes or goes. */
  readonly field?: string;
  /** Where the whole of a subject comes, `after` may say what it is. */
  readonly before?: string;
  readonly after?: string;
}

/** What applying `next` would change, in the order of the file. Both hold places of secrets only, so nothing is hidden. */
export function changesBetween(current: Installation | undefined, next: Installation): Change[] {
  return partChanges(partsOf(current), partsOf(next));
}

/** Parts that came, changed or went; each is its values by path, under its subject. */
export type Parts = ReadonlyMap<string, ReadonlyMap<string, string>>;
export function partChanges(before: Parts, after: Parts): Change[] {
  const removed = [...before.keys()]
    .filter((subject) => !after.has(subject))
    .map((subject): Change => ({ kind: "removed", subject }));
  const others = [...after].flatMap(([subject, part]): Change[] => {
    const old = before.get(subject);
    return old === undefined ? [{ kind: "added", subject }] : changedFields(subject, old, part);
  });
  return [...others, ...removed];
}

function partsOf(installation: Installation | undefined): Parts {
  if (installation === undefined) return new Map();
  return new Map([
    ...installation.connections.map((one) => [`connection ${one.name}`, flat(one)] as const),
    ...installation.companies.map((one) => [`company ${one.code}`, flat(one)] as const),
    ...installation.sources.map((one) => [`source ${one.code}`, flat(one)] as const),
    ...installation.ledgers.map((one) => [`ledger ${one.code}`, flat(one)] as const),
  ]);
}

function changedFields(subject: string, old: ReadonlyMap<string, string>, part: ReadonlyMap<string, string>): Change[] {
  return [...new Set([...old.keys(), ...part.keys()])].flatMap((field): Change[] => {
    const before = old.get(field);
    const after = part.get(field);
    if (before === after) return [];
    return [
      {
        kind: "changed",
        subject,
        field,
        ...(before === undefined ? {} : { before }),
        ...(after === undefined ? {} : { after }),
      },
    ];
  });
}

/** Every value by its path. A list is one value, unless things with fields are in it. */
export function flat(value: unknown, path = ""): Map<string, string> {
  if (Array.isArray(value) && value.some((inner) => typeof inner === "object"))
    return new Map(value.flatMap((inner, index) => [...flat(inner, `${path}[${index}]`)]));
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return new Map([[path, JSON.stringify(value)]]);
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return new Map(entries.flatMap(([name, inner]) => [...flat(inner, path === "" ? name : `${path}.${name}`)]));
}
