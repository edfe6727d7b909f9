/** Runs a `$batch` and frames its answer byte for byte (guide §3.9; fixtures of B1SLayer and of a Kotlin client). */

import type { ArmedFault } from "../shared/faults.ts";
import type { Random } from "../shared/prng.ts";
import { errorAnswer, protocolHeader, type ServiceAnswer } from "./answers.ts";
import type { BatchOperation, BatchPart } from "./batch-request.ts";
import { commitFailed, ServiceError, type Version } from "./errors.ts";
import { parsePath } from "./resource-path.ts";
import { decodedPath, methodOf, runRequest, type ServiceRequest } from "./service.ts";
import type { Context } from "./world.ts";

const CRLF = "\r\n";

const PHRASES: Readonly<Record<number, string>> = {
  200: "OK",
  201: "Created",
  204: "No Content",
  400: "Bad Request",
  401: "Unauthorized",
  404: "Not Found",
  405: "Method Not Allowed",
  412: "Precondition Failed",
  500: "Internal Server Error",
};

/** One piece of the answer: a single response, or those of a change set that went through. */
type Done =
  | { readonly kind: "single"; readonly answer: ServiceAnswer; readonly contentId: string | undefined }
  | {
      readonly kind: "changeset";
      readonly answers: readonly { answer: ServiceAnswer; contentId: string | undefined }[];
    };

export type BatchSetting = {
  readonly version: Version;
  readonly root: string;
  readonly fault: ArmedFault | undefined;
  /** the bare token odata.continue-on-error stood in Prefer and is honoured */
  readonly continueOnError: boolean;
};

/** The worker process dies: Apache answers 502 (client b1sl-python's changelog). */
export class WorkerDied extends Error {}
/** The session went in the middle: what was done stays, and the answer names none of it. */
export class SessionEnded extends Error {}

export function runBatch(context: Context, parts: readonly BatchPart[], setting: BatchSetting): string {
  refuseMalformed(parts, setting.version);
  const { fault } = setting;
  const done: Done[] = [];
  for (const [index, part] of parts.entries()) {
    if (fault?.kind === "session-lost-mid-batch" && index === fault.after) throw new SessionEnded();
    const unnamed = fault?.kind === "batch-element-unnamed" && index === fault.index;
    if (unnamed && !fault.done) continue;
    const refused = fault?.kind === "batch-element-refused" && index === fault.index;
    const result =
      part.kind === "request"
        ? single(context, part.operation, setting, refused)
        : changeSet(context, part.operations, setting, refused);
    if (unnamed) continue;
    done.push(result);
    // Later parts leave no answer at all; what went before stays (guide §3.9).
    if (result.kind === "single" && result.answer.status >= 400 && !setting.continueOnError) break;
  }
  if (fault?.kind === "session-lost-mid-batch") throw new SessionEnded();
  const ordered = fault?.kind === "reorder" ? context.world.random.shuffled(done) : done;
  return frame(ordered, setting.version, context.world.random);
}

/** GET and nesting inside a change set, and on v2 a missing Content-ID, refuse the whole batch (the simulator's choice). */
function refuseMalformed(parts: readonly BatchPart[], version: Version): void {
  for (const part of parts) {
    if (part.kind === "request") continue;
    for (const { method, contentId } of part.operations) {
      if (method === "GET") throw new ServiceError(-1000, "GET is not allowed in a change set");
      if (version === "v2" && contentId === undefined)
        throw new ServiceError(-1000, "Content-ID is required in a change set");
    }
  }
}

function single(context: Context, operation: BatchOperation, setting: BatchSetting, refused: boolean): Done {
  const { contentId } = operation;
  try {
    if (refused) throw commitFailed();
    const answer = runRequest(context, requestOf(operation, setting, new Map()), setting.fault);
    return { kind: "single", answer, contentId };
  } catch (error) {
    return { kind: "single", answer: failed(error, context, setting), contentId };
  }
}

/** One transaction: the first failure takes everything back, and is all that is answered. */
function changeSet(
  context: Context,
  operations: readonly BatchOperation[],
  setting: BatchSetting,
  refused: boolean,
): Done {
  let running: BatchOperation | undefined;
  try {
    if (refused) throw commitFailed();
    const apply = (): { answer: ServiceAnswer; contentId: string | undefined }[] =>
      context.world.store.transact(() => {
        const aliases = new Map<string, string>();
        return operations.map((operation) => {
          running = operation;
          const answer = runRequest(context, requestOf(operation, setting, aliases), undefined);
          const { Location: location } = answer.headers;
          if (operation.contentId !== undefined && location !== undefined) {
            aliases.set(operation.contentId, new URL(location, setting.root).href.slice(setting.root.length));
          }
          return { answer, contentId: operation.contentId };
        });
      });
    const answers = apply();
    if (setting.fault?.kind === "apply-twice") tryAgain(apply);
    if (setting.fault?.kind === "already-exists") throw new ServiceError(-2035, ALREADY);
    return { kind: "changeset", answers };
  } catch (error) {
    const isLast = running !== undefined && running === operations.at(-1);
    if (setting.continueOnError && isLast && operations.length > 0) throw new WorkerDied();
    return {
      kind: "single",
      answer: failed(error, context, setting),
      contentId: (running ?? operations[0])?.contentId,
    };
  }
}

