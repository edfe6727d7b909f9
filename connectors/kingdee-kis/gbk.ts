const decoder = new TextDecoder("gbk");
const LEADS = { first: 0x81, last: 0xfe } as const;
const TRAILS = { first: 0x40, last: 0xfe, hole: 0x7f } as const;
const ASCII_LAST = 0x7f;
/** User-defined areas: the decoder maps them to private characters that no machine shows alike. */
const PRIVATE_USE = /\p{Co}/u;

export const decodeGbk = (bytes: Uint8Array): string => decoder.decode(bytes);

/**
 * Text as bytes of GBK (code page 936), two for each Chinese character.
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
    const pair = pairs().get(character);
    if (pair === undefined) return { unheld: character };
    bytes.push(pair >> 8, pair & 0xff);
  }
  return { bytes: Uint8Array.from(bytes) };
};

/** The first character of a text that GBK lacks. */
export const unheldIn = (text: string): string | undefined => encodeGbk(text).unheld;

/** Bytes that a text takes; every character beyond ASCII takes two. */
export const gbkLength = (text: string): number => {
  let length = 0;
  for (const character of text) length += (character.codePointAt(0) ?? 0) <= ASCII_LAST ? 1 : 2;
  return length;
};

const ELLIPSIS = "…";

/** A text that fits, cut between characters and visibly: "暂估入库…". */
export const fitGbk = (text: string, lengthMax: number): string => {
  if (gbkLength(text) <= lengthMax) return text;
  const room = lengthMax - gbkLength(ELLIPSIS);
  let kept = "";
  let length = 0;
  for (const character of text) {
    length += gbkLength(character);
    if (length > room) break;
    kept += character;
  }
  return kept + ELLIPSIS;
};

let table: ReadonlyMap<string, number> | undefined;

/** Made once from the decoder: Node decodes GBK but encodes nothing but UTF-8. */
const pairs = (): ReadonlyMap<string, number> => {
  if (table !== undefined) return table;
  const made = new Map<string, number>();
  for (let lead: number = LEADS.first; lead <= LEADS.last; lead += 1)
    for (let trail: number = TRAILS.first; trail <= TRAILS.last; trail += 1) {
      if (trail === TRAILS.hole) continue;
      const character = decoder.decode(Uint8Array.of(lead, trail));
      const single = Array.from(character).length === 1 && character !== "\ufffd" && !PRIVATE_USE.test(character);
      if (single && !made.has(character)) made.set(character, (lead << 8) | trail);
    }
  table = made;
  return made;
};
