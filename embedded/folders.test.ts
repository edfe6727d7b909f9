import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { cacheFolder, cachesToSearch } from "./folders.ts";

test("the cache is where the environment says, and elsewhere when that cannot be written to", () => {
  const folder = mkdtempSync(join(tmpdir(), "zhangshi-test-"));
  try {
    expect(cacheFolder({ cacheFolder: join(folder, "mine"), dataFolder: folder })).toBe(join(folder, "mine"));
    // Below a file no folder can be made, whoever asks; root may write anywhere else.
    writeFileSync(join(folder, "file"), "");
    const unwritable = join(folder, "file", "cache");
    const settings = { cacheFolder: unwritable, dataFolder: folder };
    expect(cacheFolder(settings)).not.toBe(unwritable);
    expect(cachesToSearch(settings)[0]).toBe(unwritable);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
