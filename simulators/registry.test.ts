import { readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { simulators } from "./registry.ts";

test("every simulator is in the registry, under the name of its folder", () => {
  const folders = readdirSync(import.meta.dirname, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== "shared")
    .map(({ name }) => name);
  expect(Object.keys(simulators).toSorted()).toEqual(folders.toSorted());
});

test.each(Object.keys(simulators))("%s starts by the registry and says where it is", async (vendor) => {
  const simulator = await simulators[vendor]?.start({ port: 0, seed: 1, faults: [], own: {} });
  try {
    const answer = await fetch(new URL("/_sim/faults", simulator?.baseUrl));
    expect(answer.ok).toBe(true);
  } finally {
    await simulator?.close();
  }
});
