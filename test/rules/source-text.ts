/** One file of the project as text. `path` is relative to the checkout, with forward slashes. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

export interface Import {
  readonly specifier: string;
  /** True when only types cross: nothing is loaded at run time. */
  readonly typeOnly: boolean;
}

// A statement begins a line or follows a semicolon; that keeps texts that mention imports out.
const FROM = /(?:^|;)[ \t]*(import|export)\s+(type\s+)?([^"';]*?)\s*from\s*(["'])([^"']+)\4/gm;
const BARE = /(?:^|;)[ \t]*import\s*(["'])([^"']+)\1/gm;
const DYNAMIC = /(typeof\s+)?\bimport\(\s*(["'])([^"']+)\2\s*[,)]/g;

/** Every module that a file imports or re-exports. */
export function importsOf(text: string): Import[] {
  const code = withoutComments(text);
  const found: Import[] = [];
  for (const [, , type, names = "", , specifier = ""] of code.matchAll(FROM)) {
    found.push({ specifier, typeOnly: type !== undefined || namesOnlyTypes(names) });
  }
  for (const [, , specifier = ""] of code.matchAll(BARE)) found.push({ specifier, typeOnly: false });
  for (const [, type, , specifier = ""] of code.matchAll(DYNAMIC))
    found.push({ specifier, typeOnly: type !== undefined });
  return found;
}

/** `{ type A, type B }` loads nothing; `{}` and anything with a value does. */
function namesOnlyTypes(names: string): boolean {
  const inner = /^\{([^}]*)\}$/.exec(names.trim())?.[1];
  if (inner === undefined) return false;
  const parts = inner
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
  return parts.length > 0 && parts.every((part) => part.startsWith("type "));
}

/**
 * The code without its comments, line by line where it was. Strings, templates and regular expressions are passed over, so
 * that a "//" inside an address does not end the line.
 */
export function withoutComments(text: string): string {
  const token =
    /\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\[\s\S]|[^`\\])*`|(?<=(?:^|[=(,:[!&|?{};]|return|=>)\s*)\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*/g;
  return text.replace(token, (piece) =>
    piece.startsWith("//") || piece.startsWith("/*") ? piece.replace(/[^\n]/g, " ") : piece,
  );
}
