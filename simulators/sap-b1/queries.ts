/** Reading a set: options, paging, next links, counts (guide §3.7). */

import { parseDecimal } from "../shared/decimal.ts";
import type { JsonOut } from "../shared/json.ts";
import { invalidProperty, ServiceError, type Version } from "./errors.ts";
import { etagOf, FROZEN_ETAG } from "./etags.ts";
import { type Expression, matches, order, parseFilter, pinned } from "./filter.ts";
import { presented } from "./master-data.ts";
import { decimal, type Entry, type Row, text } from "./model.ts";
import type { Property, SetDefinition, TypeDefinition } from "./schema.ts";
import { type Spelling, writeRow } from "./values.ts";
import type { World } from "./world.ts";

export type ListRequest = {
  readonly world: World;
  readonly set: SetDefinition;
  readonly options: ReadonlyMap<string, string>;
  readonly spelling: Spelling;
  /** page size asked for by Prefer or B1S-PageSize; undefined takes the server's; 0 is no paging */
  readonly pageSize: number | undefined;
  readonly caseInsensitive: boolean;
  /** "https://host:50000/b1s/v2/" */
  readonly root: string;
};

const KNOWN_OPTIONS = new Set(["$filter", "$select", "$orderby", "$top", "$skip", "$count", "$inlinecount", "$expand"]);
/** Sent by some clients without any effect (client b1sl-python's notes; client n8n). */
const IGNORED_OPTIONS = new Set(["$maxpagesize", "$crosscompany", "$format", "sap-case-insensitive"]);

export const isDocumented = (option: string): boolean =>
  !option.startsWith("$") || KNOWN_OPTIONS.has(option) || IGNORED_OPTIONS.has(option);

/** @returns the properties to show; undefined for all */
export function parseSelect(type: TypeDefinition, given: string | undefined): ReadonlySet<string> | undefined {
  if (given === undefined || given.trim() === "*" || given.trim() === "") return undefined;
  const names = given.split(",").map((name) => name.trim());
  for (const name of names) {
    if (/^\d/.test(name)) throw new ServiceError(201, "Not supported query string");
    if (name !== "*" && !type.properties.has(name)) throw invalidProperty(name, type.name);
  }
  return names.includes("*") ? undefined : new Set(names);
}

/** Navigation properties that are served; others are refused (choice). */
const NAVIGATIONS: Readonly<Record<string, { set: string; by: string }>> = {
  BusinessPartner: { set: "BusinessPartners", by: "CardCode" },
};

