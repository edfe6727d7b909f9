import { Writable } from "node:stream";
import { type DestinationStream, type Logger, pino } from "pino";
import type { LogLevel } from "../config/environment.ts";

export type Log = Logger;

/** What a line is about. Every line that concerns one of these carries it under this name. */
export interface LogSubject {
  readonly company?: string;
  readonly source?: string;
  readonly ledger?: string;
  readonly connection?: string;
  readonly postingKey?: string;
}

export interface LogOptions {
  readonly level: LogLevel;
  /** Values that must never be written, in whatever field they turn up. */
  readonly secrets?: Iterable<string>;
  /** Absent: standard error, because standard output belongs to results. */
  readonly destination?: DestinationStream;
}

/** Values shorter than this occur in ordinary text by chance. */
const SECRET_LENGTH_MIN = 4;
/** What lies deeper is left out: a log line is not a dump. */
const DEPTH_MAX = 6;
const HIDDEN = "***";
const SECRET_NAME = /pass(word|wd)?$|secret|token|api[-_]?key|authorization|cookie|signature|credential|session/i;
const STANDARD_ERROR = 2;

/**
 * A logger of JSON lines. Two nets keep secrets out: fields whose names say so are hidden at any depth, and known secret
 * values are removed from the finished line, so that one inside a vendor's message does not get through either.
 */
export function createLog(options: LogOptions): Log {
  const destination = options.destination ?? pino.destination({ dest: STANDARD_ERROR, sync: true });
  return pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: (fields) => hideIn(fields) },
      serializers: { err: describeError, error: describeError },
    },
    withoutSecrets(destination, [...(options.secrets ?? [])]),
  );
}

/** A logger whose lines all carry `subject`. */
export const logAbout = (log: Log, subject: LogSubject): Log => log.child({ ...subject });

/** The function that connectors take: message first, then plain fields. */
export const logFunction =
  (log: Log) =>
  (message: string, fields: Readonly<Record<string, string | number>>): void =>
    log.info({ ...fields }, message);

function withoutSecrets(destination: DestinationStream, secrets: readonly string[]): DestinationStream {
  const spellings = secrets
    .filter((secret) => secret.length >= SECRET_LENGTH_MIN)
    .flatMap((secret) => [
      secret,
      JSON.stringify(secret).slice(1, -1),
      encodeURIComponent(secret),
      Buffer.from(secret).toString("base64"),
    ])
    // The longer first: one secret may be part of another.
    .sort((left, right) => right.length - left.length);
  return {
    write: (line) => destination.write(spellings.reduce((text, spelling) => text.replaceAll(spelling, HIDDEN), line)),
  };
}

function hideIn(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, SECRET_NAME.test(name) ? HIDDEN : hide(value, 1)]),
  );
}

function hide(value: unknown, depth: number): unknown {
  if (value instanceof Error) return describeError(value);
  if (typeof value === "bigint") return String(value);
  if (typeof value !== "object" || value === null || value instanceof Date) return value;
  if (depth >= DEPTH_MAX) return "…";
  if (Array.isArray(value)) return value.map((one: unknown) => hide(one, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, SECRET_NAME.test(name) ? HIDDEN : hide(inner, depth + 1)]),
  );
}

/** Only what we know to be harmless: HTTP clients hang requests with headers on their errors. */
function describeError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return hide(error, 1);
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
  return {
    name: error.name,
    message: error.message,
    ...(code === undefined ? {} : { code }),
    ...(error.stack === undefined ? {} : { stack: error.stack }),
    ...(error.cause === undefined || depth >= DEPTH_MAX ? {} : { cause: describeError(error.cause, depth + 1) }),
  };
}

/** Collects lines in memory, for tests that search them. */
export function linesInMemory(): { readonly destination: DestinationStream; readonly lines: () => string[] } {
  const lines: string[] = [];
  const stream = new Writable({
    write: (chunk, _encoding, done) => {
      lines.push(String(chunk));
      done();
    },
  });
  return { destination: { write: (line) => void stream.write(line) }, lines: () => [...lines] };
}
