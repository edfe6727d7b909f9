import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { ZhangshiError } from "../../domain/errors.ts";
import { checkedBaseUrl, isRefusedAddress } from "./address.ts";
import { exactNumber, parseVendorJson, writeVendorJson } from "./json.ts";
import { redactor } from "./redaction.ts";
import { VendorHttp, type VendorHttpOptions } from "./vendor-http.ts";

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

const portOf = (server: { address(): AddressInfo | string | null }): number => {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
};
const serve = async (listener: RequestListener): Promise<string> => {
  const server: Server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${portOf(server)}/app`;
};
const connect = (baseUrl: string, more: Partial<VendorHttpOptions> = {}): VendorHttp => {
  const http = new VendorHttp({
    baseUrl,
    pacer: { permit: async () => undefined },
    now: () => new Date(),
    secrets: ["s3cret/value"],
    ...more,
  });
  closers.push(() => http.close());
  return http;
};
const inMs = (ms: number): Date => new Date(Date.now() + ms);
const call = { lane: "save", path: "save", body: { amount: exactNumber("12.500") } };

test("numbers come and go as decimal text, however long they are", () => {
  expect(parseVendorJson('{"a":12345678901234567890.10,"b":1.5E+3,"c":"12","d":0.0000000001}')).toEqual({
    a: "12345678901234567890.10",
    b: "1500",
    c: "12",
    d: "0.0000000001",
  });
  expect(writeVendorJson({ a: exactNumber("-12.50"), b: "01" })).toBe('{"a":-12.50,"b":"01"}');
});

test.each([
  ["1.5E+3", "1500"],
  ["1e0", "1"],
  ["12.34e1", "123.4"],
  ["-1.2e-3", "-0.0012"],
  ["0e-7", "0"],
  ["123e-2", "1.23"],
  ["1E10", "10000000000"],
])("the number %s arrives as %s", (sent, arrived) => {
  expect(parseVendorJson(sent)).toBe(arrived);
});

test("an exponent out of all measure is no readable answer", () => {
  expect(() => parseVendorJson('{"a":1e999999999}')).toThrow(SyntaxError);
});

test("an answer keeps its numbers, its cookies and goes through the pacer's lane", async () => {
  const lanes: string[] = [];
  const bodies: string[] = [];
  const baseUrl = await serve((request, response) => {
    request.setEncoding("utf8").on("data", (part: string) => bodies.push(part));
    request.on("end", () => {
      response.setHeader("Set-Cookie", ["a=1; path=/", "b=2"]);
      response.end('{"total":0.10}');
    });
  });
  const http = connect(baseUrl, { pacer: { permit: async (lane) => void lanes.push(lane) } });
  const answer = await http.write(call, inMs(5_000));
  expect(answer).toMatchObject({ kind: "answered", status: 200, body: { total: "0.10" } });
  expect(answer.kind === "answered" && answer.headers["set-cookie"]).toBe("a=1; path=/\nb=2");
  expect(bodies).toEqual(['{"amount":12.500}']);
  expect(lanes).toEqual(["save"]);
});

test("a refused connection proves that nothing ran", async () => {
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const port = portOf(server);
  await new Promise((resolve) => server.close(resolve));
  expect(await connect(`http://127.0.0.1:${port}`).write(call, inMs(5_000))).toMatchObject({
    kind: "not-sent",
    code: "NOT_REACHABLE",
  });
});

test("a name that does not exist proves that nothing ran", async () => {
  expect(await connect("http://no-such-host.invalid").write(call, inMs(5_000))).toMatchObject({ kind: "not-sent" });
});

test("a connection cut before the answer is no answer, one cut inside the answer is half an answer", async () => {
  const baseUrl = await serve((request, response) => {
    if (request.url?.endsWith("half") === true) {
      response.writeHead(200, { "Content-Length": "100" });
      response.write('{"a":', () => request.socket.destroy());
    } else request.socket.destroy();
  });
  const http = connect(baseUrl);
  expect((await http.write(call, inMs(5_000))).kind).toBe("no-answer");
  expect((await http.write({ ...call, path: "half" }, inMs(5_000))).kind).toBe("half");
});

