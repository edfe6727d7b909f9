import { readFileSync, readdirSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import type { SourceFile } from "./source-text.ts";

export const checkout = fileURLToPath(new URL("../..", import.meta.url));

const NOT_OURS = new Set(["node_modules", "dist", ".git", ".zhangshi", "__pycache__"]);
const TEXT =
  /\.(ts|tsx|mts|mjs|js|json|ya?ml|md|sql|sh|html|css|csv|toml)$|(^|\/)(run|Dockerfile|\.npmrc|\.gitignore|\.dockerignore)$/;

/** Every text file of the checkout that is ours, as it stands now. */
export function textFiles(): SourceFile[] {
  return pathsBelow(checkout)
    .map((path) => relative(checkout, path).split(sep).join("/"))
    .filter((path) => TEXT.test(path))
    .map((path) => ({ path, text: readFileSync(join(checkout, path), "utf8") }));
}

export function sources(files: readonly SourceFile[]): SourceFile[] {
  return files.filter(({ path }) => path.endsWith(".ts") && !path.endsWith(".d.ts"));
}

function pathsBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (NOT_OURS.has(entry.name)) return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return pathsBelow(path);
    return entry.isFile() ? [path] : [];
  });
}
