import { lookup } from "node:dns/promises";
import { rootCertificates } from "node:tls";
import pg from "pg";
import { type ErrorCode, ZhangshiError } from "../../domain/errors.ts";
import type { ConnectorContext } from "../contract.ts";
import { isRefusedAddress } from "../transport/address.ts";
import { redactor } from "../transport/redaction.ts";
import { addressOf, type ServerAddress, type SqlSecrets, type SqlSettings } from "./settings.ts";

const CONNECTIONS_MAX = 2;
const CONNECT_TIMEOUT_MS = 10_000;
const IDLE_MS = 30_000;
/** The server stops a statement first; this is for one that does not answer at all. */
const ANSWER_GRACE_MS = 5_000;

export type SqlRow = Readonly<Record<string, string | null>>;
export interface SqlResult {
  readonly rows: readonly SqlRow[];
  readonly fields: readonly { readonly name: string; readonly dataTypeID: number }[];
}
export interface ReadSession {
  /** One statement with its values; two in one text are refused by the protocol. */
  readonly query: (text: string, values?: readonly unknown[]) => Promise<SqlResult>;
}

/**
 * Read-only access to somebody else's database. Three locks stand one behind the other: the role should have no right to
 * write, every session is read-only by default, and every read runs in a transaction that was begun read-only, which the
 * server lets nobody turn back. Values arrive as the text that the server prints: no number and no day passes through
 * JavaScript's own types.
 */
export class ReadOnlyDatabase {
  readonly address: ServerAddress;
  readonly #pool: pg.Pool;
  readonly #settings: SqlSettings;
  readonly #context: ConnectorContext;
  readonly #redact: (text: string) => string;

  /** @throws ZhangshiError CONFIG_INVALID */
  constructor(settings: SqlSettings, secrets: SqlSecrets, context: ConnectorContext) {
    const address = addressOf(context.baseUrl);
    const refuse = (expected: string): ZhangshiError =>
      new ZhangshiError("CONFIG_INVALID", { connection: context.connection, field: "baseUrl", expected });
    if (address === undefined) throw refuse("postgres://host:port/database, without user, password or options");
    if (isRefusedAddress(address.host) && !settings.allowedHosts.includes(address.host))
      throw refuse("link-local and metadata addresses are refused unless allowed by name");
    this.address = address;
    this.#settings = settings;
    this.#context = context;
    this.#redact = redactor(Object.values(context.secrets));
    this.#pool = new pg.Pool({
      ...address,
      user: secrets.user,
      password: secrets.password,
      ssl: settings.tls === "verify" ? tlsOf(address, settings.certificateAuthority) : false,
      max: CONNECTIONS_MAX,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      idleTimeoutMillis: IDLE_MS,
      query_timeout: settings.statementTimeoutMs + ANSWER_GRACE_MS,
      application_name: "zhangshi",
      types: { getTypeParser: () => (text: unknown) => text },
    });
    // An idle connection that dies must not end the process; the next read reports it.
    this.#pool.on("error", () => undefined);
  }

  /**
   * Runs reads on one snapshot of the database.
   * @throws ZhangshiError NOT_REACHABLE, LOGIN_REFUSED, PERMISSION_DENIED, CONFIG_INVALID, READ_FAILED
   */
  async read<T>(lane: string, work: (session: ReadSession) => Promise<T>): Promise<T> {
    await this.#context.pacer.permit(lane);
    const beganAt = performance.now();
    try {
      await this.#mayConnect();
      return await this.#withinTransaction(work);
    } catch (error) {
      throw this.#named(error);
    } finally {
      this.#context.onRequest?.(lane, (performance.now() - beganAt) / 1_000);
    }
  }

  async close(): Promise<void> {
    if (!this.#pool.ended) await this.#pool.end();
  }

  async #withinTransaction<T>(work: (session: ReadSession) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect();
    let broken: Error | undefined;
    const lost = (error: Error): void => {
      broken = error;
    };
    client.on("error", lost);
    try {
      const timeoutMs = this.#settings.statementTimeoutMs;
      await client.query("SET default_transaction_read_only = on");
      await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
      await client.query(
        `SET LOCAL statement_timeout = ${timeoutMs}; SET LOCAL lock_timeout = ${timeoutMs};
         SET LOCAL idle_in_transaction_session_timeout = ${2 * timeoutMs};
         SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO, YMD'; SET LOCAL extra_float_digits = 1`,
      );
      return await work({
        query: async (text, values = []) => {
          // The extended protocol takes one statement: a query that closes our bracket and goes on is an error.
          const statement = { text, values: [...values], queryMode: "extended" };
          return client.query<Record<string, string | null>>(statement);
        },
      });
    } finally {
      // Nothing was written, so there is nothing to commit.
      await client.query("ROLLBACK").catch((error: Error) => (broken = error));
      client.off("error", lost);
      client.release(broken);
    }
  }

  /** A name may lead to an address that may not be asked. */
  async #mayConnect(): Promise<void> {
    const { host } = this.address;
    if (this.#settings.allowedHosts.includes(host)) return;
    const addresses = await lookup(host, { all: true });
    if (addresses.some(({ address }) => isRefusedAddress(address)))
      throw new ZhangshiError("CONFIG_INVALID", {
        field: "baseUrl",
        value: host,
        reason: "leads to a refused address",
      });
  }

  #named(error: unknown): unknown {
    if (error instanceof ZhangshiError) return error;
    const state = error instanceof Error && "code" in error ? String(error.code) : "";
    const message = this.#redact(error instanceof Error ? error.message : String(error));
    const { connection } = this.#context;
    return new ZhangshiError(codeOf(state, error), { connection, state, message });
  }
}

/** The driver names no host where it is an address, and Node would compare the certificate with "localhost". */
const tlsOf = ({ host }: ServerAddress, certificateAuthority: string | undefined) => ({
  rejectUnauthorized: true,
  host,
  ...(certificateAuthority === undefined ? {} : { ca: [...rootCertificates, certificateAuthority] }),
});

/** Source: PostgreSQL documentation, appendix A (error codes); the others are Node's. */
const codeOf = (state: string, error: unknown): ErrorCode => {
  if (state.startsWith("28") || state === "3D000") return "LOGIN_REFUSED";
  if (state === "42501") return "PERMISSION_DENIED";
  // 25006: the query writes; 42…: it does not fit the database; 0A000: it is no query that can stand where it stands.
  if (state === "25006" || state.startsWith("42") || state === "0A000") return "CONFIG_INVALID";
  if (/^(ECONN|ENOTFOUND|EAI_|EHOST|ENET|ETIMEDOUT|EPIPE)/.test(state) || state.startsWith("08"))
    return "NOT_REACHABLE";
  if (/^(CERT_|DEPTH_|SELF_SIGNED|UNABLE_TO|ERR_TLS)/.test(state)) return "NOT_REACHABLE";
  const message = error instanceof Error ? error.message : "";
  return /does not support SSL|timeout exceeded when trying to connect|Connection terminated/.test(message)
    ? "NOT_REACHABLE"
    : "READ_FAILED";
};
