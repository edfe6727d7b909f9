/** Bytes to text and back, as far as U8 mixes UTF-8 with the GB encodings. */

const DECLARED = /^\s*<\?xml[^>]*?encoding\s*=\s*["']([\w-]+)["']/;
const GB_NAMES = new Set(["gb2312", "gbk", "gb18030", "gb_2312-80", "cp936"]);
const GBK_FIRST = 0x81;
const GBK_LAST = 0xfe;

/**
 * Reads a body in the encoding that its declaration names (EAI-KB: bytes and declaration must agree); UTF-8 without one.
 *
 * @throws TypeError when the bytes do not fit, RangeError for an encoding that nobody uses with U8
 */
export function decodeBody(bytes: Uint8Array): string {
  const opening = new TextDecoder("latin1").decode(bytes.subarray(0, 200)).replace(/^ï»¿/, "");
  const declared = (DECLARED.exec(opening)?.[1] ?? "utf-8").toLowerCase();
  if (GB_NAMES.has(declared)) return new TextDecoder("gb18030", { fatal: true }).decode(bytes);
  if (declared !== "utf-8" && declared !== "utf8") throw new RangeError(`encoding ${declared}`);
  return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
}

let table: ReadonlyMap<string, readonly [number, number]> | undefined;

/** Node decodes GBK but does not write it: the table is turned round once, when it is first asked for. */
function gbkTable(): ReadonlyMap<string, readonly [number, number]> {
  if (table) return table;
  const decoder = new TextDecoder("gbk");
  const turned = new Map<string, readonly [number, number]>();
  for (let lead = GBK_FIRST; lead <= GBK_LAST; lead += 1) {
    for (let trail = 0x40; trail <= GBK_LAST; trail += 1) {
      const text = decoder.decode(Uint8Array.of(lead, trail));
      if (text.length === 1 && text !== "\ufffd") turned.set(text, [lead, trail]);
    }
  }
  table = turned;
  return turned;
}

/** @returns GBK bytes; what GBK does not have becomes "?" */
export function encodeGbk(text: string): Uint8Array {
  const pairs = gbkTable();
  const bytes: number[] = [];
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x80) bytes.push(code);
    else bytes.push(...(pairs.get(character) ?? [0x3f]));
  }
  return Uint8Array.from(bytes);
}
