/** EAI's front door: who calls, what is asked, and who answers it. */

import type { ArmedFault, FaultCall } from "../shared/faults.ts";
import type { Answer } from "../shared/http.ts";
import { importArchives, isArchiveTag } from "./eai-archives.ts";
import { answerQuery, answerSql } from "./eai-query.ts";
import { importDocuments, isStockTag } from "./eai-stock.ts";
import { importVouchers } from "./eai-voucher.ts";
import { type EaiRequest, failureReply, iisError } from "./eai-wire.ts";
import { answerU8Api, u8ApiVerb } from "./u8api.ts";
import type { World } from "./world.ts";
import type { XmlElement } from "./xml.ts";

/** The user behind EAI登录身份验证: makes what comes without a 制单人. */
export const EAI_USER = "EAI用户";
const NO_RIGHT = "没有该功能的权限";
const UNSUPPORTED = "不支持的模版或操作";
const CHANGES = new Set(["add", "edit", "delete"]);

/** @returns the vendor-neutral verb of a request, for faults and counts */
export function verbOf({ roottag, proc }: EaiRequest, entities: readonly XmlElement[]): string {
  if (roottag === "sqlexe" || proc === "query") return "query";
  if (roottag === "u8api") return u8ApiVerb(proc, entities);
  if (!CHANGES.has(proc)) return "query";
  if (roottag === "voucher") return { add: "save", edit: "edit" }[proc] ?? "delete";
  if (isStockTag(roottag)) return { add: "stockSave", edit: "stockEdit" }[proc] ?? "stockDelete";
  return "baseSave";
}

export function callOf(request: EaiRequest, text: string): FaultCall {
  const entities = entitiesOf(request);
  const operation = verbOf(request, entities);
  const creates = operation === "save" || operation === "stockSave" || operation === "baseSave";
  return {
    operation,
    text,
    writes: operation !== "query",
    creates,
    elements: entities.length > 1 ? entities.length : 0,
  };
}

export function entitiesOf(request: EaiRequest): XmlElement[] {
  return request.root.children.filter(({ name }) => name.toLowerCase() === request.roottag);
}

/** Thrown inside a batch when the fault session-lost-mid-batch takes the session away. */
export class SessionEnded extends Error {}

export function answerEai(request: EaiRequest, world: World, requestId: string, fault: ArmedFault | undefined): Answer {
  const book = world.books.get(request.sender.trim());
  if (!book) return failureReply(request, "注册号不正确!");
  const { roottag, proc } = request;
  const query = proc === "query" || roottag === "sqlexe";
  const right = query ? "query" : proc;
  if (["*", right].some((one) => world.revoked.has(`${roottag}|${one}`))) return failureReply(request, NO_RIGHT);
  if (roottag === "sqlexe") return answerSql(request, world, book, fault?.kind === "reorder");
  const origin = { kind: "api", request: requestId, user: EAI_USER } as const;
  if (roottag === "u8api") return answerU8Api(request, world, book, origin);
  const all = entitiesOf(request);
  if (proc === "query") {
    const [entity] = all;
    const asked = entity ?? { name: roottag, attributes: {}, children: [], text: "" };
    return answerQuery(request, asked, world, book) ?? failureReply(request, UNSUPPORTED);
  }
  if (!CHANGES.has(proc)) return failureReply(request, UNSUPPORTED);
  if (all.length === 0) return iisError();
  const lost = fault?.kind === "session-lost-mid-batch";
  const entities = lost ? all.slice(0, fault.after) : all;
  const answer =
    roottag === "voucher"
      ? importVouchers(request, entities, world, book, origin, fault)
      : isStockTag(roottag)
        ? importDocuments(request, entities, world, book, origin, fault)
        : isArchiveTag(roottag)
          ? importArchives(request, entities, world, book)
          : failureReply(request, UNSUPPORTED);
  if (lost) throw new SessionEnded();
  return answer;
}
