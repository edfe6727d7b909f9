/** A 金蝶KIS desktop program with one 账套, and a person who works it: it imports voucher files from a folder and exports them again. */

import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { z } from "zod";
import { Fault, FaultFile, FaultPlan, parseFaultFile } from "../shared/faults.ts";
import { type Answer, type Exchange, startHttpServer } from "../shared/http.ts";
import { LateWork } from "../shared/misbehave.ts";
import { RequestLog } from "../shared/request-log.ts";
import { addPeriods, type Dialect } from "./model.ts";
import { answerPerson, json } from "./person-face.ts";
import { personExports, personImports, type Tools } from "./person-files.ts";
import { type CompanyBook, plainDeleted, plainVoucher, type Settings, World } from "./world.ts";

export type KingdeeKisOptions = {
  /** 0 or absent takes a free port */
  port?: number;
  host?: string;
  /** the folder of the voucher files; a new one in the system's temporary folder when absent */
  folder?: string;
  /** which edition this is, and so which files it reads and writes; "standard" when absent */
  dialect?: Dialect;
  /** draws faults; 1 when absent */
  seed?: number;
  faults?: readonly z.input<typeof Fault>[];
  /** milliseconds since 1970; the system's clock when absent */
  clock?: () => number;
  /** the 账套; a demonstration company when absent */
  company?: CompanyBook;
  /** first open period when the company does not say; "2025-01" when absent */
  openPeriod?: string;
  settings?: Partial<Settings>;
  /** keeps the books in this folder, so that a restart (also kill -9) finds them again */
  dataDir?: string;
};

export type KingdeeKis = {
  /** where a person works the program: scheme, host, port and "/" */
  baseUrl: string;
  /** scheme, host and port: where /_person and /_sim live */
  origin: string;
  credentials: { folder: string };
  openPeriod: string;
  dialect: Dialect;
  world: World;
  faults: FaultPlan;
  /** late commits that still wait */
  pendingCommits(): number;
  close(): Promise<void>;
};

/** The dump is sent in pieces of about this many characters. */
const DUMP_PIECE_LENGTH = 64 * 1024;
const Clock = z.strictObject({ offsetMs: z.number() });

export const DEMO_COMPANY: CompanyBook = {
  number: "001",
  name: "示例账套",
  items: [
    { number: "M-001", name: "示例物料一" },
    { number: "M-002", name: "示例物料二" },
    { number: "007", name: "示例物料三" },
  ],
  warehouses: [
    { number: "CK01", name: "一号仓" },
    { number: "CK02", name: "二号仓" },
  ],
  suppliers: [{ number: "VEN001", name: "示例供应商" }],
  customers: [{ number: "CUST001", name: "示例客户" }],
  departments: [{ number: "BM001", name: "仓储部" }],
  employees: [{ number: "E001", name: "示例职员" }],
};

/** @throws Error when the port is taken or a fault does not fit */
export async function startKingdeeKis(options: KingdeeKisOptions = {}): Promise<KingdeeKis> {
  const seed = options.seed ?? 1;
  const clock = { offsetMs: 0 };
  const now = (): number => (options.clock ?? Date.now)() + clock.offsetMs;
  const folder = resolve(options.folder ?? mkdtempSync(join(tmpdir(), "kingdee-kis-")));
  mkdirSync(folder, { recursive: true });
  const world = new World({
    folder,
    dialect: options.dialect ?? "standard",
    seed,
    now,
    openPeriod: options.openPeriod ?? "2025-01",
    settings: options.settings ?? {},
    dataDir: options.dataDir,
    company: options.company ?? DEMO_COMPANY,
  });
  const faults = new FaultPlan(seed, FaultFile.parse({ faults: options.faults ?? [] }).faults);
  const server = new Server(world, faults, clock);
  const http = await startHttpServer({
    port: options.port,
    host: options.host,
    now,
    handler: (exchange) => server.handle(exchange),
  });
  return {
    baseUrl: `${http.origin}/`,
    origin: http.origin,
    credentials: { folder },
    openPeriod: world.openPeriod,
    dialect: world.dialect,
    world,
    faults,
    pendingCommits: () => server.late.pending,
    close: async () => {
      server.late.close();
      await http.close();
      world.close();
      // A folder of our own making goes when nobody put anything into it.
      const isOurs = options.folder === undefined && existsSync(folder);
      if (isOurs && readdirSync(folder).length === 0) rmdirSync(folder);
    },
  };
}

