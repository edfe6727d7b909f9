import { z } from "zod";
import { complaintsAbout, rowFormShape, rowSourceShape } from "../row-source/form-settings.ts";

const Column = z.string().min(1).max(63);
/** A transaction of the other program may last so long before its rows become visible. */
const OVERLAP_MS = 10 * 60_000;
/** The same where the cursor column counts instead of telling the time. */
const OVERLAP_COUNT = 10_000;

export const SqlForm = z
  .strictObject({
    ...rowFormShape,
    /** A view or table, with its schema: "wms.movements". */
    from: z
      .string()
      .regex(/^[^".\0]+(\.[^".\0]+)?$/, "view or schema.view")
      .optional(),
    /** Or one SELECT; it is wrapped as a sub-query, so it can be nothing else. */
    query: z.string().min(1).max(20_000).optional(),
    key: z
      .strictObject({
        /** Rises with every change of a row: a time or a running number. */
        changedAt: Column,
        /** Names a row; together with `changedAt` it orders all rows. */
        row: Column,
        /** Names the document that the row is a line of; left out where every row is a document of its own. */
        document: Column.optional(),
      })
      .optional(),
    overlapMs: z.int().min(0).default(OVERLAP_MS),
    overlapCount: z.int().min(0).default(OVERLAP_COUNT),
  })
  .superRefine((form, context) => {
    const refuse = (path: string, message: string): void => context.addIssue({ code: "custom", path: [path], message });
    for (const message of complaintsAbout(form, form.fields)) refuse("fields", message);
    if ((form.from === undefined) === (form.query === undefined)) refuse("from", "give either from or query");
    if (form.carries !== "movements" && form.carries !== "counts") return;
    if (form.key === undefined) refuse("key", "movements and counts need key");
    if (form.fields.happenedAt === undefined) refuse("fields", "happenedAt is not mapped");
  });
export type SqlForm = z.infer<typeof SqlForm>;

export const SqlSettings = z.strictObject({
  ...rowSourceShape,
  /** "verify": the server's certificate and name are checked. "off" is for a server on this machine or behind a tunnel. */
  tls: z.enum(["verify", "off"]).default("verify"),
  /** PEM of a private certification authority, trusted beside the public ones. */
  certificateAuthority: z.string().optional(),
  /** Hosts allowed although they are link-local or metadata addresses. */
  allowedHosts: z.array(z.string().min(1)).default([]),
  statementTimeoutMs: z.int().min(100).max(600_000).default(30_000),
  forms: z.record(z.string().min(1).max(200), SqlForm).default({}),
});
export type SqlSettings = z.infer<typeof SqlSettings>;

export const SqlSecrets = z.looseObject({ user: z.string().min(1), password: z.string().default("") });
export type SqlSecrets = z.infer<typeof SqlSecrets>;

export interface ServerAddress {
  readonly host: string;
  readonly port: number;
  readonly database: string;
}

const PORT = 5432;
/** @returns undefined when it is no address of a database, or carries credentials or options */
export const addressOf = (baseUrl: string): ServerAddress | undefined => {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  if (url === undefined || !/^postgres(ql)?:$/.test(url.protocol) || url.hostname === "") return undefined;
  if (url.username !== "" || url.password !== "" || url.search !== "") return undefined;
  const database = decodeURIComponent(url.pathname.slice(1));
  const host = url.hostname.replace(/^\[|\]$/g, "");
  return database === "" ? undefined : { host, port: url.port === "" ? PORT : Number(url.port), database };
};
