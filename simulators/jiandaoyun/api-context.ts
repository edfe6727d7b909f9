import { z } from "zod";
import type { ArmedFault } from "../shared/faults.ts";
import { VendorError } from "./errors.ts";
import type { Json } from "./json.ts";
import type { RenderContext } from "./records.ts";
import type { ApiKey, FormTable, Store } from "./store.ts";
import type { Switches } from "./switches.ts";
import { COMPANY_CREATOR, type Writing } from "./writes.ts";

/** What every interface of the vendor's API works with. */
export interface ApiContext {
  readonly store: Store;
  readonly switches: Switches;
  /** "http://127.0.0.1:1234" */
  readonly origin: string;
  readonly key: ApiKey;
  /** The kinds of fault that only the interface itself can act out. */
  readonly fault: ArmedFault | undefined;
  /** Tells the pushes about a workflow step; API writes themselves never push. */
  readonly onWorkflowStep: (instanceId: string) => void;
  /** Upload tokens that were given out and not used yet. */
  readonly uploadTokens: Map<string, UploadToken>;
}

export interface UploadToken {
  readonly transactionId: string | null;
  readonly expiresAt: number;
}

export type Body = { readonly [name: string]: Json };

export interface Interface {
  /** Below `/api/`, with `:name` for a part that differs from call to call. */
  readonly path: string;
  /** The verb that faults and counters use. */
  readonly operation: string;
  /** Calls a second for the whole company. */
  readonly rate: number;
  readonly effect: "read" | "write" | "create";
  handle(body: Body, context: ApiContext): unknown;
}

const FormAddress = z.object({ app_id: z.string(), entry_id: z.string() });

/** Parses a request; whatever is missing or of the wrong type is 17017. */
export function read<Schema extends z.ZodType>(schema: Schema, body: unknown): z.infer<Schema> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new VendorError(17017, `${issue?.path.join(".") ?? ""} ${issue?.message ?? ""}`);
}

/** The form that a request addresses. @throws VendorError 17017, 17053, 2004, 3000 */
export function tableOf(body: Body, context: ApiContext): FormTable {
  const address = read(FormAddress, body);
  checkApp(address.app_id, context);
  const table = context.store.tables.get(address.entry_id);
  if (table?.form.appId !== address.app_id) throw new VendorError(3000);
  return table;
}

/** @throws VendorError 17053 outside the key's apps, 2004 for an unknown one */
export function checkApp(appId: string, { key, store }: ApiContext): void {
  if (key.apps !== undefined && !key.apps.includes(appId)) throw new VendorError(17053);
  if (!store.apps.has(appId)) throw new VendorError(2004);
}

export function rendering(context: ApiContext): RenderContext {
  return { store: context.store, origin: context.origin, shape: "api" };
}

export function writing(
  table: FormTable,
  context: ApiContext,
  request: { data_creator?: string | undefined; transaction_id?: string | undefined },
): Writing {
  const by = request.data_creator ?? COMPANY_CREATOR;
  if (!context.store.members.has(by)) throw new VendorError(1010, by);
  return {
    store: context.store,
    table,
    switches: context.switches,
    face: "api",
    by,
    at: context.store.clock.now(),
    transactionId: request.transaction_id,
  };
}
