/** Lead and second bytes of two-byte GBK. */
const LEADS = { first: 0x81, last: 0xfe } as const;
const SECONDS = { first: 0x40, last: 0xfe, unused: 0x7f } as const;
const ASCII_LAST = 0x7f;
/** Private use: places that GBK leaves to its users, and the mark of what cannot be decoded. */
const NO_CHARACTER = /^[\ue000-\uf8ff\ufffd]$/;

let decoder: InstanceType<typeof TextDecoder> | undefined;
let known: ReadonlyMap<string, number> | undefined;

/** Text from bytes of GBK (code page 936); what is no character becomes U+FFFD. */
export const decodeGbk = (bytes: Uint8Array): string => {
  decoder ??= new TextDecoder("gbk");
  return decoder.decode(bytes);
};

/**
 * Text as bytes of GBK, two for each Chinese character.
 * @returns the first character that GBK lacks in place of the bytes: it is never replaced by "?"
 */
export const encodeGbk = (
  text: string,
):
  | { readonly bytes: Uint8Array; readonly unheld?: undefined }
  | { readonly bytes?: undefined; readonly unheld: string } => {
  const bytes: number[] = [];
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    if (point <= ASCII_LAST) {
      bytes.push(point);
      continue;
    }
    const pair = table().get(character);
    if (pair === undefined) return { unheld: character };
    bytes.push(pair >> 8, pair & 0xff);
  }
  return { bytes: Uint8Array.from(bytes) };
};

/** The first character of a text that GBK lacks. */
export const unheldIn = (text: string): string | undefined => encodeGbk(text).unheld;

/** True when every character is ASCII or has a place in GBK: what programs with a Chinese code page can store. */
export const isGbk = (text: string): boolean => unheldIn(text) === undefined;

/** Bytes that a text takes: ASCII one, everything else that GBK has two. */
export const gbkLength = (text: string): number => {
  let length = 0;
  for (const character of text) length += (character.codePointAt(0) ?? 0) <= ASCII_LAST ? 1 : 2;
  return length;
};

/** The decoder knows the table, and Node encodes nothing but UTF-8; reading it backwards takes some milliseconds, once. */
const table = (): ReadonlyMap<string, number> => {
  if (known !== undefined) return known;
  const pairs = new Map<string, number>();
  for (let lead: number = LEADS.first; lead <= LEADS.last; lead += 1)
    for (let second: number = SECONDS.first; second <= SECONDS.last; second += 1) {
      if (second === SECONDS.unused) continue;
      const character = decodeGbk(Uint8Array.of(lead, second));
      const single = Array.from(character).length === 1 && !NO_CHARACTER.test(character);
      if (single && !pairs.has(character)) pairs.set(character, (lead << 8) | second);
    }
  known = pairs;
  return pairs;
};
