import { XMLBuilder, XMLParser, XMLValidator } from "fast-xml-parser";

/** A U8 document nests about eight levels; deeper is no document of U8's. */
const DEPTH_MAX = 32;
/** Characters. The largest answer that the transport lets through is larger: a voucher list of that size is asked for in parts. */
const LENGTH_MAX = 32 * 1024 * 1024;
const CODE_POINT_MAX = 0x10_ffff;

/** One element: nothing is guessed about lists, numbers or empty ones. */
export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly XmlElement[];
  /** Text and CDATA directly inside, entities decoded, blanks as they came. */
  readonly text: string;
}

export class XmlUnreadable extends Error {}

const parser = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: false,
  attributeNamePrefix: "",
  ignoreDeclaration: true,
  ignorePiTags: true,
  // "0012" is a code and "1.10" an amount.
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: false,
  // The five entities of XML and character references are decoded here; there are no others without a DOCTYPE.
  processEntities: false,
  cdataPropName: "#cdata",
  maxNestedTags: DEPTH_MAX,
});

/** @throws XmlUnreadable when it is not well-formed, has a DOCTYPE, or is too deep or too long */
export const readXml = (text: string): XmlElement => {
  if (text.length > LENGTH_MAX) throw new XmlUnreadable(`longer than ${LENGTH_MAX} characters`);
  if (/<!DOCTYPE/i.test(text)) throw new XmlUnreadable("a DOCTYPE is refused");
  const valid = XMLValidator.validate(text);
  if (valid !== true) throw new XmlUnreadable(`line ${valid.err.line}: ${valid.err.msg}`);
  let nodes: unknown;
  try {
    nodes = parser.parse(text);
  } catch (error) {
    throw new XmlUnreadable(error instanceof Error ? error.message : String(error));
  }
  const [root] = elementsIn(nodes, 0);
  if (root === undefined) throw new XmlUnreadable("no element");
  return root;
};

/** The parser's tree of unknowns as elements. */
const elementsIn = (nodes: unknown, depth: number): readonly XmlElement[] => {
  if (depth > DEPTH_MAX) throw new XmlUnreadable(`more than ${DEPTH_MAX} levels`);
  if (!Array.isArray(nodes)) return [];
  return nodes.flatMap((node: unknown) => {
    if (!isRecord(node)) return [];
    const name = Object.keys(node).find((key) => key !== ATTRIBUTES && !key.startsWith("#"));
    if (name === undefined || name.startsWith("?")) return [];
    const inside = node[name];
    return [
      {
        name,
        attributes: attributesOf(node[ATTRIBUTES]),
        children: elementsIn(inside, depth + 1),
        text: textIn(inside),
      },
    ];
  });
};

const ATTRIBUTES = ":@";
const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null;

const attributesOf = (given: unknown): Readonly<Record<string, string>> =>
  isRecord(given)
    ? Object.fromEntries(Object.entries(given).map(([name, value]) => [name, decoded(String(value))]))
    : {};

const textIn = (nodes: unknown): string => {
  if (!Array.isArray(nodes)) return "";
  let text = "";
  for (const node of nodes as readonly unknown[]) {
    if (!isRecord(node)) continue;
    if ("#text" in node) text += decoded(String(node["#text"]));
    else if ("#cdata" in node && Array.isArray(node["#cdata"]))
      for (const part of node["#cdata"] as readonly unknown[])
        if (isRecord(part) && "#text" in part) text += String(part["#text"]);
  }
  return text;
};

const NAMED: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };
const REFERENCE = /&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|(amp|lt|gt|quot|apos));/g;

/** One pass, and what comes out is not looked at again: nothing can expand. */
const decoded = (text: string): string =>
  text.includes("&")
    ? text.replace(REFERENCE, (whole: string, decimal?: string, hex?: string, name?: string) => {
        if (name !== undefined) return NAMED[name] ?? whole;
        const point = decimal === undefined ? Number.parseInt(hex ?? "", 16) : Number(decimal);
        return point <= CODE_POINT_MAX ? String.fromCodePoint(point) : whole;
      })
    : text;

export const child = (of: XmlElement | undefined, name: string): XmlElement | undefined =>
  of?.children.find((one) => one.name === name);
export const childrenOf = (of: XmlElement | undefined, name: string): readonly XmlElement[] =>
  of?.children.filter((one) => one.name === name) ?? [];
/** Text of a child, "" where it is missing or empty. Names are compared as written. */
export const textOf = (of: XmlElement | undefined, name: string): string => child(of, name)?.text ?? "";

/** What an element of ours may be made of: text, attributes ("@name"), children in order, repeated ones as a list. */
export interface XmlTree {
  readonly [name: string]: string | XmlTree | readonly XmlTree[];
}

const builder = new XMLBuilder({
  ignoreAttributes: false,
  attributeNamePrefix: "@",
  textNodeName: "#text",
  suppressEmptyNode: true,
  format: false,
  // Text is escaped before it is handed over, so that tabs and line feeds survive in attributes as well.
  processEntities: false,
});

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
  "\t": "&#9;",
  "\n": "&#10;",
  "\r": "&#13;",
};

/** True when XML 1.0 has a way to write every character. */
export const isXmlText = (text: string): boolean =>
  // eslint-disable-next-line no-control-regex -- these are what is looked for
  !/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/u.test(text);

/** @param declared  the encoding that the declaration names; the caller writes the bytes accordingly */
export const writeXml = (tree: XmlTree, declared: string): string =>
  `<?xml version="1.0" encoding="${declared}"?>${builder.build(escapedTree(tree))}`;

const escapedTree = (tree: XmlTree): XmlTree =>
  Object.fromEntries(Object.entries(tree).map(([name, value]) => [name, escapedValue(value)]));
const escapedValue = (value: XmlTree[string]): XmlTree[string] => {
  if (typeof value === "string") return value.replace(/[&<>"'\t\n\r]/g, (character) => ESCAPES[character] ?? character);
  return isList(value) ? value.map(escapedTree) : escapedTree(value);
};
const isList = (value: XmlTree | readonly XmlTree[]): value is readonly XmlTree[] => Array.isArray(value);
