import { hash } from "node:crypto";
import { z } from "zod";
import type { Purpose } from "./posting.ts";

/** 26 characters a–z 2–7 (130 bits): some databases ignore case. Assigned once, stored for ever, never expires. */
export const PostingKey = z
  .string()
  .regex(/^[a-z2-7]{26}$/)
  .brand<"PostingKey">();
export type PostingKey = z.infer<typeof PostingKey>;

export interface PostingKeyParts {
  readonly company: string;
  readonly source: string;
  readonly form: string;
  /** The record's own id, or the name of the group ("day:2025-01-31:…") for vouchers of many documents. */
  readonly recordId: string;
  readonly ledger: string;
  readonly purpose: Purpose;
  /** 1 for the first voucher of a document or group; late movements open further parts. */
  readonly part: number;
  /** Rises only through a confirmed reversal. */
  readonly generation: number;
}

const BASE32 = "abcdefghijklmnopqrstuvwxyz234567";
const KEY_LENGTH = 26;

/** The same parts give the same key on every machine and for ever. */
export const postingKeyOf = (parts: PostingKeyParts): PostingKey => {
  const canonical = JSON.stringify([
    parts.company,
    parts.source,
    parts.form,
    parts.recordId,
    parts.ledger,
    parts.purpose,
    parts.part,
    parts.generation,
  ]);
  // 26 letters of the alphabet above are a key by construction.
  return base32(hash("sha256", canonical, "buffer"), KEY_LENGTH) as PostingKey;
};

/** A shorter key for ledgers whose field is shorter; the database keeps it unique per ledger. */
export const shortKeyOf = (key: PostingKey, length: number): string => key.slice(0, length);

/** The first `length` letters. */
const base32 = (bytes: Uint8Array, length: number): string => {
  let bits = 0;
  let held = 0;
  let text = "";
  for (const byte of bytes) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 5 && text.length < length) {
      bits -= 5;
      text += BASE32[(held >>> bits) & 31];
      held &= (1 << bits) - 1;
    }
    if (text.length === length) break;
  }
  return text;
};
