/**
 * XML as EAI needs it, and nothing that could be turned against the server: no DTD, hence no entities besides the five of
 * XML itself, and bounds on size, depth and count. Whatever does not fit is "not well-formed".
 */

export type XmlElement = {
  name: string;
  attributes: Record<string, string>;
  children: XmlElement[];
  /** own text and CDATA, joined */
  text: string;
};

export class XmlError extends Error {}

const LENGTH_MAX = 16 * 1024 * 1024;
const DEPTH_MAX = 32;
const ELEMENTS_MAX = 500_000;
const ATTRIBUTES_MAX = 256;
const NAME = /[A-Za-z_\u4e00-\u9fff][\w.\-:\u4e00-\u9fff]*/y;
const FIRST_PRINTABLE = 0x20;
/** U+FFFE and U+FFFF */
const NOT_A_CHARACTER = 0xfffe;
const TAB = 9;
const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const ENTITIES: Record<string, string> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

/** @throws XmlError when the text is not one well-formed element within the bounds */
export function parseXml(source: string): XmlElement {
  if (source.length > LENGTH_MAX) throw new XmlError("document too long");
  const reader = new Reader(source);
  reader.prologue();
  const root = reader.element();
  reader.epilogue();
  return root;
}

class Reader {
  readonly #source: string;
  #at = 0;
  #elements = 0;

  constructor(source: string) {
    this.#source = source;
  }

