import { expect, test } from "vitest";
import { createSource, createTarget, vendors } from "./registry.ts";

const context = {
  connection: "erp",
  baseUrl: "http://127.0.0.1:9/",
  secrets: {},
  pacer: { permit: async () => undefined },
  now: () => new Date(),
  log: () => undefined,
};

test("an unknown vendor, or one in the wrong role, is refused by name", () => {
  expect(() => createTarget("acme", {}, context)).toThrow(/CONFIG_INVALID.*acme/);
  expect(() => createTarget("toString", {}, context)).toThrow(/CONFIG_INVALID/);
  expect(() => createTarget("files", {}, context)).toThrow(/takes no vouchers/);
  expect(() => createSource("kingdee-cloud", {}, context)).toThrow(/no source/);
});

test("every vendor has at least one role", () => {
  for (const entry of Object.values(vendors)) expect(entry.source ?? entry.target).toBeDefined();
});
