import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { type ErrorCode, ZhangshiError, errorCodes } from "../../domain/errors.ts";
import { jsonOf, messageOf, namesIn, replaceWhole, textIn, writeWhole } from "./disk.ts";
import { FiledVoucher } from "./voucher-file.ts";

/** What became of every file, kept for as long as the ledger lives: without it nobody knows what was imported. */
export const RECORDS_NAME = "zhangshi-records";

const Code = z.string().refine((text): text is ErrorCode => errorCodes.some((code) => code === text));

/** What is known of one voucher of a file. `numbers` has "" where it is known to be taken, and nobody said under which number. */
export const Standing = z.discriminatedUnion("state", [
  z.object({ state: z.literal("taken"), numbers: z.array(z.string()) }),
  z.object({ state: z.literal("refused"), code: Code, message: z.string() }),
  z.object({ state: z.literal("absent") }),
]);
export type Standing = Readonly<z.infer<typeof Standing>>;

const Said = z.object({
  said: z.enum(["imported", "not-imported", "log"]),
  by: z.string(),
  at: z.string(),
  /** Of the log. */
  digest: z.string().optional(),
});
export type Said = Readonly<z.infer<typeof Said>>;

const FileRecord = z.object({
  file: z.string(),
  attempt: z.string(),
  settledAt: z.string(),
  receipts: z.array(Said),
  /** `saidAt`: when whatever settled it was said. */
  vouchers: z.array(z.intersection(FiledVoucher, z.object({ standing: Standing, saidAt: z.string() }))),
});
export type FileRecord = Readonly<z.infer<typeof FileRecord>>;
export type RecordedVoucher = FileRecord["vouchers"][number];

/** What a person saw in the program of one voucher that nothing else settles. */
const Word = z.object({
  key: z.string(),
  number: z.string().optional(),
  /** The attempt of the file that was outstanding then; "" when the voucher was in none. Of a later file it says nothing. */
  attempt: z.string(),
  by: z.string(),
  at: z.string(),
});
export type Word = Readonly<z.infer<typeof Word>>;

const WORD = /^word-[a-z2-7]+-.*\.json$/u;
const RECORD = /^\d.*\.json$/u;

/** The last word on a key. */
export interface Known {
  readonly standing: Standing;
  readonly saidAt: string;
  /** undefined where a person's word is all there is. */
  readonly voucher: RecordedVoucher | undefined;
  /** Names it among all refusals ever. */
  readonly mark: string;
}

/** Reads new records only: they are written once and stay. */
export class Records {
  readonly #folder: string;
  readonly #read = new Set<string>();
  readonly #files: FileRecord[] = [];
  readonly #known = new Map<string, Known>();
  readonly #words = new Map<string, Word>();
  readonly #told = new Set<string>();
  #exists = false;

  constructor(folder: string) {
    this.#folder = join(folder, RECORDS_NAME);
  }

  /** False before anything was ever written, and when somebody took the folder away: then nothing is known to be absent. */
  get exists(): boolean {
    return this.#exists;
  }

  /** @throws ZhangshiError FILE_NOT_WRITTEN */
  async prepare(): Promise<void> {
    await this.#write(() => mkdir(this.#folder, { recursive: true }));
    this.#exists = true;
  }

  /** @throws ZhangshiError FILE_UNREADABLE for a record that was cut off or changed by hand */
  async load(): Promise<void> {
    const names = await namesIn(this.#folder);
    this.#exists = names !== undefined;
    for (const name of names ?? []) {
      if (this.#read.has(name)) continue;
      if (name.endsWith(TOLD)) this.#told.add(name.slice(0, -TOLD.length));
      else if (WORD.test(name)) this.#takeWord(await this.#parsed(name, Word));
      else if (RECORD.test(name)) this.#takeFile(await this.#parsed(name, FileRecord));
      else continue;
      this.#read.add(name);
    }
  }

  async #parsed<Value>(name: string, schema: z.ZodType<Value>): Promise<Value> {
    const path = join(this.#folder, name);
    const parsed = schema.safeParse(jsonOf((await textIn(path)) ?? ""));
    if (parsed.success) return parsed.data;
    throw new ZhangshiError("FILE_UNREADABLE", { file: path, reason: "cut off or changed by hand" });
  }

  #takeFile(record: FileRecord): void {
    this.#files.push(record);
    for (const voucher of record.vouchers)
      this.#take(voucher.key, {
        standing: voucher.standing,
        saidAt: voucher.saidAt,
        voucher,
        mark: `${record.attempt}-${voucher.fileNumber}`,
      });
  }

  #takeWord(word: Word): void {
    this.#words.set(word.key, word);
    const standing: Standing =
      word.number === undefined ? { state: "absent" } : { state: "taken", numbers: [word.number] };
    this.#take(word.key, { standing, saidAt: word.at, voucher: this.#known.get(word.key)?.voucher, mark: "" });
  }

  #take(key: string, known: Known): void {
    const before = this.#known.get(key);
    // What was taken stays taken: clocks of several machines do not decide whether a voucher is sent again.
    if (before?.standing.state === "taken" && known.standing.state !== "taken") return;
    const isNews = before?.standing.state !== "taken" && known.standing.state === "taken";
    if (before === undefined || isNews || before.saidAt <= known.saidAt) this.#known.set(key, known);
  }

  newest(key: string): Known | undefined {
    return this.#known.get(key);
  }

  wordOn(key: string): Word | undefined {
    return this.#words.get(key);
  }

  all(): IterableIterator<[key: string, known: Known]> {
    return this.#known.entries();
  }

  /** The newest record of a file of that name. */
  ofFile(file: string): FileRecord | undefined {
    return this.#files.findLast((record) => record.file === file);
  }

  ofAttempt(attempt: string): FileRecord | undefined {
    return this.#files.find((record) => record.attempt === attempt);
  }

  /** @throws ZhangshiError FILE_NOT_WRITTEN */
  async keep(record: FileRecord): Promise<void> {
    await this.prepare();
    const name = `${record.settledAt.replaceAll(/[:.]/gu, "-")}-${record.file}-${record.attempt}.json`;
    await this.#write(() => replaceWhole(join(this.#folder, name), JSON.stringify(record), record.attempt));
    await this.load();
  }

  /** @throws ZhangshiError FILE_NOT_WRITTEN */
  async keepWord(word: Word, token: string): Promise<void> {
    await this.prepare();
    const name = `word-${word.key}-${word.at.replaceAll(/[:.]/gu, "-")}.json`;
    await this.#write(() => replaceWhole(join(this.#folder, name), JSON.stringify(word), token));
    await this.load();
  }

  /** Whether a refusal has been passed on. After that the same content may go out again: the cause may be mended in the program. */
  wasTold({ mark }: Known): boolean {
    return this.#told.has(mark);
  }

  /** @throws ZhangshiError FILE_NOT_WRITTEN */
  async tell({ mark }: Known): Promise<void> {
    await this.#write(() => writeWhole(join(this.#folder, `${mark}${TOLD}`), Buffer.alloc(0)));
    this.#told.add(mark);
  }

  async #write(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (cause) {
      throw new ZhangshiError("FILE_NOT_WRITTEN", { file: this.#folder, reason: messageOf(cause) }, { cause });
    }
  }
}

const TOLD = ".told";
