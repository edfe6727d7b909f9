import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import type { Client } from "@temporalio/client";
import type { Database } from "../db/database.ts";
import { type InboxEntry, receivePush } from "../db/source-store.ts";
import { type ErrorCode, ZhangshiError } from "../domain/errors.ts";
import type { Installation } from "../domain/installation.ts";
import { NUDGE, WORKFLOW_QUEUE, syncsOf } from "../domain/procedures.ts";
import { type Log, logAbout } from "../observability/log.ts";
import { searchAttributesOf } from "../workflows/search-attributes.ts";

/** What this server needs of a source: it says whether a push is genuine, and what it is about. */
export interface PushVerifier {
  /** @throws ZhangshiError PUSH_SIGNATURE_WRONG, PUSH_TOO_OLD, PUSH_UNREADABLE */
  verifyPush(
    headers: Readonly<Record<string, string>>,
    query: Readonly<Record<string, string>>,
    rawBody: Buffer,
  ): InboxEntry;
}

export interface WebhookSettings {
  /** 0: any free port. */
  readonly port: number;
  readonly host?: string;
  readonly database: Database;
  /** @throws ZhangshiError CONNECTION_UNKNOWN */
  readonly sources: (company: string, source: string) => PushVerifier;
  /** Tells the source's sync that something waits in its inbox. */
  readonly nudge: (company: string, source: string) => Promise<void>;
  readonly log: Log;
}

export interface WebhookServer {
  readonly port: number;
  readonly close: () => Promise<void>;
}

const BODY_BYTES_MAX = 2 * 1024 * 1024;
const REQUEST_LIMIT_MS = 30_000;
const CONNECTIONS_MAX = 200;

/**
 * Takes pushes of the warehouse systems: POST /webhooks/{company}/{source}. A genuine push goes into the inbox and nudges
 * the sync; it is a hint, what counts is what the source then shows.
 */
export async function startWebhooks(settings: WebhookSettings): Promise<WebhookServer> {
  const server = createServer((request, response) => {
    answer(settings, request).then(
      ({ status, word }) => reply(response, status, word),
      (error: unknown) => {
        settings.log.error({ err: error }, "a push was not taken");
        reply(response, 500, "error");
      },
    );
  });
  server.requestTimeout = REQUEST_LIMIT_MS;
  server.maxConnections = CONNECTIONS_MAX;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(settings.port, settings.host ?? "0.0.0.0", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the webhook server has no port");
  return {
    port: address.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
      }),
  };
}

/** Nudges the sync of a source, or starts it. */
export const syncNudger =
  (client: Client, installation: Installation, taskQueue = WORKFLOW_QUEUE): WebhookSettings["nudge"] =>
  async (company, source) => {
    for (const { workflow, workflowId, input, about } of syncsOf(installation, source)) {
      if (about.company !== company) continue;
      await client.workflow.signalWithStart(workflow, {
        workflowId,
        taskQueue,
        args: [input],
        signal: NUDGE,
        typedSearchAttributes: searchAttributesOf(about),
      });
    }
  };

interface Answer {
  readonly status: number;
  readonly word: string;
}

async function answer(settings: WebhookSettings, request: IncomingMessage): Promise<Answer> {
  const url = new URL(request.url ?? "", "http://webhooks");
  const [, company, source] = PATH.exec(url.pathname) ?? [];
  if (company === undefined || source === undefined) return { status: 404, word: "unknown" };
  if (request.method !== "POST") return { status: 405, word: "POST only" };
  const rawBody = await bodyOf(request);
  if (rawBody === undefined) return { status: 413, word: "too long" };
  const log = logAbout(settings.log, { company, source });
  try {
    const verifier = settings.sources(company, source);
    const push = verifier.verifyPush(headersOf(request), Object.fromEntries(url.searchParams), rawBody);
    return await keep(settings, { company, source }, push, log);
  } catch (error) {
    if (!(error instanceof ZhangshiError)) throw error;
    const status = STATUS[error.code];
    if (status === undefined) throw error;
    log.warn({ code: error.code }, "a push was turned away");
    return { status, word: error.code };
  }
}

/** Codes of companies and sources, as the configuration allows them. */
const PATH = /^\/webhooks\/([A-Za-z0-9._-]+)\/([A-Za-z0-9._-]+)$/;
const STATUS: Partial<Record<ErrorCode, number>> = {
  CONNECTION_UNKNOWN: 404,
  PUSH_SIGNATURE_WRONG: 401,
  PUSH_TOO_OLD: 401,
  PUSH_UNREADABLE: 400,
};

async function keep(
  { database, nudge }: WebhookSettings,
  identity: { readonly company: string; readonly source: string },
  push: InboxEntry,
  log: Log,
): Promise<Answer> {
  // It is genuine, but about a form that is not ours: whoever sends it need not try again.
  if (push.form === "") return { status: 200, word: "ignored" };
  const outcome = await receivePush(database, identity, push);
  if (outcome === "repeat") return { status: 200, word: "repeat" };
  try {
    await nudge(identity.company, identity.source);
  } catch (error) {
    // The push is kept: the next sync by the schedule finds it.
    log.warn({ err: error }, "the sync could not be nudged");
  }
  return { status: 200, word: "success" };
}

/** The bytes as they came, because the signature covers them. @returns undefined when there are too many */
async function bodyOf(request: IncomingMessage): Promise<Buffer | undefined> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request) {
    const bytes = Buffer.isBuffer(part) ? part : Buffer.from(String(part));
    size += bytes.length;
    // The rest is read and dropped: a sender that is cut off would not hear the answer.
    if (size <= BODY_BYTES_MAX) parts.push(bytes);
    if (size > DRAINED_BYTES_MAX) return undefined;
  }
  return size > BODY_BYTES_MAX ? undefined : Buffer.concat(parts);
}
const DRAINED_BYTES_MAX = 8 * BODY_BYTES_MAX;

const headersOf = ({ headers }: IncomingMessage): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));

function reply(response: ServerResponse, status: number, word: string): void {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8" }).end(word);
}
