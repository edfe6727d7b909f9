import type { ErrorCode } from "../../domain/errors.ts";

/** A file of which nothing can be taken. The reason is for the person who dropped it. */
export class UnreadableFile extends Error {
  readonly code: ErrorCode;
  /** In Chinese: it is shown to the warehouse. */
  readonly reason: string;

  constructor(reason: string, code: ErrorCode = "FILE_UNREADABLE", options?: ErrorOptions) {
    super(reason, options);
    this.name = "UnreadableFile";
    this.code = code;
    this.reason = reason;
  }
}
