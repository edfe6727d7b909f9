import { UnreadableFile } from "./unreadable.ts";

export interface XmlHandlers {
  /** `name` comes without a namespace prefix. */
  readonly open: (name: string, attributes: string) => void;
  readonly text: (text: string) => void;
  readonly close: (name: string) => void;
}

/** No part of a workbook nests deeper than a dozen. */
const DEPTH_MAX = 64;
/** Each character can be matched in one way only, so that no file makes this slow. */
const TOKEN =
  /<(?:!--[\s\S]*?-->|!\[CDATA\[([\s\S]*?)\]\]>|\?[\s\S]*?\?>|(\/?)(?:[\w.-]+:)?([\w.-]+)([^<>"']*(?:(?:"[^"<]*"|'[^'<]*')[^<>"']*)*)>)/y;

/**
 * Walks through the XML of a workbook's part, once and in a straight line. A document type is refused, and with it every
 * entity but the five of XML itself: nothing expands and nothing is fetched.
 *
 * @throws UnreadableFile
 */
export const scanXml = (xml: string, { open, text, close }: XmlHandlers): void => {
  if (/<!(?:DOCTYPE|ENTITY)/i.test(xml)) throw new UnreadableFile("工作簿中有文档类型声明，已拒绝");
  const stack: string[] = [];
  let at = 0;
  while (at < xml.length) {
    const next = xml.indexOf("<", at);
    const until = next < 0 ? xml.length : next;
    if (until > at) text(unescapeXml(xml.slice(at, until)));
    if (next < 0) break;
    TOKEN.lastIndex = next;
    const [whole, cdata, slash, name, attributes = ""] = TOKEN.exec(xml) ?? [];
    if (whole === undefined) throw new UnreadableFile("工作簿的 XML 已损坏，请重新保存");
    at = next + whole.length;
    if (cdata !== undefined) text(cdata);
    if (name === undefined) continue;
    if (slash === "/") {
      if (stack.pop() !== name) throw new UnreadableFile("工作簿的 XML 已损坏，请重新保存");
      close(name);
      continue;
    }
    open(name, attributes);
    if (attributes.endsWith("/")) close(name);
    else stack.push(name);
    if (stack.length > DEPTH_MAX) throw new UnreadableFile("工作簿的 XML 嵌套过深");
  }
  if (stack.length > 0) throw new UnreadableFile("工作簿的 XML 不完整，请重新保存");
};

export const attributeOf = (attributes: string, name: string): string | undefined => {
  const found = new RegExp(`\\s(?:[\\w.-]+:)?${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)')`).exec(attributes);
  const value = found?.[1] ?? found?.[2];
  return value === undefined ? undefined : unescapeXml(value);
};

const NAMED: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };
const unescapeXml = (text: string): string =>
  text.includes("&")
    ? text.replaceAll(/&(#x[0-9a-f]{1,6}|#\d{1,7}|\w+);/gi, (whole, name: string) => {
        if (!name.startsWith("#")) return NAMED[name] ?? whole;
        const code = /^#x/i.test(name) ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1));
        return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
      })
    : text;
