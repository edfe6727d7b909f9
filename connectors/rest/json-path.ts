import type { Cells } from "../row-source/document.ts";
import type { RawValue } from "../row-source/values.ts";

/** What lies at a dotted path; own properties only, so that no name reaches the prototype. */
export const valueAt = (root: unknown, path: string): unknown => {
  let value = root;
  for (const step of path === "" ? [] : path.split(".")) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, step)) return undefined;
    value = Object.getOwnPropertyDescriptor(value, step)?.value;
  }
  return value;
};

/** The text at a path; "" where there is none, or something that is no plain value. */
export const textAt = (root: unknown, path: string): string => {
  const value = valueAt(root, path);
  return typeof value === "string" ? value : typeof value === "boolean" ? String(value) : "";
};

/** A list at a path; one record alone counts as a list of one. @returns undefined when it is neither */
export const listAt = (root: unknown, path: string): readonly unknown[] | undefined => {
  const value = valueAt(root, path);
  if (Array.isArray(value)) return value;
  if (value === null || value === undefined) return [];
  return typeof value === "object" ? [value] : undefined;
};

/** Numbers are text already (see `parseVendorJson`). What is no plain value can be neither a code nor a number nor a day. */
export const cellsOf =
  (record: unknown): Cells =>
  (path): RawValue => {
    const value = valueAt(record, path);
    if (value === undefined || value === null) return undefined;
    if (typeof value === "string") return value;
    if (typeof value === "boolean") return String(value);
    return { double: (JSON.stringify(value) ?? "").slice(0, 200) };
  };