export function parseExpand(given: string | undefined): string[] {
  if (given === undefined || given === "") return [];
  const names = given.split(/,(?![^(]*\))/).map((one) => one.trim().replace(/\(.*$/s, ""));
  for (const name of names) {
    if (!Object.hasOwn(NAVIGATIONS, name)) throw new ServiceError(-1000, `Navigation property '${name}' is invalid`);
  }
  return names;
}

export function writeEntity(
  world: World,
  set: SetDefinition,
  entry: Entry,
  spelling: Spelling,
  select: ReadonlySet<string> | undefined,
  expand: readonly string[] = [],
): Record<string, JsonOut> {
  const type = world.schema.type(set.type);
  const row = presented(world, set, entry);
  const frozen = select !== undefined && world.settings.selectEtagBug;
  const annotation = spelling.version === "v1" ? "odata.etag" : "@odata.etag";
  const out = {
    ...(set.etag ? { [annotation]: frozen ? FROZEN_ETAG : etagOf(entry) } : {}),
    ...writeRow(type, row, world.schema, spelling, select),
  };
  for (const name of expand) {
    const { set: other = "", by = "" } = NAVIGATIONS[name] ?? {};
    const target = world.schema.set(other);
    const found = world.store.get(other, text(row, by));
    out[name] =
      found === undefined
        ? null
        : writeRow(world.schema.type(target.type), presented(world, target, found), world.schema, spelling);
  }
  return out;
}

function filterOf(request: ListRequest): Expression | undefined {
  const source = request.options.get("$filter");
  if (source === undefined || source.trim() === "") return undefined;
  const type = request.world.schema.type(request.set.type);
  return parseFilter(source, (path) => type.properties.get(path));
}

type Found = { readonly entry: Entry; readonly row: Row };

/** @returns every record that fits, in order, before paging */
export function findAll(request: ListRequest): Found[] {
  const { world, set, caseInsensitive } = request;
  const filter = filterOf(request);
  const found: Found[] = [];
  for (const entry of candidates(request, filter)) {
    const row = presented(world, set, entry);
    if (filter === undefined || matches(filter, (path) => valueAt(row, path), caseInsensitive))
      found.push({ entry, row });
  }
  return sorted(request, found);
}

const valueAt = (row: Row, path: string): Row[string] => row[path];

/** Kinds whose records show more than they hold: an index over what they hold would miss. */
const COMPUTED = new Set(["Items", "ChartOfAccounts", "BusinessPartners"]);

function candidates({ world, set, caseInsensitive }: ListRequest, filter: Expression | undefined): Iterable<Entry> {
  const table = world.store.table(set.name);
  const pin = filter === undefined || caseInsensitive || COMPUTED.has(set.name) ? undefined : pinned(filter);
  if (pin === undefined || pin.property.initial !== undefined) return table.entries.values();
  const keys = new Set(pin.values.flatMap((value) => table.keysWith(pin.path, stored(pin.property, value))));
  return [...keys].flatMap((key) => table.entries.get(key) ?? []);
}

function stored(property: Property, value: string): string | number {
  if (property.kind === "int") return Number(value);
  return property.kind === "double" ? decimal(parseDecimal(value) ?? 0n) : value;
}

function sorted({ world, set, options, caseInsensitive }: ListRequest, found: Found[]): Found[] {
  const type = world.schema.type(set.type);
  const terms = (options.get("$orderby") ?? "")
    .split(",")
    .filter((term) => term.trim() !== "")
    .map((term) => {
      const [name = "", direction = "asc", more] = term.trim().split(/\s+/);
      const property = type.properties.get(name);
      if (property === undefined || property.kind === "list")
        throw new ServiceError(201, `Property '${name}' is invalid`);
      if (more !== undefined || (direction !== "asc" && direction !== "desc")) {
        throw new ServiceError(201, "Not supported query string");
      }
      return { property, sign: direction === "desc" ? -1 : 1 };
    });
  const keys = set.keys.flatMap((name) => type.properties.get(name) ?? []);
  const all = [...terms, ...keys.map((property) => ({ property, sign: 1 }))];
  return found.toSorted((left, right) => {
    for (const { property, sign } of all) {
      const by = order(property, left.row[property.name], right.row[property.name], caseInsensitive);
      if (by !== 0) return by * sign;
    }
    return 0;
  });
}

export function wholeOption(options: ReadonlyMap<string, string>, name: string): number | undefined {
  const given = options.get(name);
  if (given === undefined || given === "") return undefined;
  if (!/^\d{1,9}$/.test(given.trim())) throw new ServiceError(201, "Not supported query string");
  return Number(given);
}

/** `$inlinecount=allpages` (v1) and `$count=true` (v2); the first is honoured on v2 too (choice, for client B1SLayer). */
function wantsCount(options: ReadonlyMap<string, string>): boolean {
  const inline = options.get("$inlinecount");
  if (inline !== undefined && inline !== "allpages" && inline !== "none") {
    throw new ServiceError(201, "Not supported query string");
  }
  return inline === "allpages" || options.get("$count") === "true";
}

export type Page = { readonly value: JsonOut; readonly rows: JsonOut[] };

export function listPage(request: ListRequest, shuffle?: (rows: JsonOut[]) => JsonOut[]): JsonOut {
  const { world, set, options, spelling } = request;
  for (const name of options.keys()) {
    if (!isDocumented(name)) throw new ServiceError(201, "Not supported query string");
  }
  const type = world.schema.type(set.type);
  const select = parseSelect(type, options.get("$select"));
  const expand = parseExpand(options.get("$expand"));
  const found = findAll(request);
  const page = pageOf(request, found.length);
  const rows = found
    .slice(page.from, page.until)
    .map(({ entry }): JsonOut => writeEntity(world, set, entry, spelling, select, expand));
  const names = spelling.version === "v1" ? V1_NAMES : V2_NAMES;
  const count = spelling.version === "v1" ? String(found.length) : found.length;
  return {
    [names.context]: `${request.root}$metadata#${set.name}`,
    ...(wantsCount(options) ? { [names.count]: count } : {}),
    value: shuffle?.(rows) ?? rows,
    ...(page.next === undefined ? {} : { [names.next]: page.next }),
  };
}

const V1_NAMES = { context: "odata.metadata", count: "odata.count", next: "odata.nextLink" };
const V2_NAMES = { context: "@odata.context", count: "@odata.count", next: "@odata.nextLink" };

export const contextName = (version: Version): string => (version === "v1" ? V1_NAMES : V2_NAMES).context;

/** The next link is left out when $top fits into one page, even if more rows match (client b1sl-python's changelog). */
function pageOf(request: ListRequest, total: number): { from: number; until: number; next: string | undefined } {
  const { options, world } = request;
  const [from, top] = [wholeOption(options, "$skip") ?? 0, wholeOption(options, "$top")];
  const size = request.pageSize ?? world.settings.pageSize;
  const wanted = Math.min(total, top === undefined ? total : from + top);
  const until = size === 0 ? wanted : Math.min(wanted, from + size);
  if (until >= wanted) return { from, until, next: undefined };
  const rest = top === undefined ? undefined : top - (until - from);
  return { from, until, next: nextLink(request, until, rest) };
}

/** The default form suits every known client: relative, no leading slash, a literal `$skip`, other values encoded. */
export function nextLink(request: ListRequest, skip: number, top: number | undefined): string {
  const { nextLinkStyle } = request.world.settings;
  const kept = [...request.options].filter(([name]) => name !== "$skip" && name !== "$top");
  const dropped =
    nextLinkStyle === "dropFilters" ? kept.filter(([name]) => name !== "$filter" && name !== "$select") : kept;
  const parts = [
    ...dropped.map(([name, value]) => `${name}=${encodeURIComponent(value).replaceAll("'", "%27")}`),
    ...(top === undefined ? [] : [`$top=${top}`]),
    `$skip=${skip}`,
  ];
  const link = `${request.set.name}?${parts.join("&")}`;
  return nextLinkStyle === "absolutePath" ? new URL(request.root).pathname + link : link;
}
