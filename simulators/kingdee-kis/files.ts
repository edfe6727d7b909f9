/** The folder that the person and the program share. Names are plain: nothing outside the folder is reached. */

import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Refusal } from "./model.ts";

/** A voucher file of 9,999 vouchers stays below this. */
const FILE_BYTES_MAX = 256 * 1024 * 1024;
const RECEIPTS_MAX = 1_000;

/** @throws Refusal when the name is a path or nothing is there */
export function readFile(folder: string, name: string): Buffer {
  const path = pathIn(folder, name);
  if (!existsSync(path) || !statSync(path).isFile()) throw new Refusal(`找不到文件“${name}”`);
  if (statSync(path).size > FILE_BYTES_MAX) throw new Refusal(`文件“${name}”太大`);
  return readFileSync(path);
}

export function writeFile(folder: string, name: string, bytes: Uint8Array): void {
  writeFileSync(pathIn(folder, name), bytes);
}

/** @returns "x.dbf.log", then "x.dbf.2.log": a person who imports again saves a second log */
export function freeReceiptName(folder: string, file: string): string {
  const first = `${file}.log`;
  if (!existsSync(pathIn(folder, first))) return first;
  for (let count = 2; count <= RECEIPTS_MAX; count += 1) {
    const name = `${file}.${count}.log`;
    if (!existsSync(pathIn(folder, name))) return name;
  }
  throw new Refusal("引入日志太多");
}

function pathIn(folder: string, name: string): string {
  if (name === "" || /[\\/\0]/.test(name) || name.startsWith(".")) throw new Refusal(`文件名“${name}”不正确`);
  return join(folder, name);
}
