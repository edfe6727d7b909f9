/** The five ways in which callers wrap a request, and the one way in which the server words an answer. */

import { type JsonOut, parseJson, writeJson } from "../shared/json.ts";
import type { Answer } from "../shared/http.ts";
import type { Refusal } from "./model.ts";
import { MSG } from "./model.ts";
import { fieldOf, listOf, textOf } from "./wire-values.ts";

/** What a call says, whoever wrapped it. */
export type Envelope = {
  formId: string;
  opNumber: string;
  data: unknown;
  /** every positional parameter, for log-ins */
  parameters: readonly unknown[];
  /** named members, for log-ins with named fields */
  named: unknown;
  /** the caller wants a task to poll */
  begins: boolean;
};

/** How the positional parameters of a method are meant. */
export type ParameterLayout = "data" | "form-data" | "form-operation-data" | "plain";

/** @returns undefined when the body is neither JSON nor a form */
export function readEnvelope(text: string, layout: ParameterLayout): Envelope | undefined {
  const trimmed = text.trimStart();
  const body = trimmed === "" ? {} : trimmed.startsWith("{") ? parseJson(trimmed) : formBody(trimmed);
  if (typeof body !== "object" || body === null) return undefined;
  const begins = textOf(fieldOf(body, "beginmethod")) !== "";
  const rawParameters = fieldOf(body, "parameters");
  if (rawParameters !== undefined) {
    const parameters = listOf(unwrap(rawParameters));
    const [first, second, third] = parameters;
    const base = { parameters, named: body, begins, opNumber: "", formId: "" };
    if (layout === "form-data") return { ...base, formId: textOf(first), data: unwrap(second) };
    if (layout === "form-operation-data") {
      return { ...base, formId: textOf(first), opNumber: textOf(second), data: unwrap(third) };
    }
    return { ...base, data: unwrap(first) };
  }
  return {
    formId: textOf(fieldOf(body, "formid")),
    opNumber: textOf(fieldOf(body, "opNumber")),
    data: unwrap(fieldOf(body, "data") ?? fieldOf(body, "queryInfo")),
    parameters: [],
    named: body,
    begins,
  };
}

/** Data often arrives as JSON inside a JSON string. */
function unwrap(value: unknown): unknown {
  if (typeof value !== "string") return value;
  return /^\s*[[{]/.test(value) ? (parseJson(value) ?? value) : value;
}

function formBody(text: string): unknown {
  const members = [...new URLSearchParams(text)];
  return members.length > 0 && text.includes("=") ? Object.fromEntries(members) : undefined;
}

export type Success = { id: number; number: string; index: number };
export type Failure = { fieldName: string | null; message: string; index: number; msgCode: number };

export type OperationResult = {
  successes: readonly Success[];
  failures: readonly Failure[];
  /** one object per document of a Save; absent for status operations */
  returned?: readonly JsonOut[];
  /** overrides what the failures say (a mixed batch that calls itself a success) */
  isSuccess?: boolean;
};

/** The ResponseStatus envelope. SDK-Java searches the text for `,"IsSuccess":false,`: order and compactness count. */
export function resultJson(result: OperationResult, single: boolean): JsonOut {
  const isSuccess = result.isSuccess ?? result.failures.length === 0;
  const status: JsonOut = {
    ErrorCode: isSuccess ? undefined : 500,
    IsSuccess: isSuccess,
    Errors: result.failures.map(({ fieldName, message, index }) => ({
      FieldName: fieldName,
      Message: message,
      DIndex: index,
    })),
    SuccessEntitys: result.successes.map(({ id, number, index }) => ({ Id: id, Number: number, DIndex: index })),
    SuccessMessages: [],
    MsgCode: isSuccess ? 0 : (result.failures[0]?.msgCode ?? MSG.validation),
  };
  const [only] = result.successes;
  return {
    Result: {
      ResponseStatus: status,
      ...(single ? { Id: only?.id ?? "", Number: only?.number ?? "" } : {}),
      ...(result.returned === undefined ? {} : { NeedReturnData: result.returned }),
    },
  };
}

export function failureOf(refusal: Refusal, index: number): Failure {
  return { fieldName: refusal.fieldName, message: refusal.message, index, msgCode: refusal.msgCode };
}

/** A failure that concerns the whole call. */
export function failureJson(msgCode: number, message: string, fieldName: string | null = null): JsonOut {
  return {
    Result: {
      ResponseStatus: {
        ErrorCode: 500,
        IsSuccess: false,
        Errors: [{ FieldName: fieldName, Message: message, DIndex: 0 }],
        SuccessEntitys: [],
        SuccessMessages: [],
        MsgCode: msgCode,
      },
    },
  };
}

/** Queries get the same failure inside two arrays, because their good answer is an array of rows. */
export function inQueryShape(failure: JsonOut): JsonOut {
  return [[failure]];
}

export function jsonAnswer(value: JsonOut, headers: Record<string, string | readonly string[]>): Answer {
  return { status: 200, body: writeJson(value), headers };
}

/** An unhandled exception of the server: 200, plain text. */
export function responseError(message: string, headers: Record<string, string | readonly string[]>): Answer {
  return { status: 200, contentType: "text/plain; charset=utf-8", body: `response_error:${message}`, headers };
}
