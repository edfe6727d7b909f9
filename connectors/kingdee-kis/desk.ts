import { createHash } from "node:crypto";
import { mkdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Instant, Period } from "../../domain/dates.ts";
import { ZhangshiError } from "../../domain/errors.ts";
import type { FileReceipt } from "../contract.ts";
import { Slots } from "../transport/slots.ts";
import { codeOf, messageOf, moveAway, namesIn, writeWhole } from "./disk.ts";
import { Exports, madeAtOf } from "./exports.ts";
import { type Judged, judge } from "./judgement.ts";
import { ARCHIVE_NAME, type Outstanding, completePut, logsOf, outstandingIn, settleFile } from "./outbox.ts";
import { type Receipt, parseReceipt } from "./receipt.ts";
import { type FileRecord, Records, type Said } from "./records.ts";
import type { KingdeeKisSettings } from "./settings.ts";
import { isOurName } from "./voucher-file.ts";

/** What lies on the desk at one moment. */
export interface Sight {
  readonly outstanding: Outstanding | undefined;
  /** What is known of its vouchers so far, by key. */
  readonly judged: ReadonlyMap<string, Judged>;
  /** Files of ours that nothing speaks of: somebody put one back, or took our notes away. */
  readonly strays: readonly string[];
  /** Files of the person that cannot be read as an export, and why. */
  readonly unreadable: ReadonlyMap<string, string>;
}

export interface DeskTools {
  readonly now: () => Date;
  /** Unlike any other, of letters, digits and hyphens. */
  readonly token: () => string;
  readonly log: (message: string, fields: Readonly<Record<string, string | number>>) => void;
}

/** The shared folder with everything in it: the file that waits, logs and exports that a person saved, and our records. */
export class Desk {
  readonly folder: string;
  readonly records: Records;
  readonly exports: Exports;
  readonly #settings: KingdeeKisSettings;
  readonly #tools: DeskTools;
  /** One look at a time in this process; several processes are kept apart by the files themselves. */
  readonly #turn = new Slots(1);
  /** Name, size and time of what could not be read: it is tried again when it changed. */
  readonly #unreadable = new Map<string, { readonly mark: string; readonly reason: string }>();

  constructor(folder: string, settings: KingdeeKisSettings, tools: DeskTools) {
    this.folder = folder;
    this.#settings = settings;
    this.#tools = tools;
    this.records = new Records(folder);
    this.exports = new Exports(folder, settings);
  }

  /** Takes in what people left, and ends the turn of a file of which everything is known. @throws ZhangshiError FILE_UNREADABLE, FILE_NOT_WRITTEN */
  look(): Promise<Sight> {
    return this.#turn.with(() => this.#look(undefined));
  }

