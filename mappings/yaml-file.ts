import { LineCounter, isNode, parseDocument } from "yaml";
import type { z } from "zod";

/** One thing wrong in a file a person wrote. */
export interface FileProblem {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** "rules.3.lines.0.amount"; empty where the text itself cannot be read. */
  readonly field: string;
  readonly message: string;
}

export type FileResult<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly FileProblem[] };

/** Parses YAML against a schema; each problem names file, line and field. */
export const parseYaml = <T extends z.ZodType>(schema: T, text: string, file: string): FileResult<z.output<T>> => {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  if (document.errors.length > 0)
    return {
      ok: false,
      problems: document.errors.map((error) => ({
        file,
        line: lines.linePos(error.pos[0]).line,
        field: "",
        message: error.message.split("\n")[0] ?? error.code,
      })),
    };
  const parsed = schema.safeParse(document.toJS());
  if (parsed.success) return { ok: true, value: parsed.data };
  const lineOf = (path: readonly PropertyKey[]): number => {
    // A field that is absent has no place of its own: its nearest container has.
    for (let length = path.length; length > 0; length -= 1) {
      const node = document.getIn(path.slice(0, length), true);
      if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
    }
    return 1;
  };
  return {
    ok: false,
    problems: parsed.error.issues.flatMap(leavesOf).map(({ path, message }) => ({
      file,
      line: lineOf(path),
      field: path.map(String).join("."),
      message,
    })),
  };
};

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
