import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TLSSocket } from "node:tls";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createSql } from "./connector.ts";

const makeCertificate = (): { key: string; cert: string } | undefined => {
  const folder = mkdtempSync(join(tmpdir(), "zhangshi-sql-tls-"));
  try {
    const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
    const kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
    // For the address alone: a check against any name would fail.
    const subject = ["-subj", "/CN=db", "-addext", "subjectAltName=IP:127.0.0.1"];
    execFileSync("openssl", ["req", ...kind, ...subject, "-keyout", key, "-out", cert], { stdio: "ignore" });
    return { key: readFileSync(key, "utf8"), cert: readFileSync(cert, "utf8") };
  } catch {
    return undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};
const certificate = makeCertificate();

/** "FATAL 28P01", as a server refuses a password. Source: PostgreSQL documentation, message formats. */
const refusal = (): Buffer => {
  const fields = Buffer.from("SFATAL\0C28P01\0Mno\0\0");
  const head = Buffer.from("E\0\0\0\0");
  head.writeUInt32BE(fields.length + 4, 1);
  return Buffer.concat([head, fields]);
};

const sockets: Socket[] = [];
let started: Buffer[] = [];
/** Speaks TLS as PostgreSQL does, keeps what it is told, and refuses every log-in. */
const server = createServer((socket) => {
  sockets.push(socket);
  socket.on("error", () => undefined);
  socket.once("data", () => {
    socket.write("S");
    const secure = new TLSSocket(socket, { isServer: true, ...certificate });
    secure.on("error", () => undefined);
    secure.on("data", (bytes) => {
      started.push(bytes);
      secure.end(refusal());
    });
  });
});
let port = 0;
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  port = typeof address === "object" ? (address?.port ?? 0) : 0;
});
afterAll(() => {
  for (const socket of sockets) socket.destroy();
  server.close();
});

const logIn = async (settings: object): Promise<string> => {
  started = [];
  const form = {
    carries: "movements",
    from: "v",
    key: { changedAt: "at", row: "id" },
    fields: { documentNumber: "no", happenedAt: "at", item: "sku", quantity: "qty" },
    constants: { kind: "opening" },
  };
  const source = createSql(
    { ...settings, forms: { form } },
    {
      connection: "wms",
      baseUrl: `postgres://127.0.0.1:${port}/wms`,
      secrets: { user: "reader", password: "hunter2" },
      pacer: { permit: async () => undefined },
      now: () => new Date(),
      log: () => undefined,
    },
  );
  try {
    await source.readPage("form", "", 1);
    return "read";
  } catch (error) {
    return String(error);
  } finally {
    await source.close();
  }
};

test.skipIf(certificate === undefined)("a server whose certificate nobody vouches for hears no user name", async () => {
  expect(await logIn({})).toContain("NOT_REACHABLE");
  expect(started).toEqual([]);
});

test.skipIf(certificate === undefined)(
  "a private authority is trusted, for the address that was asked for",
  async () => {
    expect(await logIn({ certificateAuthority: certificate?.cert })).toContain("LOGIN_REFUSED");
    expect(Buffer.concat(started).toString("latin1")).toContain("reader");
  },
);
