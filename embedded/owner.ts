import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { isAlive } from "./processes.ts";
import type { Lifetime } from "./supervised.ts";

/** Who started the server of a data folder, and whether it is meant to outlive him. */
const Owner = z.object({ pid: z.number().int(), lifetime: z.enum(["parent", "detached"]) });

export function recordOwner(base: string, lifetime: Lifetime): void {
  writeFileSync(ownerFile(base), JSON.stringify({ pid: process.pid, lifetime }));
}

/**
 * Whether a running server is about to end because its process has: for a moment it still answers, but whoever relied
 * on that would lose it.
 */
export function isOrphan(base: string): boolean {
  try {
    const owner = Owner.parse(JSON.parse(readFileSync(ownerFile(base), "utf8")));
    return owner.lifetime === "parent" && !isAlive(owner.pid);
  } catch {
    return false; // no record, or half of one: nothing speaks against the server
  }
}

function ownerFile(base: string): string {
  return join(base, "owner.json");
}
