import { link, mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { ZhangshiError } from "../../domain/errors.ts";
import { codeOf, jsonOf, messageOf, moveAway, replaceWhole, textIn, writeWhole } from "./disk.ts";
import { FiledVoucher, type VoucherFile } from "./voucher-file.ts";

/**
 * The folder that we share with the person who imports. At most one file of ours stands in it: the next one waits until
 * the first is settled. What makes that hold among several workers and over crashes is one small file, created
 * exclusively, that names the file and its vouchers:
 *
 * - `writing`: the voucher file was never in its place; after its deadline the folder is free again;
 * - `written`: stamped before the file appears, so from then on a person may have imported it, even when it is gone.
 *
 * A worker that froze cannot put its file later: it looks at the deadline again, and whoever took over, or settled, has
 * removed the part that it would have to rename.
 */
export const CLAIM_NAME = "zhangshi-outstanding.json";
export const ARCHIVE_NAME = "zhangshi-done";
const TAKEOVER = "zhangshi-takeover-";
const PART = ".part";

const Claim = z.object({
  file: z.string(),
  stage: z.enum(["writing", "written"]),
  attempt: z.string().regex(/^[\w-]{1,64}$/u),
  deadlineAt: z.iso.datetime(),
  /** When it was stamped `written`. */
  writtenAt: z.iso.datetime().optional(),
  vouchers: z.array(FiledVoucher),
});
type Claim = z.infer<typeof Claim>;

export interface Outstanding {
  readonly file: string;
  readonly stage: "writing" | "written";
  readonly attempt: string;
  readonly deadlineAt: string;
  readonly writtenAt?: string | undefined;
  readonly vouchers: readonly FiledVoucher[];
  /** False when a `written` file is no longer in its place: somebody moved it, and may have imported it. */
  readonly inPlace: boolean;
}

/** One try to put a file. */
export interface Turn {
  /** Another one for each try, of letters, digits and hyphens. */
  readonly attempt: string;
  readonly deadlineAt: Date;
  readonly now: () => Date;
}

export type PutOutcome =
  /** The file stands in the folder, whole. `again`: it stood there already. */
  | { readonly kind: "put"; readonly again: boolean }
  /** Another file is not settled yet, or another worker is at it: nothing was written. */
  | { readonly kind: "busy"; readonly outstanding: Outstanding | undefined }
  /** This very file was put before and is gone: it may have been imported. Nothing was written. */
  | { readonly kind: "uncertain"; readonly outstanding: Outstanding };

/** The file that waits for its log, or undefined when the next one may go out. @throws ZhangshiError FILE_UNREADABLE */
export const outstandingIn = async (folder: string): Promise<Outstanding | undefined> => {
  const text = await textIn(join(folder, CLAIM_NAME));
  if (text === undefined) return undefined;
  const parsed = Claim.safeParse(jsonOf(text));
  // A claim that was cut off by a crash was not followed by a file, but nobody can tell that from here.
  if (!parsed.success)
    throw new ZhangshiError("FILE_UNREADABLE", {
      file: join(folder, CLAIM_NAME),
      reason: "cut off or changed by hand",
    });
  const names = await readdir(folder);
  return { ...parsed.data, inPlace: names.some((name) => name.toLowerCase() === parsed.data.file.toLowerCase()) };
};

/**
 * Puts a file into the folder, whole or not at all, and only when no other one is outstanding. Safe to repeat with the same file.
 * @throws ZhangshiError DEADLINE_PASSED, FILE_NOT_WRITTEN: nothing that a person could import is there then
 */
export const putFile = async (folder: string, file: VoucherFile, turn: Turn): Promise<PutOutcome> => {
  const claim: Claim = {
    file: file.name,
    stage: "writing",
    attempt: turn.attempt,
    deadlineAt: turn.deadlineAt.toISOString(),
    vouchers: [...file.vouchers],
  };
  if (!(await claimed(folder, claim))) {
    const outstanding = await outstandingIn(folder);
    if (outstanding?.stage === "written" && outstanding.file === file.name)
      return outstanding.inPlace ? { kind: "put", again: true } : { kind: "uncertain", outstanding };
    const stale = outstanding?.stage === "writing" && turn.now() >= new Date(outstanding.deadlineAt);
    if (!stale || !(await tookOver(folder, outstanding, claim))) return { kind: "busy", outstanding };
  }
  const part = join(folder, `${file.name}.${turn.attempt}${PART}`);
  try {
    await writeWhole(part, file.bytes);
    if (turn.now() >= turn.deadlineAt) {
      await rm(part, { force: true });
      throw new ZhangshiError("DEADLINE_PASSED", { file: file.name });
    }
    await replaceClaim(folder, { ...claim, stage: "written", writtenAt: turn.now().toISOString() });
  } catch (cause) {
    if (cause instanceof ZhangshiError) throw cause;
    throw new ZhangshiError("FILE_NOT_WRITTEN", { file: join(folder, file.name), reason: messageOf(cause) }, { cause });
  }
  try {
    await rename(part, join(folder, file.name));
    return { kind: "put", again: false };
  } catch {
    // Stamped, and so it may be given its name by `completePut` at any time: it is in the person's hands from here on.
    return { kind: "uncertain", outstanding: { ...claim, stage: "written", inPlace: false } };
  }
};

/** A crash between the stamp and the name leaves the part behind; nobody has seen the file then, and now it gets its name. */
export const completePut = async (folder: string, outstanding: Outstanding): Promise<void> => {
  if (outstanding.stage !== "written" || outstanding.inPlace) return;
  await moveAway(join(folder, `${outstanding.file}.${outstanding.attempt}${PART}`), join(folder, outstanding.file));
};

/** An attempt that never stamped its file is taken over once, by one worker: the marker carries its name. */
const tookOver = async (folder: string, stale: Outstanding, claim: Claim): Promise<boolean> => {
  try {
    await writeWhole(join(folder, `${TAKEOVER}${stale.attempt}`), Buffer.alloc(0), "wx");
  } catch (cause) {
    if (codeOf(cause) === "EEXIST") return false;
    throw notWritten(folder, cause);
  }
  await removeAll(folder, (name) => name.endsWith(PART));
  await replaceClaim(folder, claim);
  return true;
};

const removeAll = async (folder: string, which: (name: string) => boolean): Promise<void> => {
  for (const name of (await readdir(folder)).filter(which)) await rm(join(folder, name), { force: true });
};

/** Logs of a file, in the order in which the person saved them: "x.dbf.log", "x.dbf.2.log". */
export const logsOf = async (folder: string, file: string): Promise<readonly string[]> => {
  const names = (await readdir(folder)).filter((name) => {
    const lower = name.toLowerCase();
    return lower.startsWith(`${file.toLowerCase()}.`) && lower.endsWith(".log");
  });
  return names.toSorted((a, b) => orderOf(a) - orderOf(b) || a.localeCompare(b));
};

const orderOf = (name: string): number => Number(/\.(\d+)\.log$/iu.exec(name)?.[1] ?? 1);

/**
 * Ends a file's turn: it and its logs move into the archive, and the next file may go out. Called when every voucher of
 * it is settled, by its log, by a re-export or by a person. Safe to repeat, and by several workers.
 * @param attempt  the one that put the file: the same file may have been put before
 * @throws ZhangshiError CONFLICT when another file is outstanding
 */
export const settleFile = (folder: string, file: string, attempt?: string): Promise<void> =>
  oneAtATime(folder, async () => {
    const outstanding = await outstandingIn(folder);
    if (outstanding === undefined) return;
    if (outstanding.file !== file) throw new ZhangshiError("CONFLICT", { file, outstanding: outstanding.file });
    if (attempt !== undefined && outstanding.attempt !== attempt) return;
    const archive = join(folder, ARCHIVE_NAME);
    await mkdir(archive, { recursive: true });
    const names = [...(await logsOf(folder, file)), ...(outstanding.inPlace ? [file] : [])];
    for (const name of names) await moveAway(join(folder, name), join(archive, name));
    await removeAll(folder, (name) => name.endsWith(PART) || name.startsWith(TAKEOVER));
    await rm(join(folder, CLAIM_NAME), { force: true });
  });

const SETTLING = "zhangshi-settling";
/** Moving a few files takes no longer, even on a slow share: whoever held on was killed. */
const SETTLING_MS_MAX = 60_000;

/** A worker that comes late must not clear away the claim of the next file. */
const oneAtATime = async (folder: string, work: () => Promise<void>): Promise<void> => {
  const marker = join(folder, SETTLING);
  try {
    await writeWhole(marker, Buffer.alloc(0), "wx");
  } catch (cause) {
    if (codeOf(cause) !== "EEXIST") throw notWritten(folder, cause);
    const since = await stat(marker).then(
      ({ mtimeMs }) => mtimeMs,
      () => Number.POSITIVE_INFINITY,
    );
    if (Date.now() - since > SETTLING_MS_MAX) await rm(marker, { force: true });
    // Somebody else is at it; the next look finds it settled, or tries again.
    return;
  }
  try {
    await work();
  } finally {
    await rm(marker, { force: true });
  }
};

/** Appears whole or not at all, and only where none stands. @returns false when somebody else's claim stands there */
const claimed = async (folder: string, claim: Claim): Promise<boolean> => {
  const part = join(folder, `${CLAIM_NAME}.${claim.attempt}`);
  const text = Buffer.from(JSON.stringify(claim), "utf8");
  try {
    await writeWhole(part, text);
    await link(part, join(folder, CLAIM_NAME)).catch(async (cause: unknown) => {
      if (codeOf(cause) === "EEXIST") throw cause;
      // A shared folder of Windows may know no links.
      await writeWhole(join(folder, CLAIM_NAME), text, "wx");
    });
    return true;
  } catch (cause) {
    if (codeOf(cause) === "EEXIST") return false;
    throw notWritten(folder, cause);
  } finally {
    await rm(part, { force: true });
  }
};

const notWritten = (folder: string, cause: unknown): ZhangshiError =>
  new ZhangshiError("FILE_NOT_WRITTEN", { file: join(folder, CLAIM_NAME), reason: messageOf(cause) }, { cause });

const replaceClaim = (folder: string, claim: Claim): Promise<void> =>
  replaceWhole(join(folder, CLAIM_NAME), JSON.stringify(claim), claim.attempt);
