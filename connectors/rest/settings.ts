import { z } from "zod";
import { complaintsAbout, Fields, rowFormShape, rowSourceShape } from "../row-source/form-settings.ts";
import { recipeNames } from "./signatures.ts";

const MEGABYTE = 1024 * 1024;
const HOUR_MS = 3_600_000;

/** A dotted path into JSON: "data.list", "goods.0.sku"; "" is the whole. */
const Path = z.string().max(200);
const Name = z.string().min(1).max(200);
const OneOf = z.strictObject({ path: Path, in: z.array(z.string()).min(1) });
const Parameter = z.union([z.string(), z.number(), z.boolean(), z.array(z.string()), z.null()]);
const TimeFormat = z.enum(["local", "iso", "epoch-seconds", "epoch-milliseconds"]);
export type TimeFormat = z.infer<typeof TimeFormat>;

const Auth = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("none") }),
  /** Secret `token`. */
  z.strictObject({
    kind: z.literal("header"),
    name: Name.default("Authorization"),
    prefix: z.string().default("Bearer "),
  }),
  /** Secrets `user` and `password`. */
  z.strictObject({ kind: z.literal("basic") }),
  /** Secrets `clientId` and `clientSecret`. */
  z.strictObject({
    kind: z.literal("oauth2"),
    tokenUrl: z.url({ protocol: /^https?$/ }),
    scope: z.string().optional(),
    credentialsIn: z.enum(["body", "header"]).default("body"),
  }),
]);

const Signing = z.strictObject({
  recipe: z.enum(recipeNames),
  /** Name of the secret. */
  secret: Name.default("appSecret"),
  signParameter: Name.default("sign"),
  timestampParameter: Name.default("timestamp"),
  timestampFormat: TimeFormat.default("epoch-seconds"),
});
export type Signing = z.infer<typeof Signing>;

const Paging = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("none") }),
  z.strictObject({ kind: z.literal("page"), parameter: Name, first: z.int().min(0).max(1).default(1) }),
  z.strictObject({ kind: z.literal("offset"), parameter: Name }),
  /** The answer says where to go on; `resumes`: also the next sync goes on there, as with a feed of changes. */
  z.strictObject({ kind: z.literal("cursor"), parameter: Name, from: Path, resumes: z.boolean().default(false) }),
  /** The answer holds the address of the next page: at a path, or in the header Link (rel="next"). */
  z.strictObject({ kind: z.literal("link"), from: Path.default("") }),
]);
export type Paging = z.infer<typeof Paging>;

const Window = z.strictObject({
  fromParameter: Name,
  toParameter: Name,
  format: TimeFormat.default("local"),
  /** The longest span that the other side takes. */
  spanMs: z
    .int()
    .min(1_000)
    .default(24 * HOUR_MS),
  /** Nothing before this day is asked for. */
  startOn: z.string().regex(/^\d{4}-\d{2}-\d{2}$/),
  /** Which time of a record the span is about. */
  time: Path,
  overlapMs: z
    .int()
    .min(0)
    .default(10 * 60_000),
});
export type Window = z.infer<typeof Window>;

const Request = z.strictObject({
  method: z.enum(["GET", "POST"]).default("GET"),
  /** Below the address of the connection. */
  path: z.string().max(500),
  /** Where parameters go. */
  encoding: z.enum(["query", "form", "json"]).default("query"),
  parameters: z.record(Name, Parameter).default({}),
  /** The parameters of the request as JSON in one parameter of this name ("biz"). */
  wrapIn: Name.optional(),
});

