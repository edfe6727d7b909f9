/**
 * Keeps a simulator's state in a folder: an append-only file of `{"k":key,"v":value}` lines in which the last line of
 * a key counts. A line is handed to the operating system before the answer leaves, so `kill -9` loses nothing that was
 * answered (a power cut may; simulators do not pay for fsync).
 */

import { closeSync, existsSync, mkdirSync, openSync, readSync, renameSync, writeSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

const Line = z.object({ k: z.string(), v: z.unknown() });
const CHUNK_BYTES = 1024 * 1024;
const NEWLINE = 10;

export class Journal {
  readonly #file: number;
  #waiting = "";

  constructor(file: number) {
    this.#file = file;
  }

  /** Notes the new value of a key (null: it is gone); written by the next `flush`. */
  put(key: string, value: unknown): void {
    this.#waiting += `${JSON.stringify({ k: key, v: value })}\n`;
  }

  /** Hands everything noted to the operating system. Called once per request, before its answer. */
  flush(): void {
    if (this.#waiting === "") return;
    writeSync(this.#file, this.#waiting);
    this.#waiting = "";
  }

  close(): void {
    this.flush();
    closeSync(this.#file);
  }
}

/**
 * Opens the journal of a folder, creating both when missing, and rewrites it without superseded lines.
 *
 * @returns the journal and the last value of every key that still exists, in the order in which keys first appeared
 */
export function openJournal(folder: string, name: string): { journal: Journal; entries: Map<string, unknown> } {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${name}.jsonl`);
  const entries = existsSync(path) ? readEntries(path) : new Map<string, unknown>();
  const fresh = `${path}.new`;
  const file = openSync(fresh, "w");
  const journal = new Journal(file);
  let noted = 0;
  for (const [key, value] of entries) {
    journal.put(key, value);
    noted += 1;
    if (noted % 1000 === 0) journal.flush();
  }
  journal.flush();
  renameSync(fresh, path);
  return { journal, entries };
}

function readEntries(path: string): Map<string, unknown> {
  const entries = new Map<string, unknown>();
  for (const line of readLines(path)) {
    const record = parseLine(line);
    if (record === undefined) continue;
    if (record.v === null) entries.delete(record.k);
    else entries.set(record.k, record.v);
  }
  return entries;
}

/** @returns undefined for the last line of a process that was killed while it wrote */
function parseLine(line: string): z.infer<typeof Line> | undefined {
  try {
    return Line.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
}

function* readLines(path: string): Generator<string> {
  const file = openSync(path, "r");
  const chunk = Buffer.alloc(CHUNK_BYTES);
  let rest = Buffer.alloc(0);
  try {
    for (let read = readSync(file, chunk); read > 0; read = readSync(file, chunk)) {
      const text = Buffer.concat([rest, chunk.subarray(0, read)]);
      let start = 0;
      for (let end = text.indexOf(NEWLINE); end >= 0; end = text.indexOf(NEWLINE, start)) {
        yield text.toString("utf8", start, end);
        start = end + 1;
      }
      rest = text.subarray(start);
    }
  } finally {
    closeSync(file);
  }
}
