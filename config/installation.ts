import { readFileSync } from "node:fs";
import { isNode, LineCounter, parseDocument } from "yaml";
import type { z } from "zod";
import { ZhangshiError } from "../domain/errors.ts";
import { type ConnectionConfig, Installation } from "../domain/installation.ts";

export {
  type CompanyConfig,
  type ConnectionConfig,
  connectionOf,
  Installation,
  installationDigest,
  type LedgerConfig,
  mergedSettings,
  type SourceConfig,
  sourceSettings,
} from "../domain/installation.ts";

/**
 * Reads the configuration file of an installation.
 *
 * @param text  YAML
 * @param fileName  for the messages
 * @throws ZhangshiError CONFIG_INVALID  naming file, line, column, field, value and what is expected; the first mistake
 * is in the details, every mistake in `problems`
 */
export function parseInstallation(text: string, fileName: string): Installation {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  const syntax = document.errors[0];
  if (syntax !== undefined) {
    const { line, col } = lines.linePos(syntax.pos[0]);
    throw invalid(fileName, line, col, "", "", syntax.message.split("\n")[0] ?? syntax.message);
  }
  const parsed = Installation.safeParse(document.toJS() ?? {});
  if (parsed.success) {
    const asking = parsed.data.ledgers.findIndex(({ approval }) => approval);
    if (asking < 0) return parsed.data;
    const path = ["ledgers", asking, "approval"];
    const { line, col } = lines.linePos(offsetOf(document, path));
    throw invalid(fileName, line, col, fieldName(path), "true", NO_APPROVALS);
  }
  const first = parsed.error.issues[0];
  if (first === undefined) throw invalid(fileName, 1, 1, "", "", "unreadable");
  const issuePath = pathOf(first);
  const { line, col } = lines.linePos(offsetOf(document, issuePath));
  const others = parsed.error.issues.length - 1;
  const expected = others === 0 ? first.message : `${first.message} (+${others})`;
  throw invalid(
    fileName,
    line,
    col,
    fieldName(issuePath),
    shownValue(document.getIn(issuePath, false), issuePath),
    expected,
  );
}

/** A ledger that asked for them would post nothing, for nobody can approve. */
const NO_APPROVALS = "false: approvals do not exist yet | false：目前还没有审批功能";

/**
 * The secrets of a connection, for its connector's factory alone; never log what comes back.
 *
 * @param env  usually `process.env`
 * @throws ZhangshiError SECRET_MISSING  naming connection, secret and where it was looked for
 */
export function resolveSecrets(
  connection: Pick<ConnectionConfig, "name" | "secrets">,
  env: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(connection.secrets).map(([name, place]) => {
      const secret = place.startsWith("env:")
        ? env[place.slice("env:".length)]
        : firstLineOf(place.slice("file:".length));
      if (secret === undefined || secret === "") {
        throw new ZhangshiError("SECRET_MISSING", { connection: connection.name, secret: name, place });
      }
      return [name, secret];
    }),
  );
}

/**
 * PEM of the private certification authority of a connection; undefined where it names none.
 *
 * @throws ZhangshiError FILE_UNREADABLE  naming connection and file, also when the file holds no certificate
 */
export function resolveCertificateAuthority(
  connection: Pick<ConnectionConfig, "name" | "certificateAuthority">,
): string | undefined {
  const given = connection.certificateAuthority;
  if (given === undefined || !given.startsWith("file:")) return given;
  const file = given.slice("file:".length);
  const unreadable = (reason: string, cause?: unknown): ZhangshiError =>
    new ZhangshiError("FILE_UNREADABLE", { connection: connection.name, file, reason }, { cause });
  let pem: string;
  try {
    pem = readFileSync(file, "utf8");
  } catch (error) {
    throw unreadable(error instanceof Error ? error.message : String(error), error);
  }
  if (!pem.includes("-----BEGIN CERTIFICATE-----")) throw unreadable("no certificate in PEM form");
  return pem;
}

function invalid(
  file: string,
  line: number,
  column: number,
  field: string,
  value: string,
  expected: string,
): ZhangshiError {
  const named = { file, line: String(line), column: String(column), field, value, expected };
  return new ZhangshiError(
    "CONFIG_INVALID",
    Object.fromEntries(Object.entries(named).filter(([, said]) => said !== "")),
  );
}

/** An unknown key is reported at its parent: point at the key itself. */
function pathOf(issue: z.core.$ZodIssue): (string | number)[] {
  const path = issue.path.map((step) => (typeof step === "number" ? step : String(step)));
  const unknown = issue.code === "unrecognized_keys" ? issue.keys[0] : undefined;
  return unknown === undefined ? path : [...path, unknown];
}

/** Where the value stands; for one that is missing, where what should contain it begins. */
function offsetOf(document: ReturnType<typeof parseDocument>, path: readonly (string | number)[]): number {
  for (let depth = path.length; depth >= 0; depth -= 1) {
    const node = depth === 0 ? document.contents : document.getIn(path.slice(0, depth), true);
    if (isNode(node) && node.range !== undefined && node.range !== null) return node.range[0];
  }
  return 0;
}

const fieldName = (path: readonly (string | number)[]): string =>
  path.map((step, index) => (typeof step === "number" ? `[${step}]` : index === 0 ? step : `.${step}`)).join("");

const VALUE_SHOWN_MAX = 60;

/** A secret pasted where its place belongs must not reach a message. */
function shownValue(value: unknown, path: readonly (string | number)[]): string {
  if (path.includes("secrets")) return "";
  if (typeof value === "string") return value.slice(0, VALUE_SHOWN_MAX);
  return typeof value === "number" || typeof value === "boolean" ? String(value) : "";
}

function firstLineOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").split(/\r?\n/)[0];
  } catch {
    return undefined;
  }
}