export const RestForm = z
  .strictObject({
    ...rowFormShape,
    request: Request,
    /** Where the list of records is. */
    records: Path,
    paging: Paging.default({ kind: "none" }),
    pageSize: z.int().min(1).max(10_000).default(100),
    pageSizeParameter: Name.optional(),
    /** Where the answer says how many records there are, or whether more follow; else a short page is the last. */
    total: Path.optional(),
    more: OneOf.optional(),
    window: Window.optional(),
    /** Lines inside a record; without it a record is its own only line. */
    lines: z.strictObject({ path: Path, fields: Fields }).optional(),
    /** How records are asked for by id: "{id}" in the path, or ids in a parameter. */
    byId: z
      .strictObject({
        path: z.string().max(500).optional(),
        parameter: Name.optional(),
        joinWith: z.string().default(","),
        max: z.int().min(1).max(1_000).default(1),
        /** Where the record, or the list of them, is in that answer; `records` when left out. */
        records: Path.optional(),
      })
      .optional(),
  })
  .superRefine((form, context) => {
    const refuse = (path: string, message: string): void => context.addIssue({ code: "custom", path: [path], message });
    for (const message of complaintsAbout(form, { ...form.fields, ...form.lines?.fields })) refuse("fields", message);
    if (form.byId !== undefined && form.byId.path === undefined && form.byId.parameter === undefined)
      refuse("byId", "give path or parameter");
    if (form.carries !== "movements" && form.carries !== "counts") return;
    if (form.fields.happenedAt === undefined && form.lines?.fields.happenedAt === undefined)
      refuse("fields", "happenedAt is not mapped");
  });
export type RestForm = z.infer<typeof RestForm>;

const Push = z.strictObject({
  signature: z.discriminatedUnion("kind", [
    /** Over the body, or over the time stamp, a separator and the body. */
    z.strictObject({
      kind: z.literal("hmac"),
      algorithm: z.enum(["sha256", "sha1", "md5"]).default("sha256"),
      header: Name,
      prefix: z.string().default(""),
      encoding: z.enum(["hex", "base64"]).default("hex"),
      timestampBefore: z.string().optional(),
    }),
    /** Over the query's parameters and the body, as the system signs requests. */
    z.strictObject({ kind: z.literal("recipe"), recipe: z.enum(recipeNames), parameter: Name.default("sign") }),
  ]),
  /** Where the time stamp is; without one a push is as good as its signature, however old. */
  timestamp: z.strictObject({ in: z.enum(["header", "query"]), name: Name, format: TimeFormat }).optional(),
  windowMs: z
    .int()
    .min(1_000)
    .default(15 * 60_000),
  /** The header with the delivery's id; without it, equal bodies are one delivery. */
  deliveryHeader: Name.optional(),
  /** Which form a push is about: a constant, or by what the body says at a path. */
  form: z.union([Name, z.strictObject({ path: Path, names: z.record(Name, Name) })]),
  recordId: Path,
  removedWhen: OneOf.optional(),
});
export type PushSettings = z.infer<typeof Push>;

export const RestSettings = z
  .strictObject({
    ...rowSourceShape,
    auth: Auth.default({ kind: "none" }),
    signing: Signing.optional(),
    /** Sent with every request and signed with it. */
    common: z.record(Name, z.string()).default({}),
    /** The same, by the name of the secret that holds the value: { access_token: accessToken }. */
    commonSecrets: z.record(Name, Name).default({}),
    /** "query": common parameters stand in the address although the request has a body. */
    commonIn: z.enum(["same", "query"]).default("same"),
    /** An answer with HTTP 200 counts only when it says one of these. */
    success: OneOf.optional(),
    message: Path.optional(),
    throttled: OneOf.optional(),
    loginRefused: OneOf.optional(),
    push: Push.optional(),
    certificateAuthority: z.string().optional(),
    allowedHosts: z.array(z.string().min(1)).default([]),
    timeoutMs: z.int().min(1_000).max(110_000).default(30_000),
    answerBytesMax: z
      .int()
      .positive()
      .default(32 * MEGABYTE),
    /** Pages in one window; a fuller one is read in halves. */
    pagesMax: z.int().min(1).max(1_000).default(50),
    forms: z.record(z.string().min(1).max(200), RestForm).default({}),
  })
  .superRefine(({ push, forms }, context) => {
    const names =
      push === undefined ? [] : typeof push.form === "string" ? [push.form] : Object.values(push.form.names);
    for (const name of names)
      if (!Object.hasOwn(forms, name))
        context.addIssue({ code: "custom", path: ["push", "form"], message: `no form ${name}` });
  });
export type RestSettings = z.infer<typeof RestSettings>;