test("a proxy's page is unreadable and an over-long answer too", async () => {
  const baseUrl = await serve((_request, response) => response.end("<html>busy</html>"));
  expect(await connect(baseUrl).write(call, inMs(5_000))).toMatchObject({ kind: "unreadable", status: 200 });
  expect((await connect(baseUrl, { answerBytesMax: 4 }).write(call, inMs(5_000))).kind).toBe("unreadable");
});

test("a passed deadline sends nothing, also when it passes while waiting for the pacer", async () => {
  let arrived = 0;
  const baseUrl = await serve((_request, response) => {
    arrived += 1;
    response.end("{}");
  });
  expect(await connect(baseUrl).write(call, inMs(-1))).toMatchObject({ kind: "not-sent", code: "DEADLINE_PASSED" });
  const slowPacer = { permit: () => new Promise<void>((resolve) => setTimeout(resolve, 60)) };
  expect(await connect(baseUrl, { pacer: slowPacer }).write(call, inMs(20))).toMatchObject({ code: "DEADLINE_PASSED" });
  expect(arrived).toBe(0);
});

test("the deadline is looked at again as the last act before the socket", async () => {
  let arrived = 0;
  const baseUrl = await serve((_request, response) => {
    arrived += 1;
    response.end("{}");
  });
  // The clock jumps while the headers are made, as when the process was frozen after the permit.
  let clock = Date.now();
  const http = connect(baseUrl, { now: () => new Date(clock) });
  const headers = () => {
    clock += 60_000;
    return {};
  };
  expect(await http.write({ ...call, headers }, inMs(5_000))).toMatchObject({
    kind: "not-sent",
    code: "DEADLINE_PASSED",
  });
  expect(arrived).toBe(0);
});

test("at the deadline the request is abandoned and its outcome is unknown", async () => {
  const baseUrl = await serve(() => undefined);
  const began = Date.now();
  expect((await connect(baseUrl).write(call, inMs(150))).kind).toBe("no-answer");
  expect(Date.now() - began).toBeLessThan(2_000);
});

test("a read is tried again after a hiccup, a write never", async () => {
  let arrived = 0;
  const baseUrl = await serve((_request, response) => {
    arrived += 1;
    response.writeHead(arrived % 2 === 1 ? 503 : 200).end("{}");
  });
  const http = connect(baseUrl);
  expect(await http.read(call)).toMatchObject({ kind: "answered", status: 200 });
  expect(arrived).toBe(2);
  expect(await http.write(call, inMs(5_000))).toMatchObject({ kind: "answered", status: 503 });
  expect(arrived).toBe(3);
});

test("sockets are kept and reused", async () => {
  const sockets = new Set<unknown>();
  const baseUrl = await serve((request, response) => {
    sockets.add(request.socket);
    response.end("{}");
  });
  const http = connect(baseUrl);
  for (let index = 0; index < 3; index += 1) await http.read(call);
  expect(sockets.size).toBe(1);
});

test("secrets leave in no spelling", () => {
  const redact = redactor(["s3cret/value", "ab"]);
  const seen = redact(
    `s3cret/value ${encodeURIComponent("s3cret/value")} ${Buffer.from("s3cret/value").toString("base64")} ab`,
  );
  expect(seen).toBe("*** *** *** ab");
});

test("an unreadable answer that repeats a secret is shown without it", async () => {
  const baseUrl = await serve((_request, response) => response.end("<p>s3cret/value</p>"));
  const answer = await connect(baseUrl).write(call, inMs(5_000));
  expect(answer.kind === "unreadable" && answer.message).toContain("<p>***</p>");
});

test.each([
  "http://169.254.169.254/",
  "http://[fe80::1]/",
  "http://[::ffff:169.254.169.254]/",
  "http://[::ffff:a9fe:a9fe]/",
  "http://[64:ff9b::169.254.169.254]/",
  "http://2852039166/",
  "http://0xa9.0xfe.0xa9.0xfe/",
  "http://168.63.129.16/",
  "http://metadata.google.internal/",
  "http://metadata.google.internal./",
  "http://100.100.100.200/",
  "ftp://erp.example.test/",
  "http://user:pass@erp.example.test/",
  "erp",
])("the base URL %s is refused", (baseUrl) => {
  expect(() => checkedBaseUrl(baseUrl)).toThrow(ZhangshiError);
});

