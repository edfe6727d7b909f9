import http from "node:http";
import type { AddressInfo } from "node:net";
import { z } from "zod";
import { type PostingDependencies, postBatch } from "../../activities/posting.ts";
import type { VoucherTarget } from "../../connectors/contract.ts";
import { createKingdeeCloud } from "../../connectors/kingdee-cloud/connector.ts";
import { type Database, inTransaction, openDatabase } from "../../db/database.ts";
import * as postingStore from "../../db/posting-store.ts";
import { insertPostings } from "../../db/voucher-store.ts";
import type { LedgerConfig } from "../../domain/installation.ts";
import { draftOf } from "../torture/drafting.ts";
import { type RunSimulator, SimulatorProcess } from "../torture/simulators.ts";
import { type Bench, atLeast, median, secondsOf } from "./bench.ts";

const IN_FLIGHT = 16;
const BATCH = 5;
const LATENCY_MS = 50;
/** Batches under way: while some are being written down, the others keep the ERP busy. */
const LANES = 24;
const ROUNDS = 3;
/** Sixteen waves: long enough that its start and its end do not count. */
const VOUCHERS = IN_FLIGHT * BATCH * 16;
const LIMIT = 0.9;
const COMPANY = "bench";
const LEDGER = "bench-gl";
const BOOK = "001";

/**
 * Vouchers through claim, stamp, send, submit, audit, read-back and every statement in between, against a bare loop that
 * makes the same requests to the same simulated ERP, which answers after 50 ms.
 */
export const posting: Bench = async ({ databaseUrl, begin, say }) => {
  const simulators = new SimulatorProcess();
  // A connection per lane, or the statements of one wait for those of another.
  const database = openDatabase(databaseUrl, LANES);
  try {
    const simulator = await simulators.start({ seed: 1, latencyMs: LATENCY_MS });
    const exchanges = await recordOneBatch(database, simulator);
    const traffic = new Traffic();
    const target = targetAt(simulator, simulator.baseUrl, traffic);
    say(`${exchanges.length} requests for ${BATCH} vouchers, ${IN_FLIGHT} in flight, ${LATENCY_MS} ms each`);
    await begin();
    const ratios: number[] = [];
    for (let round = 0; round <= ROUNDS; round += 1) {
      await draft(database, `round-${round}`, VOUCHERS);
      const bare = await secondsOf(() => bareLoop(simulator.baseUrl, exchanges));
      traffic.forget();
      const ours = await secondsOf(() => postAll(database, target, VOUCHERS));
      if (traffic.peak > IN_FLIGHT) throw new Error(`${traffic.peak} requests were in flight at once`);
      say(
        `round ${round}: bare loop ${rate(bare)} vouchers/s, posting ${rate(ours)} vouchers/s, ${(traffic.seconds / ours).toFixed(1)} in flight on average`,
      );
      // The first round warms both up. Neighbours are compared: the machine may be slower in one round than in another.
      if (round > 0) ratios.push(bare / ours);
    }
    await target.close();
    return [atLeast("posting", median(ratios), LIMIT)];
  } finally {
    simulators.stop();
    await database.close();
  }
};

const rate = (seconds: number): string => (VOUCHERS / seconds).toFixed(0);

/** How many requests are under way, as the connection tells it. */
class Traffic {
  #now = 0;
  peak = 0;
  /** Of all requests together. */
  seconds = 0;