  async #look(said: Said | undefined): Promise<Sight> {
    const names = await namesIn(this.folder);
    if (names === undefined)
      throw new ZhangshiError("FILE_UNREADABLE", { file: this.folder, reason: "no such folder" });
    await this.#takeExports(names);
    const found = await outstandingIn(this.folder);
    // Only now: whoever settles a file writes its record before it takes the claim away, so what is in neither is in no file.
    await this.records.load();
    await this.exports.load();
    if (found !== undefined) await completePut(this.folder, found);
    const outstanding = found === undefined ? undefined : await this.#judged(found, said);
    const strays = names.filter((name) => isOurName(name) && name.toLowerCase() !== found?.file.toLowerCase());
    const unreadable = new Map([...this.#unreadable].map(([name, { reason }]) => [name, reason]));
    return {
      outstanding: outstanding?.outstanding,
      judged: new Map((outstanding?.judged ?? []).map((one) => [one.voucher.key, one])),
      strays,
      unreadable,
    };
  }

  /** @returns undefined when the file's turn has ended */
  async #judged(
    outstanding: Outstanding,
    said: Said | undefined,
  ): Promise<{ readonly outstanding: Outstanding; readonly judged: readonly Judged[] } | undefined> {
    const { file, attempt } = outstanding;
    if (outstanding.stage === "writing") return { outstanding, judged: [] };
    // Its record was written, and then something stopped us.
    if (this.records.ofAttempt(attempt) !== undefined) {
      await settleFile(this.folder, file, attempt);
      return undefined;
    }
    const logs = await this.#logsOf(file);
    const judged = judge(
      outstanding,
      {
        logs,
        exports: [...this.exports.newest.values()],
        said: said === undefined || said.said === "log" ? undefined : { said: said.said, at: said.at },
        wordOn: (key) => this.records.wordOn(key),
      },
      this.#settings,
    );
    const settled = judged.flatMap((one) =>
      one.standing === undefined ? [] : [{ ...one.voucher, standing: one.standing, saidAt: one.saidAt }],
    );
    if (settled.length < judged.length) return { outstanding, judged };
    const settledAt = this.#tools.now().toISOString();
    const receipts: readonly Said[] = [
      ...logs.map(({ digest, madeAt }) => ({
        said: "log" as const,
        by: said?.said === "log" && said.digest === digest ? said.by : "folder",
        at: new Date(madeAt).toISOString(),
        digest,
      })),
      ...(said === undefined || said.said === "log" ? [] : [said]),
    ];
    await this.records.keep({ file, attempt, settledAt, receipts: [...receipts], vouchers: settled });
    await settleFile(this.folder, file, attempt);
    return undefined;
  }

  async #logsOf(file: string): Promise<readonly { receipt: Receipt; madeAt: number; digest: string }[]> {
    const logs: { receipt: Receipt; madeAt: number; digest: string }[] = [];
    for (const name of await logsOf(this.folder, file)) {
      const path = join(this.folder, name);
      const [bytes, madeAt] = await Promise.all([readFile(path), madeAtOf(path)]).catch(() => []);
      // Held open by the program, or moved by another worker that has just settled the file: the next look sees it.
      if (bytes === undefined || madeAt === undefined) continue;
      logs.push({ receipt: parseReceipt(bytes), madeAt, digest: digestOf(bytes) });
    }
    return logs;
  }

  /** An export that a person saved into the folder is taken, and moved out of the way. One that is still being written waits. */
  async #takeExports(names: readonly string[]): Promise<void> {
    const wanted = this.#settings.dialect === "excel" ? /\.(xlsx|xls)$/iu : /\.dbf$/iu;
    for (const name of names) {
      if (!wanted.test(name) || isOurName(name) || name.startsWith("~$")) continue;
      const path = join(this.folder, name);
      const mark = await markOf(path);
      if (mark === undefined || this.#unreadable.get(name)?.mark === mark.text) continue;
      const content = await readFile(path).catch(() => undefined);
      // Held open by the program, or just taken by another worker: the next look tries again.
      if (content === undefined) continue;
      try {
        await this.exports.take(name, content, mark.madeAt, this.#tools.token());
        await mkdir(join(this.folder, ARCHIVE_NAME), { recursive: true });
        // Open in the program that wrote it, it stays for now and is taken again: the same content is the same export.
        await moveAway(path, join(this.folder, ARCHIVE_NAME, name)).catch(() => undefined);
        this.#unreadable.delete(name);
      } catch (cause) {
        if (!(cause instanceof ZhangshiError) || cause.code !== "FILE_UNREADABLE") throw cause;
        const reason = cause.details["reason"] ?? cause.message;
        this.#unreadable.set(name, { mark: mark.text, reason });
        this.#tools.log("a file in the folder is no export that can be read", { file: name, reason });
      }
    }
    for (const name of this.#unreadable.keys()) if (!names.includes(name)) this.#unreadable.delete(name);
  }

  /** @throws ZhangshiError ARGUMENT_INVALID, FILE_UNREADABLE, FILE_NOT_WRITTEN */
  confirm(receipt: FileReceipt): Promise<void> {
    return this.#turn.with(async () => {
      const digest = receipt.said === "log" ? digestOf(receipt.log) : undefined;
      const said: Said = {
        said: receipt.said,
        by: receipt.by,
        at: receipt.at,
        ...(digest === undefined ? {} : { digest }),
      };
      if (receipt.said === "log") refuseForeign(receipt.log, receipt.file);
      const { outstanding } = await this.#look(undefined);
      if (outstanding?.stage === "written" && outstanding.file === receipt.file) {
        if (receipt.said === "log") await this.#saveLog(receipt.file, receipt.log);
        await this.#look(said);
        return;
      }
      const known = this.records.ofFile(receipt.file);
      if (known === undefined || !agrees(known, said))
        throw new ZhangshiError("ARGUMENT_INVALID", { file: receipt.file, outstanding: outstanding?.file ?? "–" });
    });
  }

  async #saveLog(file: string, log: Uint8Array): Promise<void> {
    const known = await this.#logsOf(file);
    if (known.some(({ digest }) => digest === digestOf(log))) return;
    const names = await logsOf(this.folder, file);
    for (let at = names.length + 1; at <= LOGS_MAX; at += 1) {
      const name = at === 1 ? `${file}.log` : `${file}.${at}.log`;
      try {
        await writeWhole(join(this.folder, name), log, "wx");
        return;
      } catch (cause) {
        if (codeOf(cause) === "EEXIST") continue;
        throw new ZhangshiError("FILE_NOT_WRITTEN", { file: name, reason: messageOf(cause) }, { cause });
      }
    }
    throw new ZhangshiError("FILE_NOT_WRITTEN", { file, reason: `more than ${LOGS_MAX} logs` });
  }

  /** What a person saw of one voucher. @throws ZhangshiError FILE_NOT_WRITTEN */
  confirmVoucher(key: string, number: string | undefined, by: string, at: string): Promise<void> {
    return this.#turn.with(async () => {
      const { outstanding } = await this.#look(undefined);
      const isInFile = outstanding?.vouchers.some((one) => one.key === key) === true;
      const attempt = isInFile ? outstanding.attempt : "";
      const word = { key, attempt, by, at, ...(number === undefined ? {} : { number }) };
      await this.records.keepWord(word, this.#tools.token());
      await this.#look(undefined);
    });
  }

  /** @throws ZhangshiError FILE_UNREADABLE, FILE_NOT_WRITTEN */
  takeExport(name: string, content: Uint8Array, madeAt: Instant): Promise<readonly Period[]> {
    return this.#turn.with(async () => {
      const periods = await this.exports.take(name, content, Date.parse(madeAt), this.#tools.token());
      await this.#look(undefined);
      return periods;
    });
  }
}

