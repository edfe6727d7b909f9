import { LineCounter, isNode, parseDocument } from "yaml";
import type { z } from "zod";

/** One thing wrong in a file a person wrote. */
export interface FileProblem {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
  /** "rules.3.lines.0.amount"; empty where the text itself cannot be read. */
  readonly field: string;
  /** What stands there, cut where it is long; empty where nothing does, or more than one value. */
  readonly value: string;
  readonly message: string;
}

export interface Place {
  readonly line: number;
  readonly column: number;
}

export type FileResult<T> =
  /** `placeOf` finds a field of the value in the text; one that is absent stands where its nearest container begins. */
  | { readonly ok: true; readonly value: T; readonly placeOf: (path: readonly PropertyKey[]) => Place }
  | { readonly ok: false; readonly problems: readonly FileProblem[] };

const VALUE_SHOWN_MAX = 60;

/** Parses YAML against a schema; each problem names file, place, field and value. */
export const parseYaml = <T extends z.ZodType>(schema: T, text: string, file: string): FileResult<z.output<T>> => {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  if (document.errors.length > 0)
    return {
      ok: false,
      problems: document.errors.map((error) => ({
        file,
        ...placeAt(lines, error.pos[0]),
        field: "",
        value: "",
        message: error.message.split("\n")[0] ?? error.code,
      })),
    };
  const parsed = schema.safeParse(document.toJS());
  const placeOf = (path: readonly PropertyKey[]): Place => {
    // A field that is absent has no place of its own: its nearest container has.
    for (let length = path.length; length > 0; length -= 1) {
      const node = document.getIn(path.slice(0, length), true);
      if (isNode(node) && node.range) return placeAt(lines, node.range[0]);
    }
    return { line: 1, column: 1 };
  };
  if (parsed.success) return { ok: true, value: parsed.data, placeOf };
  return {
    ok: false,
    problems: parsed.error.issues.flatMap(leavesOf).map(({ path, message }) => ({
      file,
      ...placeOf(path),
      field: path.map(String).join("."),
      value: shown(document.getIn(path, false)),
      message,
    })),
  };
};

const placeAt = (lines: LineCounter, offset: number): Place => {
  const { line, col } = lines.linePos(offset);
  return { line, column: col };
};

const shown = (value: unknown): string =>
  typeof value === "string" || typeof value === "number" || typeof value === "boolean"
    ? String(value).slice(0, VALUE_SHOWN_MAX)
    : "";

type Issue = z.core.$ZodIssue;
interface Leaf {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** Of a union's alternatives the one that failed least says best what was meant. */
const leavesOf = (issue: Issue): readonly Leaf[] => {
  if (issue.code !== "invalid_union") return [issue];
  const best = [...issue.errors].sort((a, b) => depth(b) - depth(a) || a.length - b.length)[0];
  if (best === undefined || best.length === 0) return [issue];
  return best.flatMap((inner) => leavesOf({ ...inner, path: [...issue.path, ...inner.path] }));
};
const depth = (issues: readonly Issue[]): number => Math.max(0, ...issues.map((issue) => issue.path.length));
