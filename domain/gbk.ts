/** Lead and second bytes of two-byte GBK. */
const LEADS = { first: 0x81, last: 0xfe } as const;
const SECONDS = { first: 0x40, last: 0xfe, unused: 0x7f } as const;
/** Private use: places that GBK leaves to its users, and the mark of what cannot be decoded. */
const NO_CHARACTER = /^[\ue000-\uf8ff\ufffd]$/;

let known: ReadonlySet<string> | undefined;

/** True when every character is ASCII or has a place in GBK: what programs with a Chinese code page can store. */
export const isGbk = (text: string): boolean => {
  known ??= readTable();
  for (const character of text) if (character > "\u007f" && !known.has(character)) return false;
  return true;
};

/** The decoder knows the table; reading it backwards takes some milliseconds, once. */
const readTable = (): ReadonlySet<string> => {
  const decoder = new TextDecoder("gbk");
  const characters = new Set<string>();
  for (let lead: number = LEADS.first; lead <= LEADS.last; lead += 1)
    for (let second: number = SECONDS.first; second <= SECONDS.last; second += 1) {
      if (second === SECONDS.unused) continue;
      const text = decoder.decode(Uint8Array.of(lead, second));
      if (Array.from(text).length === 1 && !NO_CHARACTER.test(text)) characters.add(text);
    }
  return characters;
};
