import { request } from "node:http";
import { afterEach, expect, test } from "vitest";
import { type ArmedFault, type Fault, FaultPlan } from "./faults.ts";
import { type HttpServer, startHttpServer } from "./http.ts";
import { LateWork, perform } from "./misbehave.ts";

let open: { server: HttpServer; late: LateWork } | undefined;

afterEach(async () => {
  open?.late.close();
  await open?.server.close();
  open = undefined;
});

type Seen = { status: number; body: string; headers: Record<string, unknown> } | "cut" | "silence";

/** Sends one request; "cut" when the connection breaks, "silence" when nothing comes for a while. */
function send(origin: string, silenceMs = 300): Promise<Seen> {
  return new Promise((resolve) => {
    const call = request(origin, { method: "POST", agent: false }, (response) => {
      let body = "";
      response.on("data", (chunk: Buffer) => {
        body += chunk.toString();
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body, headers: response.headers }));
      response.on("error", () => resolve("cut"));
    });
    call.on("error", () => resolve("cut"));
    call.setTimeout(silenceMs, () => {
      resolve("silence");
      call.destroy();
    });
    call.end("{}");
  });
}

async function serve(fault: Fault | undefined): Promise<{ origin: string; done: (ArmedFault | undefined)[] }> {
  const done: (ArmedFault | undefined)[] = [];
  const faults = new FaultPlan(1, fault ? [fault] : []);
  const late = new LateWork();
  const server = await startHttpServer({
    handler: (exchange) =>
      perform(
        exchange,
        { operation: "save", text: exchange.text, writes: true, creates: true, elements: 3 },
        {
          run: (armed) => {
            done.push(armed);
            return { status: 200, body: "x".repeat(1000) };
          },
          failure: () => ({ status: 200, body: "failure" }),
          sessionLost: () => ({ status: 200, body: "lost" }),
          throttled: () => ({ status: 200, body: "throttled" }),
        },
        { faults, late },
      ),
  });
  open = { server, late };
  return { origin: server.origin, done };
}

test("every answer carries a Date header and its full length", async () => {
  const { origin } = await serve(undefined);
  const seen = await send(origin);
  expect(seen).toMatchObject({ status: 200, headers: { "content-length": "1000" } });
  expect(seen).toHaveProperty("headers.date");
});

const EXPECTED: [kind: Fault["kind"], seen: unknown, commits: number][] = [
  ["lose-before", "cut", 0],
  ["lose-after", "cut", 1],
  ["half-answer", "cut", 1],
  ["unreadable", { status: 200 }, 1],
  ["500-before", { status: 500 }, 0],
  ["500-after", { status: 500 }, 1],
  ["200-failure", { status: 200, body: "failure" }, 0],
  ["failure-after", { status: 200, body: "failure" }, 1],
  ["hang", "silence", 0],
  ["hang-after", "silence", 1],
  ["session-lost", { body: "lost" }, 0],
  ["throttled", { body: "throttled" }, 0],
  ["already-exists", { status: 200 }, 1],
  ["apply-twice", { status: 200 }, 1],
];

test.each(EXPECTED)(
  "%s: the caller sees what it should, and exactly what it says is done",
  async (kind, seen, commits) => {
    const { origin, done } = await serve({ kind, operation: "*" });
    const answer = await send(origin);
    if (typeof seen === "string") expect(answer).toBe(seen);
    else expect(answer).toMatchObject(seen ?? {});
    expect(done).toHaveLength(commits);
  },
);

test("a late commit cuts the connection first and is done after its delay", async () => {
  const { origin, done } = await serve({ kind: "late-commit", operation: "*", delayMs: 80 });
  expect(await send(origin)).toBe("cut");
  expect(done).toHaveLength(0);
  expect(open?.late.pending).toBe(1);
  await expect.poll(() => done.length, { timeout: 2_000 }).toBe(1);
  await expect.poll(() => open?.late.pending).toBe(0);
});
