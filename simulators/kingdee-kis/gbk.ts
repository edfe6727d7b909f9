/** Code page 936 as the desktop program uses it: text to bytes and back (365SEAL: GBK; the driver byte 0x7A is inferred). */

const decoder = new TextDecoder("gbk");
const LEAD_FIRST = 0x81;
const LEAD_LAST = 0xfe;
const TRAIL_FIRST = 0x40;
const TRAIL_LAST = 0xfe;
const TRAIL_HOLE = 0x7f;
const ASCII_LAST = 0x7f;
/** A query for a character that code page 936 lacks shows a question mark in Windows programs. */
const UNKNOWN = 0x3f;

let table: ReadonlyMap<string, number> | undefined;

export function decodeGbk(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** @returns the bytes; what the code page lacks becomes "?", as Windows writes it */
export function encodeGbk(text: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    const pair = code <= ASCII_LAST ? code : (codes().get(character) ?? UNKNOWN);
    if (pair > 0xff) bytes.push(pair >> 8);
    bytes.push(pair & 0xff);
  }
  return Uint8Array.from(bytes);
}

/** @returns bytes that the text takes in a character column */
export function gbkLength(text: string): number {
  return encodeGbk(text).length;
}

/** @returns the longest beginning that fits, never half a character */
export function cutGbk(text: string, lengthMax: number): string {
  let cut = "";
  let length = 0;
  for (const character of text) {
    length += gbkLength(character);
    if (length > lengthMax) return cut;
    cut += character;
  }
  return cut;
}

function codes(): ReadonlyMap<string, number> {
  table ??= buildTable();
  return table;
}

function buildTable(): ReadonlyMap<string, number> {
  const built = new Map<string, number>();
  for (let lead = LEAD_FIRST; lead <= LEAD_LAST; lead += 1) {
    for (let trail = TRAIL_FIRST; trail <= TRAIL_LAST; trail += 1) {
      if (trail === TRAIL_HOLE) continue;
      const character = decoder.decode(Uint8Array.of(lead, trail));
      if (character.includes("\ufffd") || Array.from(character).length !== 1 || built.has(character)) continue;
      built.set(character, (lead << 8) | trail);
    }
  }
  return built;
}
