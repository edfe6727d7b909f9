import { open, readFile, readdir, rename } from "node:fs/promises";
import { ZhangshiError } from "../../domain/errors.ts";

/** Written and handed to the disk before it counts: a power cut leaves the old state or the new one. */
export const writeWhole = async (path: string, bytes: Uint8Array, flag: "w" | "wx" = "w"): Promise<void> => {
  const handle = await open(path, flag);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
};

/** Under another name first: whoever reads sees the old content or the new one. @param token  unlike that of any other writer */
export const replaceWhole = async (path: string, content: string | Uint8Array, token: string): Promise<void> => {
  const part = `${path}.${token}`;
  await writeWhole(part, typeof content === "string" ? Buffer.from(content, "utf8") : content);
  await rename(part, path);
};

/** @returns undefined when there is no such file; @throws ZhangshiError FILE_UNREADABLE */
export const textIn = async (path: string): Promise<string | undefined> => {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    if (codeOf(cause) === "ENOENT") return undefined;
    throw new ZhangshiError("FILE_UNREADABLE", { file: path, reason: messageOf(cause) }, { cause });
  }
};

/** Names in a folder, in order; none when there is no such folder. @throws ZhangshiError FILE_UNREADABLE */
export const namesIn = async (folder: string): Promise<readonly string[] | undefined> => {
  try {
    return (await readdir(folder)).toSorted((a, b) => (a < b ? -1 : 1));
  } catch (cause) {
    if (codeOf(cause) === "ENOENT") return undefined;
    throw new ZhangshiError("FILE_UNREADABLE", { file: folder, reason: messageOf(cause) }, { cause });
  }
};

/** Moves a file; one that somebody else has moved already is no error. */
export const moveAway = async (from: string, to: string): Promise<void> => {
  try {
    await rename(from, to);
  } catch (cause) {
    if (codeOf(cause) !== "ENOENT") throw cause;
  }
};

export const jsonOf = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

export const codeOf = (cause: unknown): unknown =>
  typeof cause === "object" && cause !== null && "code" in cause ? cause.code : undefined;
export const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));
