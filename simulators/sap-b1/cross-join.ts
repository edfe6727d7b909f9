/** `$crossjoin` and QueryService_PostQuery: the way to filter lines (guide §3.7.9, §3.7.10). */

import type { JsonOut } from "../shared/json.ts";
import { jsonAnswer, type ServiceAnswer } from "./answers.ts";
import { invalidProperty, ServiceError } from "./errors.ts";
import { type Expression, matches, parseFilter } from "./filter.ts";
import { presented } from "./master-data.ts";
import { list, type Row, scalarText, text } from "./model.ts";
import { contextName, wholeOption } from "./queries.ts";
import { parseOptions } from "./resource-path.ts";
import type { Property, TypeDefinition } from "./schema.ts";
import { type ServiceRequest, spellingOf } from "./service.ts";
import type { JsonStyle } from "./sap-json.ts";
import { isRecord, type Spelling, writeRow } from "./values.ts";
import type { World } from "./world.ts";

/** Combinations looked at before the query is refused. */
const PAIRS_MAX = 2_000_000;

type Side = {
  /** "Orders" or "Orders/DocumentLines" */
  readonly name: string;
  readonly type: TypeDefinition;
  readonly rows: readonly Row[];
};

export function runCrossJoin(
  world: World,
  names: string,
  options: ReadonlyMap<string, string>,
  request: ServiceRequest,
  style: JsonStyle,
): ServiceAnswer {
  return jsonAnswer(request.version, style, joined(world, names, options, request));
}

export function runPostQuery(world: World, body: unknown, request: ServiceRequest): JsonOut {
  const [path, options] = isRecord(body) ? [body["QueryPath"], body["QueryOption"]] : [];
  const found = typeof path === "string" ? /^\$crossjoin\((.*)\)$/s.exec(path) : null;
  if (found === null || typeof options !== "string") throw new ServiceError(-1000, "invalid $crossjoin query");
  return joined(world, found[1] ?? "", parseOptions(options), request);
}

function joined(world: World, names: string, options: ReadonlyMap<string, string>, request: ServiceRequest): JsonOut {
  const expand = options.get("$expand");
  if (expand === undefined) throw new ServiceError(-1000, "invalid $crossjoin query");
  const sides = names.split(",").map((name) => sideOf(world, name.trim()));
  const shown = selections(expand, sides);
  const source = options.get("$filter");
  const filter =
    source === undefined || source === "" ? undefined : parseFilter(source, (path) => propertyAt(sides, path));
  const spelling = spellingOf(world, request.version);
  const all = [...combinations(sides, filter)].map((rows) => written(world, sides, rows, shown, spelling));
  const from = wholeOption(options, "$skip") ?? 0;
  const until = from + (wholeOption(options, "$top") ?? all.length);
  const context = `${request.root}$metadata#Collection(Edm.ComplexType)`;
  return { [contextName(request.version)]: context, value: all.slice(from, until) };
}

function sideOf(world: World, name: string): Side {
  const [setName = "", property] = name.split("/");
  const set = world.schema.sets.get(setName);
  if (set === undefined) throw new ServiceError(-1000, "invalid $crossjoin query");
  const type = world.schema.type(set.type);
  const entries = [...world.store.rows(setName)].map(([, entry]) => presented(world, set, entry));
  if (property === undefined) return { name, type, rows: entries };
  const of = type.properties.get(property);
  if (of?.kind !== "list") throw invalidProperty(property, set.type);
  // A line knows its document by the document's own key.
  const keys = set.keys.flatMap((key) => type.properties.get(key) ?? []);
  const member = world.schema.type(of.of ?? "");
  const properties = new Map([...keys.map((key): [string, Property] => [key.name, key]), ...member.properties]);
  const rows = entries.flatMap((entry) =>
    list(entry, property).map((line) => ({
      ...line,
      ...Object.fromEntries(keys.map(({ name: key }) => [key, entry[key]])),
    })),
  );
  return { name, type: { name: member.name, properties }, rows };
}

