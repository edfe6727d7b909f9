import { ZhangshiError } from "../../domain/errors.ts";

const UNPACKED_MAX = 512 * 1024 * 1024;
const END_SIGNATURE = 0x06054b50;
const ENTRY_SIGNATURE = 0x02014b50;
const END_LENGTH = 22;
const COMMENT_MAX = 65_535;
const ENTRIES_MAX = 10_000;

/** A small archive can announce more than any memory holds. @throws ZhangshiError FILE_UNREADABLE before anything is unpacked */
export const refuseZipBomb = (bytes: Uint8Array, name: string): void => {
  const refuse = (reason: string): ZhangshiError => new ZhangshiError("FILE_UNREADABLE", { file: name, reason });
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let end = file.length - END_LENGTH;
  const stop = Math.max(0, end - COMMENT_MAX);
  while (end >= stop && file.readUInt32LE(end) !== END_SIGNATURE) end -= 1;
  if (end < stop) throw refuse("the archive has no end: still being written, or cut off");
  const entries = file.readUInt16LE(end + 10);
  if (entries > ENTRIES_MAX) throw refuse(`${entries} parts, at most ${ENTRIES_MAX}`);
  let at = file.readUInt32LE(end + 16);
  let unpacked = 0;
  for (let index = 0; index < entries; index += 1) {
    if (at + 46 > file.length || file.readUInt32LE(at) !== ENTRY_SIGNATURE)
      throw refuse("the archive's list is damaged");
    unpacked += file.readUInt32LE(at + 24);
    at += 46 + file.readUInt16LE(at + 28) + file.readUInt16LE(at + 30) + file.readUInt16LE(at + 32);
  }
  if (unpacked > UNPACKED_MAX) throw refuse(`unpacks to ${unpacked} bytes, at most ${UNPACKED_MAX}`);
};