test("a refused address may be allowed by name, and private networks are ordinary", () => {
  expect(checkedBaseUrl("http://169.254.10.1/k3cloud", ["169.254.10.1"]).href).toBe("http://169.254.10.1/k3cloud/");
  expect(checkedBaseUrl("http://192.168.1.10/k3cloud").pathname).toBe("/k3cloud/");
  expect(isRefusedAddress("10.0.0.1")).toBe(false);
});

const makeCertificate = (): { key: string; cert: string } | undefined => {
  const folder = mkdtempSync(join(tmpdir(), "zhangshi-tls-"));
  try {
    const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
    const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"];
    execFileSync(
      "openssl",
      ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"].concat(subject, [
        "-keyout",
        key,
        "-out",
        cert,
      ]),
      { stdio: "ignore" },
    );
    return { key: readFileSync(key, "utf8"), cert: readFileSync(cert, "utf8") };
  } catch {
    return undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};
const certificate = makeCertificate();

test.skipIf(certificate === undefined)(
  "an untrusted certificate proves that nothing ran; a private CA is trusted",
  async () => {
    let arrived = 0;
    const server = createSecureServer(certificate ?? {}, (_request, response) => {
      arrived += 1;
      response.end("{}");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    closers.push(() => {
      server.closeAllConnections();
      server.close();
    });
    const baseUrl = `https://127.0.0.1:${portOf(server)}`;
    expect(await connect(baseUrl).write(call, inMs(5_000))).toMatchObject({ kind: "not-sent", code: "NOT_REACHABLE" });
    expect(arrived).toBe(0);
    const trusting = connect(baseUrl, { certificateAuthority: certificate?.cert });
    expect(await trusting.write(call, inMs(5_000))).toMatchObject({ kind: "answered" });
    expect(await trusting.write(call, inMs(5_000))).toMatchObject({ kind: "answered" });
  },
);

test.skipIf(certificate === undefined)("TLS is verified, whatever the environment says", async () => {
  const server = createSecureServer(certificate ?? {}, (_request, response) => response.end("{}"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const before = process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
  process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0";
  try {
    const answer = await connect(`https://127.0.0.1:${portOf(server)}`).write(call, inMs(5_000));
    expect(answer).toMatchObject({ kind: "not-sent", code: "NOT_REACHABLE" });
  } finally {
    if (before === undefined) delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
    else process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = before;
  }
});

test("bytes go out as they are, and an answer is decoded by whoever knows its encoding", async () => {
  const arrived: Buffer[] = [];
  const gbk = Buffer.from([0xbf, 0xe2, 0xb4, 0xe6]);
  const baseUrl = await serve((request, response) => {
    request.on("data", (part: Buffer) => arrived.push(part));
    // Cut inside a character: only the whole can be decoded.
    request.on("end", () => {
      response.write(gbk.subarray(0, 1));
      setTimeout(() => response.end(gbk.subarray(1)), 20);
    });
  });
  const decode = (bytes: Buffer): string => new TextDecoder("gbk").decode(bytes);
  const answer = await connect(baseUrl).write({ ...call, body: gbk, answer: "text", decode }, inMs(5_000));
  expect(answer).toMatchObject({ kind: "answered", text: "库存" });
  expect(Buffer.concat(arrived)).toEqual(gbk);
});

test("a link that leads to another server is not followed, and takes no credentials along", async () => {
  let strangers = 0;
  const elsewhere = await serve((_request, response) => {
    strangers += 1;
    response.end("{}");
  });
  const baseUrl = await serve((_request, response) => response.end("{}"));
  const http = connect(baseUrl);
  for (const path of [`${elsewhere}/next`, elsewhere.replace("http:", "")])
    expect(await http.write({ ...call, path }, inMs(5_000))).toMatchObject({ kind: "not-sent", code: "NOT_REACHABLE" });
  expect(await http.write({ ...call, path: `${baseUrl}/next` }, inMs(5_000))).toMatchObject({ kind: "answered" });
  expect(strangers).toBe(0);
});
