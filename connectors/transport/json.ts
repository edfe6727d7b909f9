import { LosslessNumber, parse, stringify } from "lossless-json";

/** No vendor sends numbers beyond this; a longer one would fill the memory with zeros. */
const EXPONENT_MAX = 400;

/**
 * A JSON number as plain decimal text: "1.5E+3" becomes "1500", "12.50" stays "12.50".
 * @throws SyntaxError on an exponent out of all measure
 */
const plainNumber = (text: string): string => {
  const [, sign = "", whole = "", fraction = "", power] = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? [];
  if (power === undefined) return text;
  const exponent = Number(power);
  if (Math.abs(exponent) > EXPONENT_MAX) throw new SyntaxError(`the exponent of ${text} is out of range`);
  const digits = "0".repeat(Math.max(0, -exponent)) + whole + fraction + "0".repeat(Math.max(0, exponent));
  // Leading zeros were added only for negative exponents: they shift the point as far to the left.
  const point = whole.length + Math.max(0, -exponent) + exponent;
  const before = digits.slice(0, point).replace(/^0+(?=\d)/, "") || "0";
  const after = digits.slice(point, digits.length).replace(/0+$/, "");
  return `${sign}${before}${after === "" ? "" : `.${after}`}`;
};

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