class Server {
  readonly late = new LateWork();
  readonly #world: World;
  readonly #faults: FaultPlan;
  readonly #clock: { offsetMs: number };
  readonly #requests = new RequestLog();
  #requestCount = 0;

  constructor(world: World, faults: FaultPlan, clock: { offsetMs: number }) {
    this.#world = world;
    this.#faults = faults;
    this.#clock = clock;
  }

  async handle(exchange: Exchange): Promise<void> {
    this.#requestCount += 1;
    const request = `r${this.#requestCount}`;
    const [, face = "", name = ""] = exchange.path.split("/");
    if (face === "_sim") return this.#sim(name, exchange);
    if (face !== "_person") return exchange.reply(notFound());
    this.#requests.count(name, this.#world.now());
    const tools: Tools = { world: this.#world, faults: this.#faults, late: this.late, request };
    if (exchange.method === "POST" && name === "import") return personImports(exchange, tools);
    if (exchange.method === "POST" && name === "export") return personExports(exchange, tools);
    if (exchange.method === "POST" && name === "faults") return this.#setFaults(exchange);
    exchange.reply(answerPerson(name, exchange, this.#world, request));
  }

  async #sim(name: string, exchange: Exchange): Promise<void> {
    switch (name) {
      case "faults":
        if (exchange.method === "POST") return this.#setFaults(exchange);
        return exchange.reply(json(200, { hits: this.#faults.hits(), faults: this.#faults.standing() }));
      case "requests":
        return exchange.reply(json(200, this.#requests.report()));
      case "books":
        return exchange.replyStream("application/json; charset=utf-8", this.#dump());
      case "clock":
        return this.#tellClock(exchange);
      default:
        return exchange.reply(notFound());
    }
  }

  #tellClock(exchange: Exchange): void {
    if (exchange.method === "POST") this.#clock.offsetMs = Clock.parse(JSON.parse(exchange.text)).offsetMs;
    const now = this.#world.now();
    exchange.reply(json(200, { nowMs: now, now: new Date(now).toISOString(), offsetMs: this.#clock.offsetMs }));
  }

  #setFaults(exchange: Exchange): void {
    try {
      this.#faults.replace(parseFaultFile(exchange.text));
      exchange.reply(json(200, { ok: true, faults: this.#faults.standing() }));
    } catch (error) {
      exchange.reply(json(400, { ok: false, message: error instanceof Error ? error.message : String(error) }));
    }
  }

  /** The whole of the books, piece by piece: what a count of lost and doubled vouchers goes by. */
  *#dump(): Generator<string> {
    const { ledger, dialect, settings, folder } = this.#world;
    const head = {
      vendor: "kingdee-kis",
      sequence: ledger.sequence,
      pendingCommits: this.late.pending,
      dialect,
      folder,
      settings,
      books: [{ ...ledger.book, currentPeriod: addPeriods(ledger.book.closedThrough, 1) }],
    };
    yield `${JSON.stringify(head).slice(0, -1)},"vouchers":[`;
    let piece = "";
    let separator = "";
    for (const voucher of ledger.vouchers.values()) {
      piece += `${separator}${JSON.stringify(plainVoucher(voucher))}`;
      separator = ",\n";
      if (piece.length < DUMP_PIECE_LENGTH) continue;
      yield piece;
      piece = "";
    }
    yield piece;
    yield `],"deleted":[${ledger.deleted.map((deleted) => JSON.stringify(plainDeleted(deleted))).join(",\n")}]}\n`;
  }
}

function notFound(): Answer {
  return { status: 404, contentType: "text/plain; charset=utf-8", body: "not found" };
}
