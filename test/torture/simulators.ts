import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { Stage } from "../../domain/posting.ts";
import type { BookedVoucher, Served } from "./ledgers/ledger.ts";
import { tortureLedger } from "./ledgers/registry.ts";

/** One simulated ERP of one run: fresh books, its own faults. */
export interface RunSimulator extends Pick<Served, "baseUrl" | "secrets" | "settings" | "stages"> {
  setFaults(faults: readonly object[]): Promise<void>;
  /** Hits per kind of fault. */
  hits(): Promise<Readonly<Record<string, number>>>;
  /** The books as the simulator itself has them. */
  books(): Promise<Books>;
  close(): Promise<void>;
}

export interface Books {
  readonly pendingCommits: number;
  readonly vouchers: readonly BookedVoucher[];
  /** The same as the simulator told it, for whoever wants to recount. */
  readonly dump: unknown;
}
const Dump = z.looseObject({ pendingCommits: z.number() });

const Started = z.object({
  id: z.number(),
  baseUrl: z.string(),
  origin: z.string(),
  secrets: z.record(z.string(), z.string()),
  settings: z.record(z.string(), z.unknown()),
  stages: z.array(Stage.exclude(["none"])),
});
const Hits = z.object({ hits: z.record(z.string(), z.number()) });
const START_LIMIT_MS = 30_000;

/** A process of its own holds the simulated ERPs: they keep their pace when our side is busy, and use the other core. */
export class SimulatorProcess {
  readonly vendor: string;
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (started: z.infer<typeof Started>) => void>();
  #count = 0;

  /** @throws Error when the vendor is unknown */
  constructor(vendor = "kingdee-cloud") {
    tortureLedger(vendor);
    this.vendor = vendor;
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
    const { origin, ...served } = await new Promise<z.infer<typeof Started>>((resolve, reject) => {
      const limit = setTimeout(() => reject(new Error("the simulator did not start")), START_LIMIT_MS);
      this.#waiting.set(id, (started) => {
        clearTimeout(limit);
        resolve(started);
      });
      this.#child.send({ act: "start", id, vendor: this.vendor, ...options });
    });
    const { dumpPath, readDump } = tortureLedger(this.vendor);
    return {
      ...served,
      setFaults: async (faults) => {
        const answer = await fetch(`${origin}/_sim/faults`, { method: "POST", body: JSON.stringify({ faults }) });
        if (!answer.ok) throw new Error(await answer.text());
      },
      hits: async () => Hits.parse(await (await fetch(`${origin}/_sim/faults`)).json()).hits,
      books: async () => {
        const dump: unknown = await (await fetch(origin + dumpPath)).json();
        return { pendingCommits: Dump.parse(dump).pendingCommits, vouchers: readDump(dump), dump };
      },
      close: async () => {
        this.#child.send({ act: "close", id });
      },
    };
  }

  stop(): void {
    if (this.#child.connected) this.#child.disconnect();
  }
}
