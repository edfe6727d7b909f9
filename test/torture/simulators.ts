import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { z } from "zod";

/** One simulated ERP of one run: fresh books, its own faults. */
export interface RunSimulator {
  readonly baseUrl: string;
  readonly secrets: Readonly<Record<string, string>>;
  setFaults(faults: readonly object[]): Promise<void>;
  /** Hits per kind of fault. */
  hits(): Promise<Readonly<Record<string, number>>>;
  /** The books as the simulator itself dumps them. */
  books(): Promise<Books>;
  close(): Promise<void>;
}

const BookedVoucher = z.looseObject({
  external: z.string(),
  invalid: z.boolean(),
  entries: z.array(z.looseObject({ explanation: z.string(), debit: z.string() })),
  origin: z.looseObject({ request: z.string() }),
});
const Books = z.looseObject({ pendingCommits: z.number(), vouchers: z.array(BookedVoucher) });
export type Books = z.infer<typeof Books>;
export type BookedVoucher = z.infer<typeof BookedVoucher>;

const Started = z.object({
  id: z.number(),
  baseUrl: z.string(),
  origin: z.string(),
  credentials: z.record(z.string(), z.union([z.string(), z.number()])),
});
const Hits = z.object({ hits: z.record(z.string(), z.number()) });
const START_LIMIT_MS = 30_000;

/** A process of its own holds the simulated ERPs: they keep their pace when our side is busy, and use the other core. */
export class SimulatorProcess {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (started: z.infer<typeof Started>) => void>();
  #count = 0;

  constructor() {
    this.#child = fork(fileURLToPath(new URL("./simulator-host.ts", import.meta.url)), [], {
      execArgv: ["--import", import.meta.resolve("tsx")],
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    this.#child.on("message", (message) => {
      const started = Started.parse(message);
      this.#waiting.get(started.id)?.(started);
      this.#waiting.delete(started.id);
    });
  }

  async start(options: { readonly seed: number; readonly latencyMs?: number }): Promise<RunSimulator> {
    this.#count += 1;
    const id = this.#count;
    const { origin, baseUrl, credentials } = await new Promise<z.infer<typeof Started>>((resolve, reject) => {
      const limit = setTimeout(() => reject(new Error("the simulator did not start")), START_LIMIT_MS);
      this.#waiting.set(id, (started) => {
        clearTimeout(limit);
        resolve(started);
      });
      this.#child.send({ act: "start", id, ...options });
    });
    const secrets = Object.fromEntries(Object.entries(credentials).map(([name, value]) => [name, String(value)]));
    return {
      baseUrl,
      secrets,
      setFaults: async (faults) => {
        const answer = await fetch(`${origin}/_sim/faults`, { method: "POST", body: JSON.stringify({ faults }) });
        if (!answer.ok) throw new Error(await answer.text());
      },
      hits: async () => Hits.parse(await (await fetch(`${origin}/_sim/faults`)).json()).hits,
      books: async () => Books.parse(await (await fetch(`${origin}/_sim/books`)).json()),
      close: async () => {
        this.#child.send({ act: "close", id });
      },
    };
  }

  stop(): void {
    if (this.#child.connected) this.#child.disconnect();
  }
}
