import { UnreadableFile } from "./unreadable.ts";

export type Encoding = "utf-8" | "gb18030" | "utf-16le";

const startsWith = (bytes: Uint8Array, ...mark: number[]): boolean =>
  mark.every((byte, index) => bytes[index] === byte);

/**
 * Text of a file. A byte order mark says the encoding, whatever was configured; without one "auto" takes UTF-8 where the
 * bytes are valid UTF-8 (text in GBK hardly ever is) and GB18030, the superset of GBK, where they are not.
 *
 * @throws UnreadableFile when the bytes are no text in that encoding
 */
export const decodeText = (
  bytes: Uint8Array,
  configured: "auto" | "utf-8" | "gb18030",
): { readonly text: string; readonly encoding: Encoding } => {
  if (startsWith(bytes, 0xef, 0xbb, 0xbf)) return decoded(bytes, "utf-8");
  if (startsWith(bytes, 0xff, 0xfe)) return decoded(bytes, "utf-16le");
  if (configured !== "auto") return decoded(bytes, configured);
  try {
    return decoded(bytes, "utf-8");
  } catch {
    return decoded(bytes, "gb18030");
  }
};

const decoded = (bytes: Uint8Array, encoding: Encoding) => {
  try {
    // Fatal: a replacement character in an item code would be a code that nobody has.
    const text = new TextDecoder(encoding, { fatal: true }).decode(bytes);
    if (text.includes("\0")) throw new Error("binary");
    return { text, encoding };
  } catch (cause) {
    throw new UnreadableFile(
      `文件不是 ${encoding.toUpperCase()} 文本，请另存为 UTF-8 或 GBK 的 CSV`,
      "FILE_UNREADABLE",
      { cause },
    );
  }
};
