import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseEnv } from "node:util";
import { z } from "zod";
import { postJson } from "../../demo/http.ts";

/**
 * What a new user does at the keyboard: the real command in processes of its own, in an empty folder, against the two
 * simulators that it starts itself. Nothing is inherited but the PATH.
 */
const checkout = join(import.meta.dirname, "..", "..");
const loader = join(checkout, "node_modules", "tsx", "dist", "loader.mjs");
const RUN_LIMIT_MS = 90_000;
const READY_LIMIT_MS = 60_000;

export interface Answer {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** A command that stays: its first line, and everything it has said on standard error. */
export interface Staying {
  readonly line: string;
  readonly said: () => string;
  /** Asks it to end. @returns its exit code */
  readonly stop: () => Promise<number | null>;
}

const Ready = z.object({ baseUrl: z.string(), credentials: z.record(z.string(), z.unknown()) });
const Apps = z.object({
  apps: z.array(
    z.object({
      app_id: z.string(),
      name: z.string(),
      forms: z.array(z.object({ name: z.string(), entry_id: z.string() })),
    }),
  ),
});
const Created = z.object({ data: z.looseObject({ _id: z.string() }) });

export class Rehearsal {
  readonly folder = mkdtempSync(join(tmpdir(), "zhangshi-rehearsal-"));
  readonly variables: Record<string, string>;
  readonly #staying: Staying[] = [];
  #warehouse = { baseUrl: "", apiKey: "", appId: "", forms: new Map<string, string>() };

  /** @param variables  of the environment: where the servers are */
  constructor(variables: Readonly<Record<string, string>>) {
    this.variables = { PATH: process.env["PATH"] ?? "", HOME: this.folder, LANG: "zh_CN.UTF-8", ...variables };
  }

  async run(args: readonly string[], variables: Readonly<Record<string, string>> = {}): Promise<Answer> {
    const child = this.#spawn(args, variables);
    let [out, err] = ["", ""];
    child.stdout?.setEncoding("utf8").on("data", (text: string) => (out += text));
    child.stderr?.setEncoding("utf8").on("data", (text: string) => (err += text));
    const timer = setTimeout(() => child.kill("SIGKILL"), RUN_LIMIT_MS);
    await once(child, "close");
    clearTimeout(timer);
    return { code: child.exitCode, out, err };
  }

  /** The one object that a successful command prints with `--json`. @throws Error with what it said instead */
  async object(args: readonly string[]): Promise<unknown> {
    const { code, out, err } = await this.run([...args, "--json"]);
    if (code !== 0) throw new Error(`zhangshi ${args.join(" ")} ended with ${code}: ${out}${err}`);
    return JSON.parse(out);
  }

  /** Starts a command that stays until it is told to end, and waits for its first line. */
  async start(args: readonly string[]): Promise<Staying> {
    const child = this.#spawn(args, {});
    let said = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => (said += text));
    const staying: Staying = {
      line: await firstLine(child, () => said),
      said: () => said,
      stop: async () => {
        if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
        child.kill("SIGTERM");
        await once(child, "close");
        return child.exitCode;
      },
    };
    this.#staying.unshift(staying);
    return staying;
  }

  /** Starts a simulator and keeps its line in a file, as `zhangshi simulate … > file` does. */
  async simulate(vendor: "jiandaoyun" | "kingdee-cloud"): Promise<Staying & { readonly baseUrl: string }> {
    const simulator = await this.start(["simulate", vendor]);
    writeFileSync(join(this.folder, `${vendor}.json`), `${simulator.line}\n`);
    const { baseUrl, credentials } = Ready.parse(JSON.parse(simulator.line));
    if (vendor === "jiandaoyun") {
      const { apps } = await postJson(`${baseUrl}/_person/apps/list`, {}, Apps);
      const app = apps.find(({ name }) => name === "账实演练");
      const forms = new Map(app?.forms.map((form) => [form.name, form.entry_id] as const));
      this.#warehouse = { baseUrl, apiKey: String(credentials["apiKey"]), appId: app?.app_id ?? "", forms };
    }
    return { ...simulator, baseUrl };
  }

  /** Takes over the credentials that `zhangshi init --simulators` wrote: `set -a; . ./zhangshi.env`. */
  sourceVariables(): void {
    Object.assign(this.variables, parseEnv(readFileSync(join(this.folder, "zhangshi.env"), "utf8")));
  }

  entryId(form: string): string {
    const found = this.#warehouse.forms.get(form);
    if (found === undefined) throw new Error(`the rehearsal application has no form ${form}`);
    return found;
  }

  /** Creates a record as a program of the company would: over the vendor's API, each value wrapped. */
  async create(form: string, data: Readonly<Record<string, unknown>>): Promise<string> {
    const { baseUrl, apiKey, appId } = this.#warehouse;
    const created = await postJson(
      `${baseUrl}/api/v5/app/entry/data/create`,
      { app_id: appId, entry_id: this.entryId(form), data: wrapped(data) },
      Created,
      { authorization: `Bearer ${apiKey}` },
    );
    return created.data._id;
  }

  /** Fills a form in as a person does; unlike the API, this pushes. */
  async fillIn(form: string, data: Readonly<Record<string, unknown>>): Promise<string> {
    const body = { entry_id: this.entryId(form), data };
    return (await this.warehouse("_person/records/create", body, Created)).data._id;
  }

  /** Any other act at the simulated warehouse. */
  warehouse<T>(act: string, body: unknown, shape: z.ZodType<T>): Promise<T> {
    return postJson(`${this.#warehouse.baseUrl}/${act}`, body, shape);
  }

  async close(): Promise<void> {
    for (const staying of this.#staying) await staying.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #spawn(args: readonly string[], variables: Readonly<Record<string, string>>): ChildProcess {
    return spawn(process.execPath, ["--import", loader, join(checkout, "cli", "main.ts"), ...args], {
      cwd: this.folder,
      env: { ...this.variables, ...variables },
      stdio: ["ignore", "pipe", "pipe"],
    });
  }
}

/** Values of the vendor's API stand inside `{value}`, those of a subform's rows as well. */
const wrapped = (data: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(data).map(([field, value]) => [
      field,
      { value: Array.isArray(value) ? z.array(z.record(z.string(), z.unknown())).parse(value).map(wrapped) : value },
    ]),
  );

async function firstLine(child: ChildProcess, said: () => string): Promise<string> {
  if (child.stdout === null) throw new Error("the command has no output");
  const lines = createInterface({ input: child.stdout });
  const limit = AbortSignal.timeout(READY_LIMIT_MS);
  const [line] = await Promise.race([
    once(lines, "line", { signal: limit }),
    once(child, "exit").then(([code]) => {
      throw new Error(`the command ended with ${String(code)} before it was ready: ${said()}`);
    }),
  ]);
  return String(line);
}
