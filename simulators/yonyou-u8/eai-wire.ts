/** The envelopes of EAI: what every request says about itself, and the four forms of a reply (EAI-KB). */

import type { Answer } from "../shared/http.ts";
import { decodeBody } from "./encoding.ts";
import { parseXml, writeXml, type XmlElement, type XmlOut } from "./xml.ts";

export type EaiRequest = {
  /** lower case except where the vendor's own spelling is not: voucher, storein, SQLEXE, u8api … */
  roottag: string;
  /** lower case */
  proc: string;
  /** as sent, for the echo */
  procAsSent: string;
  rootAsSent: string;
  sender: string;
  docid: string;
  attributes: Record<string, string>;
  root: XmlElement;
};

const DECLARATION = `<?xml version="1.0" encoding="utf-8"?>`;
/** What IIS shows when the ASP script behind it fails (FAQ CSDN 137540939). */
export const IIS_ERROR =
  "An error occurred on the server when processing the URL. Please contact the system administrator.";

/** @returns undefined when it is no ufinterface document with roottag, proc and sender: IIS then answers 500 */
export function readRequest(bytes: Uint8Array): EaiRequest | undefined {
  let root: XmlElement;
  try {
    root = parseXml(decodeBody(bytes).replace(/^\ufeff/, ""));
  } catch {
    return undefined;
  }
  const { roottag, proc, sender, docid } = root.attributes;
  if (root.name.toLowerCase() !== "ufinterface") return undefined;
  if (roottag === undefined || proc === undefined || sender === undefined) return undefined;
  return {
    roottag: roottag.toLowerCase(),
    proc: proc.toLowerCase(),
    procAsSent: proc,
    rootAsSent: roottag,
    sender,
    docid: docid ?? "",
    attributes: root.attributes,
    root,
  };
}

export function xmlAnswer(root: XmlOut): Answer {
  return { status: 200, contentType: "text/xml; charset=utf-8", body: DECLARATION + writeXml(root) };
}

export function iisError(): Answer {
  return {
    status: 500,
    contentType: "text/html",
    body: `<html><head><title>500 - Internal server error.</title></head><body><h2>${IIS_ERROR}</h2></body></html>`,
  };
}

/** One row of an import reply, form (a). */
export type Item = { key: string; succeed: string; dsc: string; u8key: string };

/** One row of a voucher import reply, form (b). */
export type VoucherItem = {
  period: string;
  sign: string;
  number: string;
  entry: string;
  succeed: string;
  dsc: string;
  u8Period: string;
  u8Number: string;
  u8Year: string;
};

function replyRoot(request: EaiRequest, roottag: string, children: readonly XmlOut[]): XmlOut {
  const attributes = {
    roottag,
    docid: request.docid,
    proc: request.procAsSent,
    sender: "u8",
    receiver: request.sender,
    "request-roottag": request.rootAsSent,
  };
  return { name: "ufinterface", attributes, children };
}

export function importReply(request: EaiRequest, items: readonly Item[]): Answer {
  const rows = items.map(({ key, succeed, dsc, u8key }) => ({
    name: "item",
    attributes: { key, succeed, dsc, u8key },
  }));
  return xmlAnswer(replyRoot(request, "return", rows));
}

export function voucherReply(request: EaiRequest, items: readonly VoucherItem[]): Answer {
  const rows = items.map((item) => ({
    name: "item",
    attributes: {
      accounting_period: item.period,
      voucher_type: item.sign,
      voucher_id: item.number,
      entry_id: item.entry,
      succeed: item.succeed,
      dsc: item.dsc,
      u8accounting_period: item.u8Period,
      u8voucher_id: item.u8Number,
      u8accounting_year: item.u8Year,
    },
  }));
  return xmlAnswer(replyRoot(request, `voucher${request.proc}return`, rows));
}

/** A failure before anything was looked at, in the form that the roottag asks for. */
export function failureReply(request: EaiRequest, dsc: string, succeed = "1"): Answer {
  if (request.roottag === "voucher" && request.proc !== "query") {
    const blank = { period: "", sign: "", number: "", entry: "", u8Period: "", u8Number: "", u8Year: "" };
    return voucherReply(request, [{ ...blank, succeed, dsc }]);
  }
  return importReply(request, [{ key: "", succeed, dsc, u8key: "" }]);
}

/** Form (c): the exported data itself. An empty result is a ufinterface without children. */
export function exportReply(
  request: EaiRequest,
  described: { display: string; family: string; docid: string; timestamp: string },
  children: readonly XmlOut[],
): Answer {
  const { sender, attributes } = request;
  return xmlAnswer({
    name: "ufinterface",
    attributes: {
      sender,
      receiver: "u8",
      roottag: request.rootAsSent,
      docid: described.docid,
      proc: request.procAsSent,
      codeexchanged: attributes["codeexchanged"] ?? "N",
      exportneedexch: attributes["exportneedexch"] ?? "N",
      display: described.display,
      family: described.family,
      timestamp: described.timestamp,
    },
    children,
  });
}