  readonly begin = (): Promise<void> => {
    this.#now += 1;
    this.peak = Math.max(this.peak, this.#now);
    return Promise.resolve();
  };

  readonly end = (_lane: string, seconds: number): void => {
    this.#now -= 1;
    this.seconds += seconds;
  };

  forget(): void {
    this.peak = this.#now;
    this.seconds = 0;
  }
}

function targetAt({ secrets }: RunSimulator, baseUrl: string, traffic: Traffic): VoucherTarget {
  const settings = {
    authentication: "session",
    books: { [BOOK]: "100" },
    batchMax: BATCH,
    parallelReads: IN_FLIGHT,
  };
  return createKingdeeCloud(settings, {
    connection: "bench",
    baseUrl,
    secrets,
    pacer: { permit: traffic.begin },
    onRequest: traffic.end,
    now: () => new Date(),
    log: () => undefined,
  });
}

const ledger: LedgerConfig = {
  code: LEDGER,
  company: COMPANY,
  connection: "bench",
  book: BOOK,
  currency: "CNY",
  word: "记",
  targetStage: "audited",
  estimateStyle: "reverse-on-invoice",
  closedPeriod: "hold",
  averagingScope: "company",
  codeTables: {},
  approval: false,
  leaseMs: 120_000,
  deadlineMs: 60_000,
  settlingMs: 60_000,
  settings: {},
};

async function postAll(database: Database, target: VoucherTarget, vouchers: number): Promise<void> {
  const dependencies: PostingDependencies = {
    database,
    store: postingStore,
    target,
    ledger,
    worker: "bench",
    timing: ledger,
    lanes: LANES,
    onStep: async () => undefined,
    heartbeat: () => undefined,
    count: () => undefined,
  };
  const { verified, left } = await postBatch(dependencies, vouchers);
  if (verified !== vouchers || left !== 0) throw new Error(`${verified} of ${vouchers} verified, ${left} left`);
}

async function draft(database: Database, name: string, vouchers: number): Promise<void> {
  await inTransaction(database, async (client) => {
    const ids = await client.query<{ id: string }>("SELECT zs_next_id()::text AS id FROM generate_series(1, $1::int)", [
      vouchers,
    ]);
    const target = { company: COMPANY, ledger: LEDGER, book: BOOK, targetStage: ledger.targetStage };
    const postings = ids.rows.map(({ id }, index) => {
      const number = `${name}-${index}`;
      return draftOf([{ number, movementId: id, amount: `${index + 1}.50` }], number, target);
    });
    await insertPostings(client, postings);
  });
}

// ------------------------------------------------------------------------------------------ the bare loop

/** One request of the batch that was recorded, with what it said and what came back. */
interface RecordedExchange {
  readonly path: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
  readonly answer: string;
}

/** Posts the first voucher, which goes alone, and then one batch through a recorder in front of the simulated ERP. */
async function recordOneBatch(database: Database, simulator: RunSimulator): Promise<readonly RecordedExchange[]> {
  const recorded: RecordedExchange[] = [];
  const upstream = new URL(simulator.baseUrl);
  const recorder = http.createServer((request, response) => {
    void readText(request).then(async (body) => {
      const path = request.url ?? "/";
      const { text, headers } = await send(undefined, upstream, path, request.headers, body);
      recorded.push({ path, headers: request.headers, body, answer: text });
      response.writeHead(200, { "content-type": "application/json", ...cookies(headers) }).end(text);
    });
  });
  await new Promise<void>((resolve) => recorder.listen(0, "127.0.0.1", resolve));
  const { port } = recorder.address() as AddressInfo;
  const target = targetAt(simulator, `http://127.0.0.1:${port}${upstream.pathname}`, new Traffic());
  try {
    await draft(database, "first", 1);
    await postAll(database, target, 1);
    recorded.length = 0;
    await draft(database, "recorded", BATCH);
    await postAll(database, target, BATCH);
  } finally {
    recorder.close();
    recorder.closeAllConnections();
  }
  // The session stays: the bare loop works in it.
  return recorded;
}

const cookies = (headers: http.IncomingHttpHeaders): http.OutgoingHttpHeaders =>
  headers["set-cookie"] === undefined ? {} : { "set-cookie": headers["set-cookie"] };

/** The same requests in the same order, with the ids that each batch was given; as many batches at once as there are lanes. */
async function bareLoop(baseUrl: string, exchanges: readonly RecordedExchange[]): Promise<void> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: IN_FLIGHT });
  const upstream = new URL(baseUrl);
  const recordedIds = idsIn(exchanges[0]?.answer ?? "");
  let left = VOUCHERS / BATCH;
  const lane = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      let ids = recordedIds;
      for (const [index, { path, headers, body }] of exchanges.entries()) {
        const own = recordedIds.reduce((text, id, at) => text.replaceAll(id, ids[at] ?? id), body);
        const { text } = await send(agent, upstream, path, headers, own);
        if (index === 0) ids = idsIn(text);
      }
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  agent.destroy();
}

const Saved = z.object({
  Result: z.object({
    ResponseStatus: z.object({ SuccessEntitys: z.array(z.object({ Id: z.number() })).length(BATCH) }),
  }),
});
/** The ids that a BatchSave gave. */
const idsIn = (answer: string): readonly string[] =>
  Saved.parse(JSON.parse(answer)).Result.ResponseStatus.SuccessEntitys.map(({ Id }) => String(Id));

function send(
  agent: http.Agent | undefined,
  { hostname, port }: URL,
  path: string,
  headers: http.IncomingHttpHeaders,
  body: string,
): Promise<{ readonly text: string; readonly headers: http.IncomingHttpHeaders }> {
  return new Promise((resolve, reject) => {
    const own = { ...headers, host: `${hostname}:${port}`, "content-length": String(Buffer.byteLength(body)) };
    const options = { hostname, port, path, method: "POST", headers: own, ...(agent === undefined ? {} : { agent }) };
    const request = http.request(options, (response) => {
      readText(response).then((text) => resolve({ text, headers: response.headers }), reject);
    });
    request.on("error", reject).end(body);
  });
}

async function readText(stream: http.IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of stream) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces).toString("utf8");
}
