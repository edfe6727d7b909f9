import { createHash } from "node:crypto";
import { lstat, mkdir, readdir, readFile, rename, stat, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { Instant } from "../../domain/dates.ts";
import { ZhangshiError } from "../../domain/errors.ts";

/**
 * What is known of a file that was taken. It is written last of all: a file on the shelf without an entry was not finished,
 * and is finished by the next look at the folder.
 */
const EntryFile = z.strictObject({
  version: z.literal(1),
  /** As it was dropped. */
  name: z.string(),
  digest: z.string(),
  takenAt: Instant,
  state: z.enum(["archived", "rejected"]),
  /** In the order of the file. */
  documents: z.array(z.string()),
  /** True when the file itself, or rows that name no document, had to be reported. */
  troubled: z.boolean(),
});
export type Entry = z.infer<typeof EntryFile> & {
  /** Name on the shelf: a running number, a piece of the digest, the name as dropped. Its order is the order of taking. */
  readonly shelfName: string;
};

const NUMBER_DIGITS = 8;
const DIGEST_SHOWN = 8;
const SHELF_NAME = /^(\d{8})-[0-9a-f]{8}-(.+)$/s;
/** A folder in which somebody dumped a disk: the rest is taken in the next turn. */
const LISTED_MAX = 10_000;
const STATES = ["archived", "rejected"] as const;
const FOLDER_OF = { archived: "archive", rejected: "rejected" } as const;

/** Files that are never complete documents: locks of office programs, and downloads and copies under way. */
const UNDER_WAY = /^(~\$|\.|~)|\.(tmp|part|partial|crdownload|filepart|download)$/i;

/** File systems take 255 bytes, and what we put around a name needs some of them. */
const NAME_CHARACTERS_MAX = 50;
/** The end of a name: that is where its ending is, and usually its date. */
const shortened = (name: string): string => Array.from(name).slice(-NAME_CHARACTERS_MAX).join("");

export interface DroppedFile {
  /** As dropped, shortened to what the shelf can hold. */
  readonly name: string;
  readonly path: string;
  readonly size: number;
}

/** The folders of one form: where files are dropped, and where they go. */
export class Shelf {
  readonly #root: string;
  readonly #form: string;
  readonly #drop: string;
  readonly #entries = new Map<string, Entry>();

  constructor(root: string, form: string, folder: string) {
    this.#root = root;
    this.#form = form;
    this.#drop = join(root, folder);
  }

  get dropFolder(): string {
    return this.#drop;
  }

  folder(kind: "archive" | "errors" | "rejected" | "duplicates" | ".entries"): string {
    return join(this.#root, kind, this.#form);
  }

  /**
   * Files that nobody has touched for a while, in the order of their names.
   * @throws ZhangshiError FILE_UNREADABLE when the folder is not there: a share that is not mounted is no empty folder
   */
  async dropped(settleMs: number, now: Date): Promise<readonly DroppedFile[]> {
    const names = await listed(this.#drop);
    const files: DroppedFile[] = [];
    for (const name of names) {
      if (UNDER_WAY.test(name)) continue;
      // A link is no dropped file: it could lead to anything that the worker may read.
      const found = await lstat(join(this.#drop, name)).catch(() => undefined);
      if (found === undefined || !found.isFile()) continue;
      // The time of change of the entry moves with every write, also where a copying program keeps the time of the content.
      if (now.getTime() - Math.max(found.mtimeMs, found.ctimeMs) < settleMs) continue;
      files.push({ name: shortened(name), path: join(this.#drop, name), size: found.size });
    }
    return files;
  }

  /** Every entry, oldest first; those written by another process since the last look are read. */
  async entries(): Promise<readonly Entry[]> {
    const folder = this.folder(".entries");
    await mkdir(folder, { recursive: true });
    for (const file of await listed(folder)) {
      const shelfName = file.replace(/\.json$/, "");
      if (!file.endsWith(".json") || this.#entries.has(shelfName)) continue;
      this.#entries.set(shelfName, {
        ...parseEntry(join(folder, file), await readFile(join(folder, file), "utf8")),
        shelfName,
      });
    }
    return [...this.#entries.values()].sort((a, b) => (a.shelfName < b.shelfName ? -1 : 1));
  }

  /** Files that were moved here and have no entry: the work on them broke off. */
  async unfinished(): Promise<readonly { readonly shelfName: string; readonly state: Entry["state"] }[]> {
    await this.entries();
    const found: { shelfName: string; state: Entry["state"] }[] = [];
    for (const state of STATES) {
      await mkdir(this.folder(FOLDER_OF[state]), { recursive: true });
      for (const shelfName of await listed(this.folder(FOLDER_OF[state])))
        if (SHELF_NAME.test(shelfName) && !this.#entries.has(shelfName)) found.push({ shelfName, state });
    }
    return found;
  }

  /** Moves a dropped file on to the shelf. @returns undefined when it is gone: another process was faster */
  async take(file: DroppedFile, digest: string, state: Entry["state"]): Promise<string | undefined> {
    const highest = Math.max(0, ...[...this.#entries.keys()].map((name) => Number(SHELF_NAME.exec(name)?.[1] ?? 0)));
    const number = String(highest + 1).padStart(NUMBER_DIGITS, "0");
    const shelfName = `${number}-${digest.slice(0, DIGEST_SHOWN)}-${file.name}`;
    await mkdir(this.folder(FOLDER_OF[state]), { recursive: true });
    return (await moved(file.path, this.pathOf(shelfName, state))) ? shelfName : undefined;
  }

  /** Moves a file whose content was taken before out of the way, with a note that says so. */
  async setAside(file: DroppedFile, original: Entry): Promise<void> {
    const folder = this.folder("duplicates");
    await mkdir(folder, { recursive: true });
    const name = `${original.digest.slice(0, DIGEST_SHOWN)}-${file.name}`;
    if (!(await moved(file.path, join(folder, name)))) return;
    await writeFile(
      join(folder, `${name}.txt`),
      `重复文件：内容与 ${original.takenAt} 已导入的「${original.name}」完全相同，没有再次导入。\n`,
    );
  }

  /** Written beside the shelf: the copy with reasons, or the reason alone. */
  async writeError(name: string, content: Buffer | string): Promise<void> {
    await mkdir(this.folder("errors"), { recursive: true });
    await writeWhole(join(this.folder("errors"), name), content);
  }

  async record(entry: Entry): Promise<void> {
    const { shelfName, ...file } = entry;
    await mkdir(this.folder(".entries"), { recursive: true });
    await writeWhole(join(this.folder(".entries"), `${shelfName}.json`), JSON.stringify(file));
    this.#entries.set(shelfName, entry);
  }

  pathOf(shelfName: string, state: Entry["state"]): string {
    return join(this.folder(FOLDER_OF[state]), shelfName);
  }

  /**
   * @returns undefined for a rejected file that a person took away, and the size alone of one that is too large to read
   * @throws ZhangshiError FILE_UNREADABLE when an archived file is gone: that is no deletion of its documents
   */
  async bytesOf(
    { shelfName, state }: Pick<Entry, "shelfName" | "state">,
    bytesMax: number,
  ): Promise<Buffer | number | undefined> {
    const file = this.pathOf(shelfName, state);
    try {
      const { size } = await stat(file);
      return size > bytesMax ? size : await readFile(file);
    } catch (cause) {
      if (state === "rejected" && isAbsent(cause)) return undefined;
      throw new ZhangshiError("FILE_UNREADABLE", { file }, { cause });
    }
  }
}

/** The name under which the file was dropped. */
export const droppedName = (shelfName: string): string => SHELF_NAME.exec(shelfName)?.[2] ?? shelfName;

export const digestOfBytes = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

const parseEntry = (file: string, text: string) => {
  try {
    return EntryFile.parse(JSON.parse(text));
  } catch (cause) {
    throw new ZhangshiError("FILE_UNREADABLE", { file }, { cause });
  }
};

const listed = async (folder: string): Promise<readonly string[]> => {
  try {
    return (await readdir(folder)).sort().slice(0, folder.includes(".entries") ? undefined : LISTED_MAX);
  } catch (cause) {
    throw new ZhangshiError("FILE_UNREADABLE", { folder }, { cause });
  }
};

/** @returns false when the file was not there any more */
const moved = async (from: string, to: string): Promise<boolean> => {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (isAbsent(error)) return false;
    throw new ZhangshiError("FILE_NOT_WRITTEN", { file: to }, { cause: error });
  }
};

/** Whoever reads the file finds all of it or nothing. */
const writeWhole = async (path: string, content: Buffer | string): Promise<void> => {
  const half = `${path}.tmp`;
  try {
    await writeFile(half, content, { flush: true });
    await rename(half, path);
  } catch (cause) {
    await unlink(half).catch(() => undefined);
    throw new ZhangshiError("FILE_NOT_WRITTEN", { file: path }, { cause });
  }
};

const isAbsent = (error: unknown): boolean => error instanceof Error && "code" in error && error.code === "ENOENT";
