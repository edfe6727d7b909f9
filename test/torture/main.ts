import { createWriteStream } from "node:fs";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { z } from "zod";
import { openDatabase } from "../../db/database.ts";
import { migrateToLatest } from "../../db/migrate.ts";
import { startPostgres } from "../../embedded/postgres.ts";
import { dropConstraints } from "./drafting.ts";
import type { RunResult } from "./ledger-run.ts";
import { runOnce } from "./run.ts";
import { tortureVendors } from "./ledgers/registry.ts";
import { SimulatorProcess } from "./simulators.ts";
import type { Protection } from "./faults.ts";
import { throughTemporal } from "./through-temporal.ts";
import { Total } from "./total.ts";

const HELP = `npm run torture -- [--runs N] [--seed S] [--lanes N] [--ledger VENDOR] [--without PROTECTION] [--dump FILE]

Posts vouchers through the real protocol, connector and database to simulated ERPs that misbehave, with workers that
crash and freeze, and counts what came of it from the simulators' own books.

  --runs N      how many runs (default 50); each has a fresh ledger, fresh books and at least 20 keys
  --seed S      what is drawn (default 1)
  --lanes N     runs at once (default 12)
  --ledger V    whose ledger (default kingdee-cloud): ${tortureVendors.join(", ")}
  --dump FILE   where the simulators' books go, one run a line (default: among the temporary files)
  --in-process  leaves out the runs through Temporal: one in ten, with the worker killed, Temporal and PostgreSQL restarted
  --without P   switches one protection off, and draws the fault that it protects from in every run:
                  lookup      uncertain postings are sent again without asking the ERP
                  lease       whatever was claimed is sent, however late and whoever holds it by now
                  settling    absence counts at once, although the ERP may still commit
                  constraint  the database takes a movement into two vouchers, and a key twice

The last line of the output is one JSON object: runs, keys, faults (hits per kind), lost (documents in no voucher),
doubled (keys or documents booked twice), doubledDetected (keys booked twice because the ERP committed beyond the
settling time or applied a request twice, and named by the finder of doubles; nothing excuses a double where the ERP
itself lets a key in once), falselyPosted (our state says booked and the books do not, the other way round, or another
amount), uncertainLeft, booksDump.

Exit code 0: lost, doubled, falselyPosted and uncertainLeft are zero; with --without: something was lost or doubled.
`;

/** One run in so many goes through Temporal. */
const TEMPORAL_EVERY = 10;
const CONNECTIONS_PER_LANE = 5;
/** PostgreSQL takes 200. */
const CONNECTIONS_MAX = 150;

const whole = z.string().regex(/^\d+$/, "a whole number").transform(Number);
const Options = z.strictObject({
  runs: whole.pipe(z.number().min(1).max(1_000_000)).default(50),
  seed: whole.default(1),
  lanes: whole.pipe(z.number().min(1).max(64)).default(12),
  dump: z.string().min(1).optional(),
  ledger: z.enum(tortureVendors).default("kingdee-cloud"),
  without: z.enum(["lookup", "lease", "settling", "constraint"]).optional(),
  "in-process": z.boolean().default(false),
  help: z.boolean().default(false),
});
type Options = z.infer<typeof Options>;

const options = readOptions();
if (options.help) process.stdout.write(HELP);
else process.exitCode = await torture(options);

function readOptions(): Options {
  const text = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  const named = {
    runs: text,
    seed: text,
    lanes: text,
    ledger: text,
    dump: text,
    without: text,
    "in-process": flag,
    help: flag,
  };
  try {
    return Options.parse(parseArgs({ options: named }).values);
  } catch (error) {
    const reason =
      error instanceof z.ZodError ? z.prettifyError(error) : error instanceof Error ? error.message : String(error);
    process.stderr.write(`${reason}\n\n${HELP}`);
    process.exit(2);
  }
}

async function torture(given: Options): Promise<number> {
  const { runs, seed, lanes, without, dump } = given;
  const say = (line: string): boolean => process.stderr.write(`${line}\n`);
  const booksDump = dump ?? join(tmpdir(), `zhangshi-torture-${seed}-${process.pid}.jsonl`);
  const file = createWriteStream(booksDump);
  const simulators = new SimulatorProcess(given.ledger);
  const total = new Total();
  const onResult = (result: RunResult): void => {
    total.add(result);
    const { run, documents, postings, books, verdict } = result;
    file.write(`${JSON.stringify({ run, documents, postings, verdict, books: books.dump })}\n`);
    say(lineOf(result, total.runs, runs));
  };
  const all = Array.from({ length: runs }, (_, run) => run);
  const isThroughTemporal = (run: number): boolean =>
    without === undefined && !given["in-process"] && run % TEMPORAL_EVERY === 0;
  try {
    await Promise.all([
      throughTemporal({ runs: all.filter(isThroughTemporal), seed, simulators, say, onResult }),
      inProcess(
        all.filter((run) => !isThroughTemporal(run)),
        lanes,
        { seed, simulators, without, say },
        onResult,
      ),
    ]);
  } finally {
    simulators.stop();
    file.end();
    await once(file, "close");
  }
  process.stdout.write(`${JSON.stringify(total.summary(booksDump))}\n`);
  if (without !== undefined) return total.lost + total.doubled > 0 ? 0 : 1;
  return total.isClean() ? 0 : 1;
}

interface Common {
  readonly seed: number;
  readonly simulators: SimulatorProcess;
  readonly without: Protection | undefined;
  readonly say: (line: string) => void;
}

/** Several runs at once against one throw-away PostgreSQL. */
async function inProcess(
  runs: readonly number[],
  lanes: number,
  { seed, simulators, without, say }: Common,
  onResult: (result: RunResult) => void,
): Promise<void> {
  if (runs.length === 0) return;
  const environment = { ...process.env, ZHANGSHI_DATABASE_URL: undefined };
  const postgres = await startPostgres({ throwAway: true, environment, progress: say });
  try {
    await migrateToLatest(postgres.url);
    const database = openDatabase(postgres.url, Math.min(lanes * CONNECTIONS_PER_LANE, CONNECTIONS_MAX));
    try {
      if (without === "constraint") await dropConstraints(database);
      const waiting = [...runs];
      const lane = async (): Promise<void> => {
        for (let run = waiting.shift(); run !== undefined; run = waiting.shift())
          onResult(await runOnce({ run, seed, database, simulators, without }));
      };
      await Promise.all(Array.from({ length: Math.min(lanes, runs.length) }, lane));
    } finally {
      await database.close();
    }
  } finally {
    await postgres.stop();
  }
}

function lineOf({ run, keys, verdict, broken, seconds }: RunResult, done: number, runs: number): string {
  const findings = Object.entries(verdict).flatMap(([name, list]: [string, readonly string[]]) =>
    list.length === 0 ? [] : [`${name}: ${list.join(" ")}`],
  );
  const rest = [...findings, ...broken.map((message) => `broken: ${message}`)];
  return [`[${done}/${runs}] run ${run}: ${keys} keys, ${seconds.toFixed(1)} s`, ...rest].join("\n    ");
}
