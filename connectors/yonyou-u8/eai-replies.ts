import { z } from "zod";
import type { Exchange } from "../transport/vendor-http.ts";
import { problemIn } from "./errors.ts";
import type { SendAnswer } from "./u8-interface.ts";
import { type XmlElement, XmlUnreadable, childrenOf, readXml } from "./xml.ts";

/** Attributes of an `<item>` (reference §2.4): the voucher's reply and the general one differ, and versions leave some out. */
const Item = z.object({
  succeed: z.string(),
  dsc: z.string().default(""),
  entry_id: z.string().default(""),
  key: z.string().default(""),
  u8key: z.string().default(""),
  u8voucher_id: z.string().default(""),
});
export type Item = z.infer<typeof Item>;

const SHOWN = 500;

/** A reply of EAI's, or why it is none: a page of IIS, the word `false`, nothing at all. */
export type Reply =
  | { readonly kind: "document"; readonly root: XmlElement }
  | { readonly kind: "none"; readonly message: string };

export const replyIn = (text: string): Reply => {
  try {
    const root = readXml(text);
    if (root.name === "ufinterface") return { kind: "document", root };
    return { kind: "none", message: `the root element is ${root.name}` };
  } catch (error) {
    if (!(error instanceof XmlUnreadable)) throw error;
    return { kind: "none", message: `no EAI reply (${error.message}): ${text.slice(0, SHOWN)}` };
  }
};

/** undefined where an `<item>` has no `succeed`: such a reply says nothing. */
export const itemsOf = (root: XmlElement): readonly Item[] | undefined => {
  const parsed = z.array(Item).safeParse(childrenOf(root, "item").map(({ attributes }) => attributes));
  return parsed.success ? parsed.data : undefined;
};

const isDone = (item: Item): boolean => item.succeed.trim() === "0";

/** All items are read: the bad lines come first, a summary without a line number last (captured reply, reference §2.4). */
export const textOfItems = (items: readonly Item[]): string =>
  items
    .map(({ entry_id: entry, dsc, succeed }) => {
      const text = dsc === "" ? `succeed=${succeed}` : dsc;
      return entry === "" ? text : `分录 ${entry}: ${text}`;
    })
    .join("；");

/** The item that names the cause: a line's own, else the first. */
const causeOf = (failures: readonly Item[]): string =>
  (failures.find(({ entry_id: entry }) => entry !== "") ?? failures[0])?.dsc ?? "";

const ALREADY = /数据重复上传/;

/** What the answer to `voucher add` says of its one voucher. */
export const addAnswer = (answer: Exchange, key: string): SendAnswer => {
  switch (answer.kind) {
    case "not-sent":
      return { kind: "not-done", code: answer.code, message: answer.message };
    case "no-answer":
    case "half":
      return { kind: "uncertain", code: "NO_ANSWER", message: answer.message };
    case "unreadable":
      return { kind: "uncertain", code: "ANSWER_UNREADABLE", message: answer.message };
    case "answered": {
      if (answer.status !== 200)
        return {
          kind: "uncertain",
          code: "SERVER_ERROR",
          message: `HTTP ${answer.status} ${answer.text.slice(0, SHOWN)}`,
        };
      const reply = replyIn(answer.text);
      if (reply.kind === "none") return { kind: "uncertain", code: "ANSWER_UNREADABLE", message: reply.message };
      return judged(reply.root, key);
    }
  }
};

const judged = (root: XmlElement, key: string): SendAnswer => {
  const incomplete = (message: string): SendAnswer => ({ kind: "uncertain", code: "ANSWER_INCOMPLETE", message });
  const { roottag = "", docid = "" } = root.attributes;
  if (!["voucheraddreturn", "return"].includes(roottag.toLowerCase())) return incomplete(`a reply of kind ${roottag}`);
  // Old versions leave the message number out; another one is an answer to somebody else.
  if (docid !== "" && docid.toLowerCase() !== key) return incomplete(`the reply answers message ${docid}`);
  const items = itemsOf(root);
  if (items === undefined || items.length === 0) return incomplete("the reply names no voucher");
  const message = textOfItems(items);
  // Said with succeed 0 as well: nothing new was saved, and the number is not to be trusted (reference §2.5, trap 1).
  if (items.some(({ dsc }) => ALREADY.test(dsc))) return { kind: "uncertain", code: "ALREADY_EXISTS", message };
  const failures = items.filter((item) => !isDone(item));
  if (failures.length > 0) return { ...problemIn(causeOf(failures)), message, judged: true };
  const [item, ...others] = items;
  // Elements that do not fit the template leave a success without a number, and nothing saved (trap 2).
  if (item === undefined || others.length > 0 || !/^[1-9]\d*$/.test(item.u8voucher_id.trim()))
    return incomplete(`called a success, but without a voucher number: ${message}`);
  return { kind: "taken", message: `凭证号 ${item.u8voucher_id}, ${message}` };
};
