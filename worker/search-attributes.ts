import { setTimeout as sleep } from "node:timers/promises";
import { type Connection, isGrpcServiceError } from "@temporalio/client";
import { SEARCH_ATTRIBUTES } from "../config/environment.ts";
import { ZhangshiError } from "../domain/errors.ts";
import type { Log } from "../observability/log.ts";

const KEYWORD = 2; // temporal.api.enums.v1.IndexedValueType
const CALL_LIMIT_MS = 10_000;
/** A server takes new attributes up with its next look at its own settings. */
const TAKEN_UP_LIMIT_MS = 30_000;
const TAKEN_UP_POLL_MS = 500;

/**
 * Creates what the namespace lacks of our search attributes; doing it again changes nothing. A server that does not show
 * them (a cloud's, say) is trusted to have them; without them no procedure could be started.
 *
 * @throws ZhangshiError SEARCH_ATTRIBUTES_MISSING naming them, when they are missing and may not be created
 */
export async function ensureSearchAttributes(connection: Connection, namespace: string, log: Log): Promise<void> {
  const missing = await missingOf(connection, namespace).catch((error: unknown) => {
    if (!isGrpcServiceError(error)) throw error;
    log.warn({ namespace, reason: error.details }, "search attributes cannot be seen; they are taken as given");
    return [];
  });
  if (missing.length === 0) return;
  const refusal = await create(connection, namespace, missing);
  const waitUntil = Date.now() + (refusal === undefined ? TAKEN_UP_LIMIT_MS : 0);
  // Another worker may have been first: what counts is what is there now.
  let lacking = await missingOf(connection, namespace);
  for (; lacking.length > 0 && Date.now() < waitUntil; lacking = await missingOf(connection, namespace))
    await sleep(TAKEN_UP_POLL_MS);
  if (lacking.length === 0) {
    log.info({ namespace, created: missing }, "search attributes created");
    return;
  }
  const reason = refusal ?? "the server has not taken them up yet";
  throw new ZhangshiError("SEARCH_ATTRIBUTES_MISSING", { namespace, missing: lacking.join(" "), reason });
}

/** @returns why the server refused, or undefined */
async function create(
  connection: Connection,
  namespace: string,
  names: readonly string[],
): Promise<string | undefined> {
  const searchAttributes = Object.fromEntries(names.map((name) => [name, KEYWORD]));
  try {
    await connection.withDeadline(Date.now() + CALL_LIMIT_MS, () =>
      connection.operatorService.addSearchAttributes({ namespace, searchAttributes }),
    );
    return undefined;
  } catch (error) {
    if (!isGrpcServiceError(error)) throw error;
    return error.details;
  }
}

async function missingOf(connection: Connection, namespace: string): Promise<string[]> {
  const known = await connection.withDeadline(Date.now() + CALL_LIMIT_MS, () =>
    connection.operatorService.listSearchAttributes({ namespace }),
  );
  return SEARCH_ATTRIBUTES.filter((name) => !(name in (known.customAttributes ?? {})));
}
