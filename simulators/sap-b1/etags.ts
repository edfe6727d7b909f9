/** ETags: `W/"` and the SHA-1 of the DataVersion counter in decimal (guide §5; recomputed from a captured one). */

import { createHash } from "node:crypto";
import { staleData } from "./errors.ts";
import type { Entry } from "./model.ts";

const tagFor = (version: number): string =>
  `W/"${createHash("sha1").update(String(version)).digest("hex").toUpperCase()}"`;

export const etagOf = (entry: Entry): string => tagFor(entry.meta.version);

/** What a read with `$select` shows in its body, whatever the record's version (client b1sl-python's notes). */
export const FROZEN_ETAG = tagFor(1);

/** @throws ServiceError -2039 with 412 when the caller knows another version; without If-Match the write is blind */
export function checkIfMatch(entry: Entry, ifMatch: string | undefined): void {
  if (ifMatch === undefined || ifMatch.trim() === "*") return;
  if (!ifMatch.split(",").some((one) => one.trim() === etagOf(entry))) throw staleData();
}
