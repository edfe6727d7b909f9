/** The push of a new appSecret to the application's callback address. */

import { type JsonOut, writeJson } from "../shared/json.ts";

/** Nobody waits for the other side longer than this. */
const PUSH_TIMEOUT_MS = 3_000;

/** Sends the record of an authorisation once; an application that does not answer asks for it later. */
export async function pushAuthorisation(url: string, record: JsonOut): Promise<void> {
  await fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: writeJson(record),
    signal: AbortSignal.timeout(PUSH_TIMEOUT_MS),
  });
}