const ALREADY = "This entry already exists in the following tables (ODBC -2035)";

/** Where the claim row stands in the way the second time, the database has kept the promise. */
function tryAgain(apply: () => unknown): void {
  try {
    apply();
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
  }
}

function failed(error: unknown, context: Context, setting: BatchSetting): ServiceAnswer {
  if (!(error instanceof ServiceError)) throw error;
  return errorAnswer(setting.version, context.world.settings.jsonStyle, error, true);
}

/** `$1`, `/$1` and `/b1s/v1/$1` stand for what an earlier request of the change set created. */
function requestOf(
  operation: BatchOperation,
  setting: BatchSetting,
  aliases: ReadonlyMap<string, string>,
): ServiceRequest {
  const relative = operation.target
    .replace(/^https?:\/\/[^/]+/i, "")
    .replace(/^\/b1s\/v[12]\//, "")
    .replace(/^\//, "");
  const aliased = relative.replace(/^\$([^/?(]+)/, (whole, id: string) => aliases.get(id) ?? whole);
  const at = aliased.indexOf("?");
  return {
    version: setting.version,
    method: operation.method,
    path: at < 0 ? aliased : aliased.slice(0, at),
    query: at < 0 ? "" : aliased.slice(at + 1),
    headers: operation.headers,
    text: operation.body,
    root: setting.root,
  };
}

/** Whether anything of a batch writes: a batch of reads is a query to whoever plans faults. */
export function batchWrites(parts: readonly BatchPart[], setting: Pick<BatchSetting, "version" | "root">): boolean {
  return parts.some(
    (part) =>
      part.kind === "changeset" ||
      methodOf(requestOf(part.operation, { ...setting, fault: undefined, continueOnError: false }, new Map())) !==
        "GET",
  );
}

/** @returns names of the sets that a batch writes to, for whoever reads the log */
export function batchTargets(parts: readonly BatchPart[]): string[] {
  const operations = parts.flatMap((part) => (part.kind === "request" ? [part.operation] : part.operations));
  return operations.map(({ target }) => parsePath(decodedPath(target.replace(/^.*\/b1s\/v[12]\//, "")))?.name ?? "");
}

// ---- the frame

export const batchContentType = (body: string): string =>
  `multipart/mixed;boundary=${/^--(\S+)/.exec(body)?.[1] ?? "batchresponse"}`;

function frame(done: readonly Done[], version: Version, random: Random): string {
  const boundary = `batchresponse_${token(random)}`;
  let out = "";
  for (const part of done) {
    out += `--${boundary}${CRLF}`;
    if (part.kind === "single") out += mimePart(part.answer, part.contentId, version);
    else out += changeSetPart(part.answers, version, random);
  }
  return `${out}--${boundary}--${CRLF}`;
}

function changeSetPart(
  answers: readonly { answer: ServiceAnswer; contentId: string | undefined }[],
  version: Version,
  random: Random,
): string {
  const boundary = `changesetresponse_${token(random)}`;
  const parts = answers.map(({ answer, contentId }) => `--${boundary}${CRLF}${mimePart(answer, contentId, version)}`);
  return `Content-Type: multipart/mixed; boundary=${boundary}${CRLF}${CRLF}${parts.join("")}--${boundary}--${CRLF}`;
}

function mimePart(answer: ServiceAnswer, contentId: string | undefined, version: Version): string {
  const head = ["Content-Type: application/http", "Content-Transfer-Encoding: binary"];
  if (version === "v2" && contentId !== undefined) head.push(`Content-ID: ${contentId}`);
  const status = `HTTP/1.1 ${answer.status} ${PHRASES[answer.status] ?? "Unknown"}`;
  const inner = [status, ...innerHeaders(answer, contentId, version)];
  return `${head.join(CRLF)}${CRLF}${CRLF}${inner.join(CRLF)}${CRLF}${CRLF}${answer.body}${CRLF}`;
}

/** v1: Content-ID, type, length, version, others. v2: type, length, others, version. Both as captured. */
function innerHeaders(answer: ServiceAnswer, contentId: string | undefined, version: Version): string[] {
  const content =
    answer.contentType === undefined
      ? []
      : [`Content-Type: ${answer.contentType}`, `Content-Length: ${Buffer.byteLength(answer.body)}`];
  const others = Object.entries(answer.headers).map(([name, value]) => `${name}: ${value}`);
  const protocol = protocolHeader(version).join(": ");
  if (version === "v2") return [...content, ...others, protocol];
  return [...(contentId === undefined ? [] : [`Content-ID: ${contentId}`]), ...content, protocol, ...others];
}

function token(random: Random): string {
  const text = random.hex(32);
  return [text.slice(0, 8), text.slice(8, 12), text.slice(12, 16), text.slice(16, 20), text.slice(20)].join("-");
}
