import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { fileURLToPath, pathToFileURL } from "node:url";
import pg from "pg";
import type { TestProject } from "vitest/node";
import { readEnvironment } from "../../config/environment.ts";
import { type EmbeddedPostgres, startPostgres } from "../../embedded/postgres.ts";
import { timeSkippingServer } from "../../embedded/temporal-programs.ts";
import { type EmbeddedTemporal, startTemporal } from "../../embedded/temporal.ts";

/**
 * The servers that tests share during one run: one throw-away PostgreSQL cluster with a migrated template database, one
 * Temporal dev server, the program of the time-skipping server. Each is brought up when the first test asks for it, so
 * that a run of pure tests starts nothing. Test files ask over HTTP (see `database.ts`, `temporal.ts` beside this file).
 *
 * A developer's own servers are never touched: only ZHANGSHI_TEST_DATABASE_URL and
 * ZHANGSHI_TEST_TEMPORAL_ADDRESS name servers to use.
 */
const testEnvironment = {
  ...process.env,
  ZHANGSHI_DATABASE_URL: process.env["ZHANGSHI_TEST_DATABASE_URL"],
  TEMPORAL_ADDRESS: process.env["ZHANGSHI_TEST_TEMPORAL_ADDRESS"],
};
const progress = (message: string) => process.stderr.write(`[test servers] ${message}\n`);

declare module "vitest" {
  export interface ProvidedContext {
    /** Address under which this run's servers are asked for. */
    testServers: string;
  }
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const servers = new SharedServers();
  const http = createServer((request, response) => {
    servers.answer(request.url ?? "").then(
      (body) => response.end(JSON.stringify(body)),
      (error: unknown) =>
        response.writeHead(500).end(error instanceof Error ? (error.stack ?? error.message) : String(error)),
    );
  });
  project.provide("testServers", await listen(http));
  return async () => {
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
    await servers.stop();
  };
}

class SharedServers {
  readonly #prefix = `zhangshi_test_${randomBytes(4).toString("hex")}`;
  #postgres: Promise<EmbeddedPostgres> | undefined;
  #template: Promise<string> | undefined;
  #temporal: Promise<EmbeddedTemporal> | undefined;
  #copies = 0;
  /** Databases are made one after the other: a template must not be in use while it is copied. */
  #turn: Promise<unknown> = Promise.resolve();

  async answer(path: string): Promise<unknown> {
    switch (path) {
      case "/database":
        return { url: await this.#database("migrated") };
      case "/empty-database":
        return { url: await this.#database("empty") };
      case "/temporal": {
        const { address, namespace } = await this.#startedTemporal();
        return { address, namespace };
      }
      case "/time-skipping":
        return { file: (await timeSkippingServer(readEnvironment(testEnvironment), progress)).file };
      default:
        throw new Error(`The test servers do not know ${path}.`);
    }
  }

  async stop(): Promise<void> {
    const [postgres, temporal] = await Promise.allSettled([this.#postgres, this.#temporal]);
    if (temporal.status === "fulfilled") await temporal.value?.stop();
    if (postgres.status !== "fulfilled" || postgres.value === undefined) return;
    if (postgres.value.how === "environment") await this.#dropAll(postgres.value.url);
    await postgres.value.stop();
  }

  async #database(kind: "migrated" | "empty"): Promise<string> {
    const { url } = await this.#startedPostgres();
    this.#copies += 1;
    const name = `${this.#prefix}_${this.#copies}`;
    const template = kind === "migrated" ? await this.#migratedTemplate(url) : "template0";
    const made = this.#turn.then(() => query(url, `create database ${name} template ${template}`));
    this.#turn = made.catch(() => undefined);
    await made;
    return withDatabase(url, name);
  }

  #startedPostgres(): Promise<EmbeddedPostgres> {
    this.#postgres ??= startPostgres({ throwAway: true, environment: testEnvironment, progress });
    return this.#postgres;
  }

  #startedTemporal(): Promise<EmbeddedTemporal> {
    this.#temporal ??= startTemporal({ throwAway: true, environment: testEnvironment, progress });
    return this.#temporal;
  }

  #migratedTemplate(url: string): Promise<string> {
    this.#template ??= (async () => {
      const name = `${this.#prefix}_template`;
      await query(url, `create database ${name} template template0`);
      const migrate = await migration();
      await migrate(withDatabase(url, name));
      return name;
    })();
    return this.#template;
  }

  async #dropAll(url: string): Promise<void> {
    const names = Array.from({ length: this.#copies }, (_, index) => `${this.#prefix}_${index + 1}`);
    for (const name of [...names, `${this.#prefix}_template`])
      await query(url, `drop database if exists ${name} with (force)`);
  }
}

type Migrate = (url: string) => Promise<unknown>;

/** Loaded only when a test wants a migrated database, so that the servers are of use without one. */
async function migration(): Promise<Migrate> {
  const file = fileURLToPath(new URL("../../db/migrate.ts", import.meta.url));
  if (!existsSync(file)) throw new Error("db/migrate.ts is not there: no migrated database can be made.");
  const loaded: unknown = await import(pathToFileURL(file).href);
  if (typeof loaded !== "object" || loaded === null || !("migrateToLatest" in loaded))
    throw new Error("db/migrate.ts exports no migrateToLatest.");
  const { migrateToLatest } = loaded;
  if (typeof migrateToLatest !== "function") throw new Error("migrateToLatest in db/migrate.ts is no function.");
  return async (url) => migrateToLatest(url);
}

async function query(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

function withDatabase(url: string, name: string): string {
  const changed = new URL(url);
  changed.pathname = `/${name}`;
  return changed.href;
}

function listen(http: Server): Promise<string> {
  return new Promise((resolve, reject) => {
    http.once("error", reject);
    http.listen(0, "127.0.0.1", () => {
      const address = http.address();
      if (address === null || typeof address === "string") reject(new Error("no port"));
      else resolve(`http://127.0.0.1:${address.port}`);
    });
  });
}
