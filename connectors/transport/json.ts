import Big from "big.js";
import { LosslessNumber, parse, stringify } from "lossless-json";

/** A JSON number as plain decimal text: "1.5E+3" becomes "1500", "12.50" stays "12.50". */
const plainNumber = (text: string): string => (/[eE]/.test(text) ? new Big(text).toFixed() : text);

/**
 * JSON of a vendor, with every number as decimal text, so that nothing passes through a float.
 * @throws SyntaxError when the text is not JSON
 */
export const parseVendorJson = (text: string): unknown => parse(text, undefined, plainNumber);

/** Marks decimal text that has to leave as a JSON number: `{ FQty: exactNumber("10.50") }` is written `{"FQty":10.50}`. */
export const exactNumber = (text: string): LosslessNumber => new LosslessNumber(text);

/** Compact JSON. `exactNumber` values keep their digits. @throws TypeError when there is nothing to write */
export const writeVendorJson = (value: unknown): string => {
  const text = stringify(value);
  if (text === undefined) throw new TypeError("undefined has no JSON");
  return text;
};
