/** Lead and second bytes of two-byte GBK. */
const LEADS = { first: 0x81, last: 0xfe } as const;
const SECONDS = { first: 0x40, last: 0xfe, unused: 0x7f } as const;
const NO_CHARACTER = /^[\ue000-\uf8ff\ufffd]$/;
const DECLARATION_BYTES = 200;

let table: ReadonlyMap<string, number> | undefined;

/** The decoder knows the table; reading it backwards takes some milliseconds, once. */
const gbkTable = (): ReadonlyMap<string, number> => {
  const decoder = new TextDecoder("gbk");
  const bytes = new Map<string, number>();
  for (let lead: number = LEADS.first; lead <= LEADS.last; lead += 1)
    for (let second: number = SECONDS.first; second <= SECONDS.last; second += 1) {
      if (second === SECONDS.unused) continue;
      const text = decoder.decode(Uint8Array.of(lead, second));
      if (Array.from(text).length === 1 && !NO_CHARACTER.test(text)) bytes.set(text, (lead << 8) | second);
    }
  return bytes;
};

/** XML in GBK. What GBK lacks becomes a character reference, which every XML parser reads. */
export const gbkXml = (text: string): Buffer => {
  table ??= gbkTable();
  const bytes: number[] = [];
  for (const character of text) {
    const known = character <= "\u007f" ? character.charCodeAt(0) : table.get(character);
    if (known === undefined) bytes.push(...Buffer.from(`&#${character.codePointAt(0) ?? 0};`, "ascii"));
    else if (known > 0xff) bytes.push(known >> 8, known & 0xff);
    else bytes.push(known);
  }
  return Buffer.from(bytes);
};

/**
 * Answers are UTF-8, declared or not; a declared gb2312, gbk or gb18030 is believed when the bytes are no UTF-8. Servers send a
 * declaration that does not fit their bytes (U8.50 posts GBK and answers UTF-8).
 */
export const xmlText = (bytes: Buffer): string => {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    const declared = /encoding\s*=\s*["']([\w-]+)["']/i.exec(
      bytes.subarray(0, DECLARATION_BYTES).toString("latin1"),
    )?.[1];
    const chinese = declared !== undefined && /^gb(2312|k|18030)$/i.test(declared);
    return new TextDecoder(chinese ? "gb18030" : "utf-8").decode(bytes);
  }
};
