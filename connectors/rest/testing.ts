import { createServer, type IncomingMessage } from "node:http";
import type { ConnectorContext, StockSource } from "../contract.ts";
import { createRest } from "./connector.ts";

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly body: string;
  readonly headers: IncomingMessage["headers"];
}
export interface Answer {
  readonly status?: number;
  /** JSON text, so that numbers are spelled as the test wants. */
  readonly json?: string;
  readonly headers?: Readonly<Record<string, string>>;
}
export interface Warehouse {
  readonly baseUrl: string;
  readonly asked: Asked[];
  readonly connect: (settings: object, more?: Partial<ConnectorContext>) => StockSource;
  readonly close: () => Promise<void>;
}

/** A warehouse system that answers as the test says. */
export const startWarehouse = async (answer: (asked: Asked) => Answer): Promise<Warehouse> => {
  const asked: Asked[] = [];
  const sources: StockSource[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const url = new URL(request.url ?? "", "http://warehouse");
      const one: Asked = {
        method: request.method ?? "",
        path: url.pathname,
        query: Object.fromEntries(url.searchParams),
        body: Buffer.concat(parts).toString("utf8"),
        headers: request.headers,
      };
      asked.push(one);
      const { status = 200, json = "{}", headers = {} } = answer(one);
      response.writeHead(status, { "Content-Type": "application/json", ...headers }).end(json);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const baseUrl = `http://127.0.0.1:${typeof address === "object" ? (address?.port ?? 0) : 0}/api/`;
  return {
    baseUrl,
    asked,
    connect: (settings, more = {}) => {
      const source = createRest(
        { company: "demo", source: "rest", ...settings },
        {
          connection: "wms",
          baseUrl,
          secrets: {},
          pacer: { permit: async () => undefined },
          now: () => new Date("2025-09-02T00:00:00.500Z"),
          log: () => undefined,
          ...more,
        },
      );
      sources.push(source);
      return source;
    },
    close: async () => {
      for (const source of sources) await source.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

/** A form of flat records at `list`. */
export const FLAT = {
  carries: "movements",
  request: { path: "receipts" },
  records: "list",
  fields: { recordId: "id", documentNumber: "no", happenedAt: "at", item: "sku", quantity: "qty", updatedAt: "at" },
  constants: { kind: "purchase-receipt" },
};
export const flat = (id: number | string, at = "2025-09-01 08:00:00", more = ""): string =>
  `{"id":"${id}","no":"RK-${id}","at":"${at}","sku":"007","qty":1.50${more}}`;
