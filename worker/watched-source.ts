import type {
  CheckStage,
  PushDelivery,
  SourceCapabilities,
  SourceItem,
  SourcePage,
  SourceRecord,
  StockSource,
  WarehouseBalance,
} from "../connectors/contract.ts";
import { ZhangshiError } from "../domain/errors.ts";

export interface SourceObserver {
  /** The source did not accept our credentials. */
  readonly refused: (message: string) => Promise<void>;
  /** The first answer since the start, or since a refusal. */
  readonly accepted: () => Promise<void>;
  readonly pulled: (records: number) => void;
}

/** A source that says what comes of asking it: how many records, and whether it still lets us in. */
export class WatchedSource implements StockSource {
  readonly #source: StockSource;
  readonly #observer: SourceObserver;
  #standing: "unknown" | "accepted" | "refused" = "unknown";

  constructor(source: StockSource, observer: SourceObserver) {
    this.#source = source;
    this.#observer = observer;
  }

  get capabilities(): SourceCapabilities {
    return this.#source.capabilities;
  }

  get forms(): readonly string[] {
    return this.#source.forms;
  }

  changeMark(form: string): Promise<string | undefined> {
    return this.#read(() => this.#source.changeMark(form));
  }

  async readPage(form: string, cursor: string, sizeMax: number): Promise<SourcePage> {
    const page = await this.#read(() => this.#source.readPage(form, cursor, sizeMax));
    this.#observer.pulled(page.records.length);
    return page;
  }

  async readRecords(form: string, recordIds: readonly string[]): Promise<ReadonlyMap<string, SourceRecord>> {
    const found = await this.#read(() => this.#source.readRecords(form, recordIds));
    this.#observer.pulled(found.size);
    return found;
  }

  items(): AsyncIterable<SourceItem> {
    return this.#each(this.#source.items());
  }

  balances(): AsyncIterable<WarehouseBalance> {
    return this.#each(this.#source.balances());
  }

  verifyPush(
    headers: Readonly<Record<string, string>>,
    query: Readonly<Record<string, string>>,
    rawBody: Buffer,
  ): PushDelivery {
    return this.#source.verifyPush(headers, query, rawBody);
  }

  check(): AsyncIterable<CheckStage> {
    return this.#source.check();
  }

  close(): Promise<void> {
    return this.#source.close();
  }

  /** Only a failure counts here: a source without such a form brings nothing and proves nothing. */
  async *#each<One>(list: AsyncIterable<One>): AsyncGenerator<One> {
    try {
      yield* list;
    } catch (error) {
      await this.#failed(error);
      throw error;
    }
  }

  async #read<Value>(read: () => Promise<Value>): Promise<Value> {
    try {
      const value = await read();
      if (this.#standing !== "accepted") {
        this.#standing = "accepted";
        await this.#observer.accepted();
      }
      return value;
    } catch (error) {
      await this.#failed(error);
      throw error;
    }
  }

  async #failed(error: unknown): Promise<void> {
    if (!(error instanceof ZhangshiError) || error.code !== "LOGIN_REFUSED") return;
    this.#standing = "refused";
    await this.#observer.refused(error.details["raw"] ?? error.message);
  }
}
