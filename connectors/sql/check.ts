import { errorCatalog, ZhangshiError } from "../../domain/errors.ts";
import type { Bilingual, CheckStage, ConnectorContext } from "../contract.ts";
import type { SqlFormReader } from "./form-reader.ts";
import { kindOfCursor } from "./keyset.ts";
import type { ReadOnlyDatabase } from "./session.ts";
import type { SqlSettings } from "./settings.ts";

type Found = Pick<CheckStage, "state" | "message" | "nextStep" | "raw">;

/** Walks from the log-in to the columns; stops after the first failure that the rest depends on. */
export async function* checkDatabase(
  settings: SqlSettings,
  context: ConnectorContext,
  database: ReadOnlyDatabase,
  readers: ReadonlyMap<string, SqlFormReader>,
): AsyncIterable<CheckStage> {
  const stage = async (name: CheckStage["stage"], subject: string, look: () => Promise<Found>): Promise<CheckStage> => {
    const beganAt = context.now().getTime();
    const found = await look().catch(foundOf);
    return { stage: name, subject, durationMs: context.now().getTime() - beganAt, ...found };
  };
  const { host, port, database: name } = database.address;
  yield await stage("address", `${host}:${port}/${name}`, async () => ok("地址可用", "The address is usable"));
  yield await stage("tls", host, async () =>
    settings.tls === "verify"
      ? ok("连接加密，并核对证书", "The connection is encrypted and the certificate verified")
      : warn("连接不加密，密码与数据以明文传送", "The connection is not encrypted", {
          zh: "数据库不在本机时，请在服务器上启用 TLS 并设置 tls: verify",
          en: "Unless the database is on this machine, enable TLS there and set tls: verify",
        }),
  );
  const login = await stage("login", name, async () => {
    await database.read("query", (session) => session.query("SELECT 1"));
    return ok("登录成功，会话只读", "Logged in; the session is read-only");
  });
  yield login;
  if (login.state === "failed") return;
  yield await stage("rights", name, () => rightsOf(database));
  for (const [form, reader] of readers) yield await stage("key-field", form, () => formOf(reader));
  yield await stage("limits", "statement_timeout", async () =>
    ok(`单条查询不超过 ${settings.statementTimeoutMs} 毫秒`, `A query may take ${settings.statementTimeoutMs} ms`),
  );
}

/** A read-only transaction is one lock; a role that cannot write is a better one. */
const rightsOf = async (database: ReadOnlyDatabase): Promise<Found> => {
  const { rows } = await database.read("query", (session) =>
    session.query(
      `SELECT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)::text AS superuser,
         (SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
          WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
            AND n.nspname NOT LIKE 'pg_toast%' AND n.nspname NOT LIKE 'pg_temp%'
            AND has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE'))::text AS writable`,
    ),
  );
  const [row] = rows;
  if (row?.["superuser"] === "true" || row?.["writable"] !== "0")
    return warn("该用户有写权限", "The user may write", {
      zh: "建一个只有 SELECT 权限的用户；程序只读，但多一把锁更安全",
      en: "Create a user with SELECT alone; the program only reads, but one more lock is safer",
    });
  return ok("该用户只能读", "The user can only read");
};

const formOf = async (reader: SqlFormReader): Promise<Found> => {
  const { cursorType, hasRows, keyless } = await reader.look();
  if (keyless > 0)
    return warn(
      `有 ${keyless} 行没有变更时间或单据标识，不会导入`,
      `${keyless} rows have no time of change or document`,
      {
        zh: "在视图中用 COALESCE 补上，或补录数据",
        en: "Fill it in the view with COALESCE, or in the data",
      },
    );
  if (cursorType === "date" || (kindOfCursor(cursorType) === "other" && cursorType !== ""))
    return warn(
      `变更列的类型是 ${cursorType}，同一值内的修改要等整表重读才发现`,
      `The column of change is ${cursorType}: changes within one value wait for the re-read`,
      {
        zh: "改用 timestamptz 或递增的数字列",
        en: "Use a timestamptz or a rising number",
      },
    );
  return hasRows
    ? ok("列都在，有数据", "All columns are there, with data")
    : warn("列都在，但没有数据", "All columns are there, but no row");
};

const ok = (zh: string, en: string): Found => ({ state: "ok", message: { zh, en } });
const warn = (zh: string, en: string, nextStep?: Bilingual): Found => ({
  state: "warning",
  message: { zh, en },
  ...(nextStep === undefined ? {} : { nextStep }),
});
const foundOf = (error: unknown): Found => {
  const code = error instanceof ZhangshiError ? error.code : "READ_FAILED";
  const { what, nextStep } = errorCatalog[code];
  const raw = error instanceof ZhangshiError ? Object.values(error.details).join(" ") : String(error);
  return { state: "failed", message: what, nextStep, raw };
};
