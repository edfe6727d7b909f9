import { accessSync, constants, mkdirSync } from "node:fs";
import { homedir, tmpdir, userInfo } from "node:os";
import { join, resolve } from "node:path";
import type { Environment } from "../config/environment.ts";

/** The part of the environment that says where files may lie. */
export type FolderSettings = Pick<Environment, "cacheFolder" | "dataFolder">;

/**
 * The folder for programs that were downloaded or built: what the environment says, else the user's cache, else (a home
 * that is read-only or absent) a folder beside the data, else one among the temporary files.
 */
export function cacheFolder(settings: FolderSettings): string {
  const found = cachesToSearch(settings).find(isWritable);
  if (found === undefined)
    throw new Error("No folder for downloaded programs can be written to. Name one in ZHANGSHI_CACHE.");
  return found;
}

/** Every cache that may already hold a program, including those that we cannot write to. */
export function cachesToSearch({ cacheFolder: wanted, dataFolder }: FolderSettings): string[] {
  const usual = [
    join(homedir(), ".cache", "zhangshi"),
    join(dataFolder, "cache"),
    join(tmpdir(), `zhangshi-cache-${userInfo().uid}`),
  ];
  return [...(wanted === undefined ? [] : [wanted]), ...usual].map((folder) => resolve(folder));
}

function isWritable(folder: string): boolean {
  try {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
