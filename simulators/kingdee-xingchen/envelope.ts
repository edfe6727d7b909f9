/** Answers: `{"errcode":0,"description":"success","data":{…}}`, and the shapes of failures around it. */

import type { Answer } from "../shared/http.ts";
import { type JsonOut, writeJson } from "../shared/json.ts";

/** The gateway in front of the product refuses with this HTTP status (third-party notes of a probe, 2026). */
const GATEWAY_STATUS = 519;

export function success(data: JsonOut): Answer {
  return { status: 200, body: writeJson({ errcode: 0, description: "success", data }) };
}

/** A no of the product itself; its status is 200 unless said otherwise. */
export function failure(errcode: number, description: string, status = 200, data: JsonOut = null): Answer {
  return { status, body: writeJson({ errcode, description, data }) };
}

/** The sign of an expired token comes without `data` (example in the vendor's PHP SDK guide). */
export function tokenFailure(errcode: number, description: string, status: number): Answer {
  return { status, body: writeJson({ description, errcode }) };
}

/** A no of the gateway, before the product heard of the call. */
export function gatewayFailure(errcode: number, description: string, request: string): Answer {
  return {
    status: GATEWAY_STATUS,
    body: writeJson({ errcode, description: `${description}[GW]`, data: null }),
    headers: { "X-Api-Requestid": request },
  };
}
