import { createServer, type ServerResponse } from "node:http";
import type { Registry } from "prom-client";

export interface Health {
  readonly ok: boolean;
  /** One entry per thing looked at: "ok", or what is wrong. Never a secret: anybody inside the network may read it. */
  readonly checks: Readonly<Record<string, string>>;
}

export interface MetricsServerOptions {
  /** 0: any free port. */
  readonly port: number;
  readonly host?: string;
  readonly registry: Registry;
  readonly health?: () => Promise<Health>;
  /** Brings gauges up to date before each scrape. */
  readonly refresh?: () => Promise<void>;
}

export interface MetricsServer {
  readonly port: number;
  close(): Promise<void>;
}

const REQUEST_LIMIT_MS = 10_000;
const PLAIN = "text/plain; charset=utf-8";

/** Serves `/metrics` for Prometheus and `/healthz` for whoever restarts what is ill. @throws when the port is taken */
export async function startMetricsServer(options: MetricsServerOptions): Promise<MetricsServer> {
  const server = createServer((request, response) => {
    const path = (request.url ?? "/").split("?")[0];
    const work = path === "/metrics" ? metrics(options) : path === "/healthz" ? health(options) : notFound();
    work.then(
      (answer) => send(response, answer),
      // The reason stays inside: it may name addresses.
      () => send(response, { status: 500, type: PLAIN, body: "failed\n" }),
    );
  });
  server.requestTimeout = REQUEST_LIMIT_MS;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, options.host ?? "0.0.0.0", resolve);
  });
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : options.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** A refresh that fails leaves old numbers: better than none. */
async function metrics({ registry, refresh }: MetricsServerOptions): Promise<Answer> {
  await refresh?.().catch(() => undefined);
  return { status: 200, type: registry.contentType, body: await registry.metrics() };
}

async function health(options: MetricsServerOptions): Promise<Answer> {
  const state = (await options.health?.()) ?? { ok: true, checks: {} };
  return { status: state.ok ? 200 : 503, type: "application/json", body: `${JSON.stringify(state)}\n` };
}

const notFound = async (): Promise<Answer> => ({ status: 404, type: PLAIN, body: "/metrics or /healthz\n" });

function send(response: ServerResponse, { status, type, body }: Answer): void {
  response.writeHead(status, { "content-type": type });
  response.end(body);
}