/** @returns the side that a path begins with (the longest name counts), and the property behind it */
function splitPath(sides: readonly Side[], path: string): { side: Side; name: string } | undefined {
  const side = sides
    .filter(({ name }) => path.startsWith(`${name}/`))
    .toSorted((left, right) => right.name.length - left.name.length)[0];
  return side === undefined ? undefined : { side, name: path.slice(side.name.length + 1) };
}

function propertyAt(sides: readonly Side[], path: string): Property | undefined {
  const found = splitPath(sides, path);
  return found?.side.type.properties.get(found.name);
}

function selections(expand: string, sides: readonly Side[]): Map<string, readonly string[] | undefined> {
  const shown = new Map<string, readonly string[] | undefined>();
  for (const one of expand.split(/,(?![^(]*\))/)) {
    const found = /^\s*([\w/]+)\s*(?:\(\s*\$select=([^)]*)\))?\s*$/.exec(one);
    const side = sides.find(({ name }) => name === found?.[1]);
    if (found === null || side === undefined) throw new ServiceError(-1000, "invalid $crossjoin query");
    const names = found[2]?.split(",").map((name) => name.trim());
    for (const name of names ?? []) {
      if (!side.type.properties.has(name)) throw invalidProperty(name, side.type.name);
    }
    shown.set(side.name, names);
  }
  return shown;
}

/** Equal keys are joined by a map, so that a document meets its own lines only; the rest is looked at one by one. */
function* combinations(sides: readonly Side[], filter: Expression | undefined): Generator<readonly Row[]> {
  let partial: Row[][] = [[]];
  let looked = 0;
  for (const [index, side] of sides.entries()) {
    const before = sides.slice(0, index);
    const link = filter === undefined ? undefined : linkTo(filter, before, side);
    const buckets = link === undefined ? undefined : bucketsOf(side.rows, link.own);
    const next: Row[][] = [];
    for (const rows of partial) {
      const other = link === undefined ? undefined : rows[link.at]?.[link.theirs];
      const matching = buckets === undefined ? side.rows : (buckets.get(scalarText(other)) ?? []);
      looked += matching.length;
      if (looked > PAIRS_MAX) throw new ServiceError(-1000, "The $crossjoin query yields too many combinations");
      for (const row of matching) next.push([...rows, row]);
    }
    partial = next;
  }
  for (const rows of partial) {
    const look = (path: string): Row[string] => {
      const found = splitPath(sides, path);
      return found === undefined ? undefined : rows[sides.indexOf(found.side)]?.[found.name];
    };
    if (filter === undefined || matches(filter, look, false)) yield rows;
  }
}

function bucketsOf(rows: readonly Row[], name: string): Map<string, Row[]> {
  const buckets = new Map<string, Row[]>();
  for (const row of rows) {
    const key = text(row, name);
    const bucket = buckets.get(key);
    if (bucket === undefined) buckets.set(key, [row]);
    else bucket.push(row);
  }
  return buckets;
}

function linkTo(
  filter: Expression,
  before: readonly Side[],
  side: Side,
): { at: number; theirs: string; own: string } | undefined {
  if (filter.kind === "and") return linkTo(filter.left, before, side) ?? linkTo(filter.right, before, side);
  if (filter.kind !== "compare" || filter.operator !== "eq") return undefined;
  const { left, right } = filter;
  if (left.kind !== "path" || right.kind !== "path") return undefined;
  const all = [...before, side];
  const [first, second] = [splitPath(all, left.path), splitPath(all, right.path)];
  if (first === undefined || second === undefined) return undefined;
  const [own, other] = first.side === side ? [first, second] : [second, first];
  const at = before.indexOf(other.side);
  return own.side !== side || at < 0 ? undefined : { at, theirs: other.name, own: own.name };
}

function written(
  world: World,
  sides: readonly Side[],
  rows: readonly Row[],
  shown: ReadonlyMap<string, readonly string[] | undefined>,
  spelling: Spelling,
): JsonOut {
  const out: Record<string, JsonOut> = {};
  sides.forEach((side, index) => {
    if (!shown.has(side.name)) return;
    const names = shown.get(side.name);
    out[side.name] = writeRow(side.type, rows[index] ?? {}, world.schema, spelling, names && new Set(names));
  });
  return out;
}
