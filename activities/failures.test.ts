import { ApplicationFailure } from "@temporalio/common";
import { expect, test } from "vitest";
import { ZhangshiError } from "../domain/errors.ts";
import { withNamedFailures } from "./failures.ts";

const failing = (error: unknown) =>
  withNamedFailures({
    work: async () => {
      throw error;
    },
  })
    .work()
    .catch((thrown: unknown) => thrown);

test.each(["CONFIG_INVALID", "CONNECTION_UNKNOWN", "SECRET_MISSING", "LOGIN_REFUSED", "EXPORT_MISSING"] as const)(
  "%s is not repeated, because only a person can cure it, and the console sees it by its code",
  async (code) => {
    const failure = await failing(new ZhangshiError(code));
    expect(failure).toBeInstanceOf(ApplicationFailure);
    expect(failure).toMatchObject({ type: code, nonRetryable: true });
  },
);

test("an outage keeps its code and is repeated", async () => {
  expect(await failing(new ZhangshiError("NOT_REACHABLE"))).toMatchObject({
    type: "NOT_REACHABLE",
    nonRetryable: false,
  });
});

test("what we have no name for goes through as it is", async () => {
  const error = new Error("unforeseen");
  expect(await failing(error)).toBe(error);
});
