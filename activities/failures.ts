import { ApplicationFailure } from "@temporalio/common";
import { type ErrorCode, ZhangshiError } from "../domain/errors.ts";

/** Repeating does not cure these: a person changes the configuration or a secret first. */
const NEEDS_A_PERSON: ReadonlySet<ErrorCode> = new Set([
  "CONFIG_INVALID",
  "CONFIG_MISSING",
  "MAPPINGS_NOT_STORED",
  "CONNECTION_UNKNOWN",
  "SECRET_MISSING",
  "LOGIN_REFUSED",
  "PERMISSION_DENIED",
  "FORM_FIELD_GONE",
  "EXPORT_MISSING",
]);

/** Temporal sees our error's code as the type, so that a retry policy and the console can tell failures apart. */
export function withNamedFailures<Activities extends object>(activities: Activities): Activities {
  return new Proxy(activities, {
    get(target, name, receiver): unknown {
      const activity: unknown = Reflect.get(target, name, receiver);
      if (typeof activity !== "function") return activity;
      return async (...input: unknown[]): Promise<unknown> => {
        try {
          return await Reflect.apply(activity, target, input);
        } catch (error) {
          throw namedFailure(error);
        }
      };
    },
  });
}

const namedFailure = (error: unknown): unknown =>
  error instanceof ZhangshiError
    ? ApplicationFailure.create({
        message: error.message,
        type: error.code,
        nonRetryable: NEEDS_A_PERSON.has(error.code),
        cause: error,
      })
    : error;
