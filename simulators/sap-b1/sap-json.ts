/**
 * JSON as Service Layer writes it: three blanks of indent, `"key" : value`, one LF at the end. Some integrators search raw
 * bodies for `"code" : -1116`, and a captured error measures its declared length only under this formatting.
 */

import { type JsonOut, JsonNumber, writeJson } from "../shared/json.ts";

const INDENT = "   ";

export type JsonStyle = "sap3" | "compact";

export function sapJson(value: JsonOut, style: JsonStyle = "sap3"): string {
  return style === "compact" ? `${writeJson(value)}\n` : `${write(value, "")}\n`;
}

function write(value: JsonOut, indent: string): string {
  if (value === null || typeof value !== "object" || value instanceof JsonNumber) return scalar(value);
  const inner = indent + INDENT;
  if (isList(value)) {
    if (value.length === 0) return "[]";
    return `[\n${value.map((item) => inner + write(item, inner)).join(",\n")}\n${indent}]`;
  }
  const members: string[] = [];
  for (const [key, member] of Object.entries(value)) {
    if (member !== undefined) members.push(`${inner}${JSON.stringify(key)} : ${write(member, inner)}`);
  }
  return members.length === 0 ? "{}" : `{\n${members.join(",\n")}\n${indent}}`;
}

/** The text `HTTP/` must not stand in a body: clients that read batch answers split on it. */
function scalar(value: JsonOut): string {
  return writeJson(value).replaceAll("HTTP/", "HTTP\\/");
}

function isList(value: JsonOut): value is readonly JsonOut[] {
  return Array.isArray(value);
}
