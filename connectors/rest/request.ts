import type { VendorRequest } from "../transport/vendor-http.ts";
import { exactNumber, writeVendorJson } from "../transport/json.ts";
import type { RestForm, RestSettings } from "./settings.ts";
import { type Parameters, recipes } from "./signatures.ts";
import { writeTime } from "./times.ts";

export interface RequestParts {
  readonly settings: RestSettings;
  readonly secrets: Readonly<Record<string, string>>;
  readonly now: Date;
  readonly form: Pick<RestForm, "request">;
  /** Instead of the form's own path. */
  readonly path?: string | undefined;
  /** Paging, window and ids: added to the form's own parameters. */
  readonly parameters: Readonly<Record<string, string>>;
}
type Value = string | number | boolean | null | readonly string[];

/** Writes one request: parameters where they belong, time stamp and signature with them. */
export const writeRequest = (
  parts: RequestParts,
): Pick<VendorRequest, "path" | "method" | "body"> & { contentType: string } => {
  const { settings, form } = parts;
  const { request } = form;
  const own: Record<string, Value> = { ...request.parameters, ...parts.parameters };
  const common = commonOf(parts);
  const path = parts.path ?? request.path;
  const inOne = request.wrapIn === undefined ? own : { [request.wrapIn]: writeVendorJson(nested(own)) };
  if (request.encoding === "json") {
    const separate = settings.commonIn === "query";
    const body = writeVendorJson(nested(separate ? inOne : { ...common, ...inOne }));
    const signature = signatureOf(parts, separate ? common : textsOf({ ...common, ...inOne }), body);
    if (separate)
      return { method: "POST", path: withQuery(path, { ...common, ...signature }), body, contentType: JSON_TYPE };
    const signed = writeVendorJson(nested({ ...common, ...inOne, ...signature }));
    return { method: "POST", path: withQuery(path, {}), body: signed, contentType: JSON_TYPE };
  }
  const texts = textsOf({ ...common, ...inOne });
  const all = { ...texts, ...signatureOf(parts, texts, "") };
  if (request.encoding === "query")
    return { method: request.method, path: withQuery(path, all), contentType: JSON_TYPE };
  const inQuery = settings.commonIn === "query" ? Object.keys({ ...common, ...signatureOf(parts, texts, "") }) : [];
  const pick = (wanted: boolean): Parameters =>
    Object.fromEntries(Object.entries(all).filter(([name]) => inQuery.includes(name) === wanted));
  return {
    method: "POST",
    path: withQuery(path, pick(true)),
    body: new URLSearchParams(pick(false)).toString(),
    contentType: "application/x-www-form-urlencoded;charset=utf-8",
  };
};

const JSON_TYPE = "application/json;charset=utf-8";

const commonOf = ({ settings, secrets, now }: RequestParts): Parameters => {
  const { signing } = settings;
  const fromSecrets = Object.entries(settings.commonSecrets).map(([name, secret]) => [name, secrets[secret] ?? ""]);
  return {
    ...settings.common,
    ...Object.fromEntries(fromSecrets),
    ...(signing === undefined
      ? {}
      : { [signing.timestampParameter]: writeTime(now, signing.timestampFormat, settings.zone) }),
  };
};

const signatureOf = ({ settings, secrets }: RequestParts, parameters: Parameters, body: string): Parameters => {
  const { signing } = settings;
  if (signing === undefined) return {};
  return { [signing.signParameter]: recipes[signing.recipe](parameters, body, secrets[signing.secret] ?? "") };
};

const textsOf = (values: Readonly<Record<string, Value>>): Parameters =>
  Object.fromEntries(
    Object.entries(values)
      .filter(([, value]) => value !== null)
      .map(([name, value]) => [name, Array.isArray(value) ? value.join(",") : String(value)]),
  );

/** The address keeps what stands in it already. */
const withQuery = (path: string, parameters: Parameters): string => {
  const query = new URLSearchParams(parameters).toString();
  const relative = path.replace(/^\/+/, "");
  return query === "" ? relative : `${relative}${relative.includes("?") ? "&" : "?"}${query}`;
};

/** "pager.page_no" is a name inside an object. Whole numbers that we count ourselves are written as numbers. */
const nested = (values: Readonly<Record<string, Value>>): unknown => {
  const root = new Map<string, unknown>();
  for (const [name, value] of Object.entries(values)) {
    const steps = name.split(".");
    let level = root;
    for (const step of steps.slice(0, -1)) {
      const inner = level.get(step);
      const next = inner instanceof Map ? inner : new Map<string, unknown>();
      level.set(step, next);
      level = next;
    }
    level.set(steps.at(-1) ?? name, typeof value === "number" ? exactNumber(String(value)) : value);
  }
  return plain(root);
};
const plain = (value: unknown): unknown =>
  value instanceof Map ? Object.fromEntries([...value].map(([name, inner]) => [String(name), plain(inner)])) : value;
