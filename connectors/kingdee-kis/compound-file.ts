import { ZhangshiError } from "../../domain/errors.ts";

/* A compound file (Microsoft's published [MS-CFB], version 3) with one stream in it. */

const SECTOR = 512;
const NUMBERS_PER_SECTOR = SECTOR / 4;
/** Shorter streams would have to go into a stream of small sectors; ours is filled up instead. */
const STREAM_MIN = 4_096;
const FREE = 0xffffffff;
const END_OF_CHAIN = 0xfffffffe;
const TABLE_SECTOR = 0xfffffffd;
const SIGNATURE = Buffer.from("d0cf11e0a1b11ae1", "hex");
/** The header names this many sectors of the table itself: about seven megabytes of content. */
const TABLES_MAX = 109;
const ROOT_KIND = 5;
const STREAM_KIND = 2;

/** @throws ZhangshiError LIMIT_LINES when the content is longer than a plain file of this kind holds */
export const compoundFile = (streamName: string, content: Buffer): Uint8Array => {
  const length = Math.max(STREAM_MIN, Math.ceil(content.length / SECTOR) * SECTOR);
  const contentSectors = length / SECTOR;
  // The table describes its own sectors and the directory's too.
  const tables = Math.ceil((contentSectors + 1) / (NUMBERS_PER_SECTOR - 1));
  if (tables > TABLES_MAX)
    throw new ZhangshiError("LIMIT_LINES", { bytes: String(content.length), reason: "too long for one .xls file" });
  const file = Buffer.alloc(SECTOR * (1 + tables + 1 + contentSectors));
  header(tables).copy(file, 0);
  table(tables, contentSectors).copy(file, SECTOR);
  directory(streamName, tables + 1, length).copy(file, SECTOR * (1 + tables));
  content.copy(file, SECTOR * (2 + tables));
  return file;
};

const header = (tables: number): Buffer => {
  const bytes = Buffer.alloc(SECTOR);
  SIGNATURE.copy(bytes, 0);
  bytes.writeUInt16LE(0x003e, 24);
  bytes.writeUInt16LE(3, 26);
  bytes.writeUInt16LE(0xfffe, 28);
  bytes.writeUInt16LE(9, 30);
  bytes.writeUInt16LE(6, 32);
  bytes.writeUInt32LE(tables, 44);
  bytes.writeUInt32LE(tables, 48);
  bytes.writeUInt32LE(STREAM_MIN, 56);
  bytes.writeUInt32LE(END_OF_CHAIN, 60);
  bytes.writeUInt32LE(END_OF_CHAIN, 68);
  for (let index = 0; index < TABLES_MAX; index += 1)
    bytes.writeUInt32LE(index < tables ? index : FREE, 76 + 4 * index);
  return bytes;
};

/** Which sector follows which: first the table's own, then the directory, then the content from first to last. */
const table = (tables: number, contentSectors: number): Buffer => {
  const bytes = Buffer.alloc(tables * SECTOR, 0xff);
  const last = tables + contentSectors;
  for (let index = 0; index < tables; index += 1) bytes.writeUInt32LE(TABLE_SECTOR, 4 * index);
  bytes.writeUInt32LE(END_OF_CHAIN, 4 * tables);
  for (let index = tables + 1; index <= last; index += 1)
    bytes.writeUInt32LE(index === last ? END_OF_CHAIN : index + 1, 4 * index);
  return bytes;
};

const directory = (streamName: string, firstSector: number, length: number): Buffer => {
  const bytes = Buffer.alloc(SECTOR);
  directoryEntry("Root Entry", ROOT_KIND, { child: 1, firstSector: END_OF_CHAIN, length: 0 }).copy(bytes, 0);
  directoryEntry(streamName, STREAM_KIND, { child: FREE, firstSector, length }).copy(bytes, 128);
  for (const at of [256, 384]) bytes.fill(0xff, at + 68, at + 80);
  return bytes;
};

const directoryEntry = (
  name: string,
  kind: number,
  place: { readonly child: number; readonly firstSector: number; readonly length: number },
): Buffer => {
  const bytes = Buffer.alloc(128);
  bytes.write(name, 0, "utf16le");
  bytes.writeUInt16LE(2 * (name.length + 1), 64);
  bytes[66] = kind;
  bytes[67] = 1;
  bytes.writeUInt32LE(FREE, 68);
  bytes.writeUInt32LE(FREE, 72);
  bytes.writeUInt32LE(place.child, 76);
  bytes.writeUInt32LE(place.firstSector, 116);
  bytes.writeUInt32LE(place.length, 120);
  return bytes;
};
