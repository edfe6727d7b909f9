/** What Service Layer refuses, with HTTP status, code and text, and the two shapes in which it says so. */

import type { JsonOut } from "../shared/json.ts";

export type Version = "v1" | "v2";

/** A call that the vendor refuses. Codes and texts: catalogue in the README. */
export class ServiceError extends Error {
  readonly status: number;
  readonly code: number;

  constructor(code: number, message: string, status = 400) {
    super(message);
    this.name = "ServiceError";
    this.code = code;
    this.status = status;
  }
}

export const invalidSession = (): ServiceError =>
  new ServiceError(301, "Invalid session or session already timeout.", 401);
export const notFound = (): ServiceError => new ServiceError(-2028, "No matching records found (ODBC -2028)", 404);
/** A referenced code that does not exist; status 404 is the simulator's choice. */
export const noReference = (column: string): ServiceError =>
  new ServiceError(-2028, `[${column}] , No matching records found (ODBC -2028)`, 404);
export const alreadyExists = (): ServiceError =>
  new ServiceError(-2035, "This entry already exists in the following tables (ODBC -2035)");
export const staleData = (status = 412): ServiceError =>
  new ServiceError(
    -2039,
    "Another user or another operation modified data; to continue, open the window again (ODBC -2039)",
    status,
  );
export const notSupported = (): ServiceError =>
  new ServiceError(-5006, "The requested action is not supported for this object.");
export const notUpdatable = (): ServiceError => new ServiceError(-1029, "Field cannot be updated (ODBC -1029)");
export const invalidProperty = (name: string, type: string): ServiceError =>
  new ServiceError(-1000, `Property '${name}' of '${type}' is invalid`);
export const invalidValue = (value: string, property: string): ServiceError =>
  new ServiceError(-1004, `'${value}' is not a valid value for property '${property}'`);
export const tooLong = (property: string, type: string): ServiceError =>
  new ServiceError(
    -1000,
    `CServiceData::SetPropertyValueString failed; Value too long in property '${property}' of '${type}'`,
  );
export const commitFailed = (): ServiceError =>
  new ServiceError(-1116, "Could not commit transaction: Error -1 detected during transaction");
export const unknownResource = (): ServiceError => new ServiceError(-1000, "Unrecognized resource path.", 404);
export const incompleteBatch = (): ServiceError => new ServiceError(-1000, "Incomplete Batch Request Body!");
export const internalError = (code: number): ServiceError =>
  new ServiceError(code, `Internal error (${code}) occurred`);

/** Where a text points: `  [IGE1.ItemCode][line: 2]`, two blanks before it; header errors say line 0. */
export const place = (column: string, line?: number): string =>
  `  [${column}]${line === undefined ? "" : `[line: ${line}]`}`;

/** Guide §3.1, §3.5 (v1), §5.2 (v2); inside a batch v1 adds `innererror` (guide §3.9). */
export function errorJson(version: Version, code: number, message: string, inBatch = false): JsonOut {
  if (version === "v2") {
    return { error: { code: String(code), details: [{ code: "", message: "" }], message } };
  }
  const inner = inBatch ? { innererror: { context: null, trace: null } } : {};
  return { error: { code, message: { lang: "en-us", value: message }, ...inner } };
}
