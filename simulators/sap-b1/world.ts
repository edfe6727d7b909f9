/** Everything one running company database knows. It can be kept in a folder. */

import { z } from "zod";
import { openJournal } from "../shared/journal.ts";
import { Random } from "../shared/prng.ts";
import { type Certificates, makeCertificates } from "./certificate.ts";
import { type CompanySeed, seedCompany } from "./company.ts";
import { type Origin, type Row, number, text } from "./model.ts";
import { Schema } from "./schema-registry.ts";
import { Settings, type SettingsInput } from "./settings.ts";
import { Store } from "./store.ts";
import { showUserObjects } from "./user-objects.ts";

export type Credentials = { readonly companyDb: string; readonly userName: string; readonly password: string };

/** One change: whose it is, and in which world. */
export type Context = { readonly world: World; readonly origin: Origin };

export type WorldOptions = {
  readonly seed: number;
  readonly now: () => number;
  readonly openPeriod: string;
  readonly settings: SettingsInput;
  readonly dataDir: string | undefined;
  readonly company: CompanySeed;
  /** names for which a certificate is made; undefined: none is needed */
  readonly hosts: readonly string[] | undefined;
};

const FACTS = "facts";
const SYSTEM: Origin = { kind: "system", request: "", user: "manager" };
const KeptCredentials = z.object({ companyDb: z.string(), userName: z.string(), password: z.string() });
const KeptCertificates = z.object({ ca: z.string(), cert: z.string(), key: z.string() });
const Facts = z.object({ json: z.string() });

export class World {
  readonly schema = new Schema();
  readonly store: Store;
  readonly random: Random;
  readonly credentials: Credentials;
  readonly certificates: Certificates | undefined;
  readonly openPeriod: string;
  readonly localCurrency: string;
  /** "user|set|verb" that somebody took away */
  readonly revoked = new Set<string>();
  readonly disabledUsers = new Set<string>();
  readonly #now: () => number;
  #settings: Settings;

  constructor(options: WorldOptions) {
    this.#now = options.now;
    this.random = new Random(options.seed);
    this.openPeriod = options.openPeriod;
    this.localCurrency = options.company.localCurrency ?? "CNY";
    this.store = new Store(() => new Date(options.now()).toISOString());
    const kept = options.dataDir === undefined ? undefined : openJournal(options.dataDir, "sap-b1");
    if (kept !== undefined) this.store.attach(kept.journal, kept.entries);
    this.#settings = Settings.parse(this.#fact("settings") ?? options.settings);
    const drawn: Credentials = {
      companyDb: options.company.companyDb ?? "SBO_DEMO",
      userName: "intg01",
      password: `B1@${this.random.hex(12)}`,
    };
    const credentials = KeptCredentials.safeParse(this.#fact("credentials"));
    this.credentials = credentials.success ? credentials.data : drawn;
    this.certificates = options.hosts === undefined ? undefined : this.#certificatesFor(options.hosts);
    this.store.transact(() => {
      this.#keep("credentials", this.credentials);
      if (this.store.row("counters", "seeded") === undefined) {
        this.store.put("counters", "seeded", { Next: 1 }, SYSTEM);
        seedCompany({ world: this, origin: SYSTEM }, options.company);
      }
    });
    showUserObjects(this);
    this.store.flush();
  }

  get settings(): Settings {
    return this.#settings;
  }

  changeSettings(change: object): void {
    this.#settings = Settings.parse({ ...this.#settings, ...change });
    this.store.transact(() => this.#keep("settings", this.#settings));
  }

  nowMs(): number {
    return this.#now();
  }

  /** the system date: dates that a document does not give */
  today(): string {
    return new Date(this.#now()).toISOString().slice(0, 10);
  }

  /** "18:38:00" */
  timeOfDay(): string {
    return new Date(this.#now()).toISOString().slice(11, 19);
  }

  /** @returns the next number of a counter; taken back when its transaction is */
  next(counter: string, first: number): number {
    const value = number(this.store.row("counters", counter), "Next") ?? first;
    this.store.put("counters", counter, { Next: value + 1 }, SYSTEM);
    return value;
  }

  row(table: string, key: string): Row | undefined {
    return this.store.row(table, key);
  }

  close(): void {
    this.store.close();
  }

  #certificatesFor(hosts: readonly string[]): Certificates {
    const kept = KeptCertificates.safeParse(this.#fact("certificates"));
    // Kept with the books: a client that trusts the authority still does after a restart.
    const made = kept.success ? kept.data : makeCertificates(hosts, this.#now());
    this.store.transact(() => this.#keep("certificates", made));
    return made;
  }

  #fact(name: string): unknown {
    const kept = Facts.safeParse(this.store.row(FACTS, name));
    return kept.success ? JSON.parse(kept.data.json) : undefined;
  }

  #keep(name: string, value: object): void {
    const json = JSON.stringify(value);
    if (text(this.store.row(FACTS, name), "json") !== json) this.store.put(FACTS, name, { json }, SYSTEM);
  }
}