/** The same receipt once more, or a word on a file that its log or an export has settled in the same way. */
const agrees = ({ receipts, vouchers }: FileRecord, { said, digest }: Said): boolean =>
  receipts.some((one) => one.said === said && one.digest === digest) ||
  (said !== "log" && vouchers.every(({ standing }) => (standing.state === "taken") === (said === "imported")));

/** A file is imported again a few times at most. */
const LOGS_MAX = 100;
const DIGEST_LENGTH = 20;
const digestOf = (bytes: Uint8Array): string =>
  createHash("sha256").update(bytes).digest("hex").slice(0, DIGEST_LENGTH);

const refuseForeign = (log: Uint8Array, file: string): void => {
  const named = parseReceipt(log).file;
  if (named !== file)
    throw new ZhangshiError("FILE_UNREADABLE", {
      file,
      reason: named === "" ? "the log names no voucher file" : `the log is of ${named}`,
    });
};

const markOf = async (path: string): Promise<{ readonly text: string; readonly madeAt: number } | undefined> => {
  try {
    const found = await stat(path);
    return found.isFile() ? { text: `${found.size} ${found.mtimeMs}`, madeAt: found.mtimeMs } : undefined;
  } catch (cause) {
    if (codeOf(cause) === "ENOENT") return undefined;
    throw new ZhangshiError("FILE_UNREADABLE", { file: path, reason: messageOf(cause) }, { cause });
  }
};
