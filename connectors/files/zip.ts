import { inflateRawSync } from "node:zlib";
import { UnreadableFile } from "./unreadable.ts";

const END_OF_DIRECTORY = 0x06054b50;
const DIRECTORY_ENTRY = 0x02014b50;
const LOCAL_ENTRY = 0x04034b50;
const END_SIZE = 22;
const COMMENT_MAX = 65_535;
/** A workbook has some dozens of parts. */
const PARTS_MAX = 5_000;
const STORED = 0;
const DEFLATED = 8;

interface Part {
  readonly method: number;
  readonly flags: number;
  readonly crc: number;
  readonly packed: number;
  readonly unpacked: number;
  readonly offset: number;
}

/** A ZIP archive whose parts unpack to no more than so many bytes together, whatever they claim. */
export class BoundedZip {
  readonly #bytes: Buffer;
  readonly #parts: ReadonlyMap<string, Part>;
  #left: number;

  /** @throws UnreadableFile when it is no whole archive, or claims to be larger than allowed */
  constructor(bytes: Buffer, unpackedBytesMax: number) {
    this.#bytes = bytes;
    this.#left = unpackedBytesMax;
    this.#parts = damagedUnless(() => directoryOf(bytes));
  }

  has(name: string): boolean {
    return this.#parts.has(name.toLowerCase());
  }

  /** @throws UnreadableFile when the part is absent, damaged, encrypted, or exceeds what is left of the allowance */
  read(name: string): Buffer {
    const part = this.#parts.get(name.toLowerCase());
    if (part === undefined) throw new UnreadableFile(`工作簿缺少 ${name}，请用 Excel 或 WPS 重新保存`);
    if ((part.flags & 1) !== 0) throw new UnreadableFile("工作簿有密码，请去掉密码后再放入");
    if (part.unpacked > this.#left) throw tooLarge();
    const data = damagedUnless(() => {
      const at = part.offset;
      if (this.#bytes.readUInt32LE(at) !== LOCAL_ENTRY) throw new Error("no local entry");
      const from = at + 30 + this.#bytes.readUInt16LE(at + 26) + this.#bytes.readUInt16LE(at + 28);
      if (from + part.packed > this.#bytes.length) throw new Error("beyond the end");
      return this.#bytes.subarray(from, from + part.packed);
    });
    const unpacked = this.#unpack(data, part);
    this.#left -= unpacked.length;
    if (crc32(unpacked) !== part.crc) throw new UnreadableFile("工作簿已损坏（校验和不符），请重新保存");
    return unpacked;
  }

  #unpack(data: Buffer, part: Part): Buffer {
    if (part.method === STORED) return data;
    if (part.method !== DEFLATED) throw new UnreadableFile("工作簿的压缩方式不受支持，请用 Excel 或 WPS 重新保存");
    try {
      // The claimed size may be a lie: inflating stops here, not when the memory is full.
      return inflateRawSync(data, { maxOutputLength: Math.max(1, this.#left) });
    } catch (cause) {
      if (cause instanceof RangeError) throw tooLarge(cause);
      throw new UnreadableFile("工作簿已损坏，请重新保存", "FILE_UNREADABLE", { cause });
    }
  }
}

const tooLarge = (cause?: unknown): UnreadableFile =>
  new UnreadableFile("工作簿解压后过大，可能是压缩炸弹；请拆分文件", "FILE_UNREADABLE", { cause });

const damagedUnless = <T>(read: () => T): T => {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof UnreadableFile) throw cause;
    throw new UnreadableFile("文件不完整或不是 XLSX 工作簿", "FILE_UNREADABLE", { cause });
  }
};

const directoryOf = (bytes: Buffer): ReadonlyMap<string, Part> => {
  let end = bytes.length - END_SIZE;
  const lowest = Math.max(0, end - COMMENT_MAX);
  while (end >= lowest && bytes.readUInt32LE(end) !== END_OF_DIRECTORY) end -= 1;
  if (end < lowest) throw new Error("no directory");
  const count = bytes.readUInt16LE(end + 10);
  if (count > PARTS_MAX) throw new UnreadableFile("工作簿的部件过多");
  const parts = new Map<string, Part>();
  let at = bytes.readUInt32LE(end + 16);
  for (let index = 0; index < count; index += 1) {
    if (bytes.readUInt32LE(at) !== DIRECTORY_ENTRY) throw new Error("no directory entry");
    const nameLength = bytes.readUInt16LE(at + 28);
    const name = bytes.toString("utf8", at + 46, at + 46 + nameLength).replaceAll("\\", "/");
    parts.set(name.toLowerCase(), {
      flags: bytes.readUInt16LE(at + 8),
      method: bytes.readUInt16LE(at + 10),
      crc: bytes.readUInt32LE(at + 16),
      packed: bytes.readUInt32LE(at + 20),
      unpacked: bytes.readUInt32LE(at + 24),
      offset: bytes.readUInt32LE(at + 42),
    });
    at += 46 + nameLength + bytes.readUInt16LE(at + 30) + bytes.readUInt16LE(at + 32);
  }
  return parts;
};

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit += 1) value = (value & 1) === 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});
const crc32 = (bytes: Buffer): number => {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ (CRC_TABLE[(crc ^ byte) & 255] ?? 0);
  return (crc ^ 0xffffffff) >>> 0;
};
