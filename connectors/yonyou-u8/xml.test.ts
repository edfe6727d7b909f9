import fc from "fast-check";
import { expect, test } from "vitest";
import { gbkXml, xmlText } from "./encoding.ts";
import { XmlUnreadable, child, childrenOf, isXmlText, readXml, textOf, writeXml } from "./xml.ts";

test("codes, amounts, blanks and entities come as they are written", () => {
  const root = readXml(
    '\n<?xml version="1.0"?><a x="1 &lt; &#x4e2d;"><b> 0012 &amp;&#20013;&amp;lt; </b><c/><c>1.10</c><d><![CDATA[<x>&amp;]]></d><!-- no --></a>'.trim(),
  );
  expect(root.attributes["x"]).toBe("1 < 中");
  expect(textOf(root, "b")).toBe(" 0012 &中&lt; ");
  expect(childrenOf(root, "c").map(({ text }) => text)).toEqual(["", "1.10"]);
  expect(textOf(root, "d")).toBe("<x>&amp;");
  expect(child(root, "e")).toBeUndefined();
});

test("what is written reads back the same, in text and attributes", () => {
  const text = `'单' "双" <b>&amp; & ]]> <!-- \t\n 📦 𠮷 &#65;`;
  const written = writeXml(
    {
      a: {
        "@x": text,
        b: [
          { "@n": "1", "#text": text },
          { "@n": "2", "#text": "" },
        ],
        c: "",
      },
    },
    "utf-8",
  );
  const root = readXml(written);
  expect(root.attributes["x"]).toBe(text);
  expect(childrenOf(root, "b").map((one) => [one.attributes["n"], one.text])).toEqual([
    ["1", text],
    ["2", ""],
  ]);
  expect(root.children.map(({ name }) => name)).toEqual(["b", "b", "c"]);
});

test("whatever XML can carry reads back as it was written, as text and as attribute", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "binary" }).filter((text) => isXmlText(text)),
      (text) => {
        const root = readXml(writeXml({ a: { "@x": text, "#text": text } }, "utf-8"));
        expect([root.attributes["x"], root.text]).toEqual([text, text]);
      },
    ),
  );
});

test("no text makes reading throw anything but its own error", () => {
  const markup = fc.constantFrom(
    "<a>",
    "</a>",
    "<a",
    "/>",
    "&",
    "&#",
    "&#x",
    ";",
    "<![CDATA[",
    "]]>",
    "<!--",
    "-->",
    "<?",
    "?>",
    '"',
    "=",
    "x",
    " ",
  );
  fc.assert(
    fc.property(fc.array(markup, { maxLength: 30 }), (parts) => {
      try {
        readXml(parts.join(""));
      } catch (error) {
        expect(error).toBeInstanceOf(XmlUnreadable);
      }
    }),
    { numRuns: 500 },
  );
});

test.each([
  ["a DOCTYPE", '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'],
  ["an open element", "<a><b></a>"],
  ["a word", "false"],
  ["nothing", ""],
  ["a page", "<html><br><p>500</html>"],
  ["a hundred levels", `${"<a>".repeat(100)}${"</a>".repeat(100)}`],
])("%s is unreadable", (_name, text) => {
  expect(() => readXml(text)).toThrow(XmlUnreadable);
});

test("an entity that nobody declared stays text, and a character beyond Unicode as well", () => {
  expect(textOf(readXml("<a><b>&x; &#x110000;</b></a>"), "b")).toBe("&x; &#x110000;");
});

test("characters that XML cannot carry are known", () => {
  expect(isXmlText("库存\t\n 📦")).toBe(true);
  for (const text of ["\u0000", "\u000b", "\ufffe", "\ud800"]) expect(isXmlText(text)).toBe(false);
});

test("GBK is written by the table, and what it lacks as a character reference", () => {
  const text = '<a x="库存">镕 📦 𠮷</a>';
  const bytes = gbkXml(text);
  expect(new TextDecoder("gbk").decode(bytes)).toBe('<a x="库存">镕 &#128230; &#134071;</a>');
  const declared = gbkXml(`<?xml version="1.0" encoding="gb2312"?>${text}`);
  expect(readXml(xmlText(declared)).text).toBe("镕 📦 𠮷");
});

test("an answer is read as UTF-8 whatever it declares, and as declared where it is no UTF-8", () => {
  const utf8 = Buffer.from('<?xml version="1.0" encoding="gb2312"?><a>中文科目</a>', "utf8");
  expect(xmlText(utf8)).toContain("中文科目");
  expect(xmlText(gbkXml('<?xml version="1.0" encoding="gbk"?><a>中文科目</a>'))).toContain("中文科目");
});