  prologue(): void {
    this.#blanks();
    if (this.#take("<?xml")) this.#past("?>");
    this.#between();
  }

  epilogue(): void {
    this.#between();
    if (this.#at < this.#source.length) throw new XmlError("content after the root element");
  }

  /** Reads one element with everything in it; open elements wait on a list, so that depth costs no stack. */
  element(): XmlElement {
    const open: XmlElement[] = [];
    const first = this.#startTag();
    if (first.closed) return first.element;
    open.push(first.element);
    // Bounded: every round moves forward in the source.
    while (this.#at < this.#source.length) {
      const current = open.at(-1);
      if (current === undefined) break;
      const next = this.#source.indexOf("<", this.#at);
      if (next < 0) break;
      if (next > this.#at) current.text += decodeText(this.#source.slice(this.#at, next));
      this.#at = next;
      if (this.#take("<![CDATA[")) current.text += legal(this.#past("]]>"));
      else if (this.#take("<!--")) this.#past("-->");
      else if (this.#take("<?")) this.#past("?>");
      else if (this.#take("</")) {
        if (this.#name() !== current.name) throw new XmlError(`end tag does not match ${current.name}`);
        this.#blanks();
        this.#expect(">");
        open.pop();
        if (open.length === 0) return current;
      } else {
        const { element, closed } = this.#startTag();
        current.children.push(element);
        if (!closed) open.push(element);
        if (open.length > DEPTH_MAX) throw new XmlError("nested too deeply");
      }
    }
    throw new XmlError("unexpected end");
  }

  #startTag(): { element: XmlElement; closed: boolean } {
    this.#expect("<");
    this.#elements += 1;
    if (this.#elements > ELEMENTS_MAX) throw new XmlError("too many elements");
    const name = this.#name();
    const attributes: Record<string, string> = {};
    for (let count = 0; count <= ATTRIBUTES_MAX; count += 1) {
      const blank = this.#blanks();
      if (this.#take("/>")) return { element: { name, attributes, children: [], text: "" }, closed: true };
      if (this.#take(">")) return { element: { name, attributes, children: [], text: "" }, closed: false };
      if (!blank) throw new XmlError("attributes must be set apart");
      const attribute = this.#name();
      if (Object.hasOwn(attributes, attribute)) throw new XmlError(`attribute ${attribute} twice`);
      this.#blanks();
      this.#expect("=");
      this.#blanks();
      const quote = this.#take('"') ? '"' : this.#take("'") ? "'" : undefined;
      if (quote === undefined) throw new XmlError("attribute without quotes");
      const value = this.#past(quote);
      if (value.includes("<")) throw new XmlError("< in an attribute");
      attributes[attribute] = decodeText(value);
    }
    throw new XmlError("too many attributes");
  }

  /** Blanks, comments and instructions outside of the root; a DTD is refused. */
  #between(): void {
    for (;;) {
      this.#blanks();
      if (this.#take("<!--")) this.#past("-->");
      else if (this.#take("<?")) this.#past("?>");
      else if (this.#source.startsWith("<!", this.#at)) throw new XmlError("a DTD is not accepted");
      else return;
    }
  }

  #blanks(): boolean {
    const start = this.#at;
    while (/[ \t\r\n]/.test(this.#source.charAt(this.#at))) this.#at += 1;
    return this.#at > start;
  }

  #name(): string {
    NAME.lastIndex = this.#at;
    const found = NAME.exec(this.#source)?.[0];
    if (found === undefined || found === "__proto__") throw new XmlError("a name is missing");
    this.#at += found.length;
    return found;
  }

  #take(mark: string): boolean {
    if (!this.#source.startsWith(mark, this.#at)) return false;
    this.#at += mark.length;
    return true;
  }

  #expect(mark: string): void {
    if (!this.#take(mark)) throw new XmlError(`${mark} is missing`);
  }

  /** @returns what stands before the mark, and moves past it */
  #past(mark: string): string {
    const end = this.#source.indexOf(mark, this.#at);
    if (end < 0) throw new XmlError(`${mark} is missing`);
    const text = this.#source.slice(this.#at, end);
    this.#at = end + mark.length;
    return text;
  }
}

function decodeText(raw: string): string {
  if (!raw.includes("&")) return legal(raw);
  return legal(
    raw.replace(/&([^;&]{0,12});?/g, (whole, name: string) => {
      if (!whole.endsWith(";")) throw new XmlError("& stands alone");
      const number = /^#(?:x([0-9a-fA-F]{1,6})|(\d{1,7}))$/.exec(name);
      if (number) {
        const code = number[1] === undefined ? Number(number[2]) : Number.parseInt(number[1], 16);
        if (code > 0x10ffff) throw new XmlError(`character ${name} does not exist`);
        return String.fromCodePoint(code);
      }
      const entity = Object.hasOwn(ENTITIES, name) ? ENTITIES[name] : undefined;
      if (entity === undefined) throw new XmlError(`entity ${name} is unknown`);
      return entity;
    }),
  );
}

/** XML 1.0 §2.2: control characters have no place in a document, not even as references. */
function legal(text: string): string {
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code >= FIRST_PRINTABLE && code < NOT_A_CHARACTER) continue;
    if (code === TAB || code === LINE_FEED || code === CARRIAGE_RETURN) continue;
    throw new XmlError("an illegal character");
  }
  return text;
}

// ---- writing

export type XmlOut = {
  name: string;
  attributes?: Record<string, string> | undefined;
  children?: readonly XmlOut[] | undefined;
  text?: string | undefined;
};

export function writeXml(element: XmlOut): string {
  const attributes = Object.entries(element.attributes ?? {})
    .map(([name, value]) => ` ${name}="${escapeText(value).replaceAll('"', "&quot;")}"`)
    .join("");
  const content = escapeText(element.text ?? "") + (element.children ?? []).map(writeXml).join("");
  return content === ""
    ? `<${element.name}${attributes}/>`
    : `<${element.name}${attributes}>${content}</${element.name}>`;
}

export function escapeText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

// ---- reading what was parsed

export function childOf(element: XmlElement | undefined, name: string): XmlElement | undefined {
  return element?.children.find((child) => child.name === name);
}

export function childrenOf(element: XmlElement | undefined, name: string): XmlElement[] {
  return element?.children.filter((child) => child.name === name) ?? [];
}

/** @returns the text of a child without the blanks around it; "" when there is none */
export function textOf(element: XmlElement | undefined, name: string): string {
  return childOf(element, name)?.text.trim() ?? "";
}
