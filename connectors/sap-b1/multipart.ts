/** Framing of `$batch` (reference §5): plain text in, plain text out. Nothing here knows what is inside. */

const CRLF = "\r\n";

export interface BatchOperation {
  /** Mandatory in v2: an answer names a failed operation by it. */
  readonly contentId: string;
  /** Absolute: "/b1s/v2/JournalEntries". */
  readonly path: string;
  /** JSON without line feeds. */
  readonly json: string;
}

/** One change set is one transaction. */
export interface ChangeSet {
  readonly boundary: string;
  readonly operations: readonly BatchOperation[];
}

export const writeBatch = (boundary: string, sets: readonly ChangeSet[]): string =>
  [...sets.map((set) => `--${boundary}${CRLF}${writeSet(set)}`), `--${boundary}--${CRLF}`].join("");

const writeSet = ({ boundary, operations }: ChangeSet): string =>
  [
    `Content-Type: multipart/mixed; boundary=${boundary}${CRLF}${CRLF}`,
    ...operations.map((operation) =>
      [
        `--${boundary}`,
        "Content-Type: application/http",
        "Content-Transfer-Encoding: binary",
        `Content-ID: ${operation.contentId}`,
        "",
        `POST ${operation.path} HTTP/1.1`,
        "Content-Type: application/json",
        "",
        operation.json,
        "",
      ].join(CRLF),
    ),
    `--${boundary}--${CRLF}`,
  ].join("");

/** One answer inside a batch. */
export interface InnerAnswer {
  /** Of the part in v2, of the inner answer in v1; "" where neither carries one. */
  readonly contentId: string;
  readonly status: number;
  readonly text: string;
}

/** A change set that succeeded is nested and has one answer per operation; one that failed is a single plain part (reference §5.2). */
export type BatchPart =
  | { readonly kind: "set"; readonly answers: readonly InnerAnswer[] }
  | { readonly kind: "single"; readonly answer: InnerAnswer };

/** `multipart/mixed;boundary=batchresponse_A`, quoted or not. */
export const boundaryIn = (contentType: string): string | undefined => {
  const [, quoted, bare] = /^\s*multipart\/mixed\s*;.*?boundary=(?:"([^"]+)"|([^\s;"]+))/i.exec(contentType) ?? [];
  return quoted ?? bare;
};

/** The parts in order; undefined where the text is no whole batch answer, the closing delimiter included. */
export const readBatch = (text: string, boundary: string): readonly BatchPart[] | undefined => {
  const chunks = partsOf(text, boundary);
  const parts = chunks?.map(readPart);
  return parts?.every((part) => part !== undefined) === true ? parts : undefined;
};

const readPart = (chunk: string): BatchPart | undefined => {
  const { headers, body } = headed(chunk);
  const nested = boundaryIn(headers.get("content-type") ?? "");
  if (nested === undefined) {
    const answer = readAnswer(chunk);
    return answer === undefined ? undefined : { kind: "single", answer };
  }
  const answers = partsOf(body, nested)?.map(readAnswer);
  return answers?.every((answer) => answer !== undefined) === true ? { kind: "set", answers } : undefined;
};

const readAnswer = (chunk: string): InnerAnswer | undefined => {
  const outer = headed(chunk);
  const [, status, rest] = /^HTTP\/1\.[01] (\d{3})[^\n]*\n?(.*)$/s.exec(outer.body.replace(/^\n+/, "")) ?? [];
  if (status === undefined) return undefined;
  const inner = headed(rest ?? "");
  const contentId = outer.headers.get("content-id") ?? inner.headers.get("content-id") ?? "";
  return { contentId, status: Number(status), text: inner.body.trim() };
};

/** Between delimiter lines; undefined without the closing one. JSON has no raw line feed inside strings, so no line of it can pose as one. */
const partsOf = (text: string, boundary: string): readonly string[] | undefined => {
  const parts: string[][] = [];
  for (const line of text.split(/\r?\n/)) {
    const trimmed = line.trimEnd();
    if (trimmed === `--${boundary}--`) return parts.map((lines) => lines.join("\n"));
    if (trimmed === `--${boundary}`) parts.push([]);
    else parts.at(-1)?.push(line);
  }
  return undefined;
};

const headed = (text: string): { readonly headers: ReadonlyMap<string, string>; readonly body: string } => {
  const end = text.search(/(^|\n)\s*\n/);
  const head = end === -1 ? text : text.slice(0, end);
  const headers = new Map<string, string>();
  for (const line of head.split("\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
  return { headers, body: end === -1 ? "" : text.slice(end).replace(/^\s*\n/, "") };
};
