import { readFile, stat } from "node:fs/promises";
import { type Instant, instant } from "../../domain/dates.ts";
import { ZhangshiError } from "../../domain/errors.ts";
import type { ConnectorContext } from "../contract.ts";
import type { DocumentParser, Fault } from "../row-source/document.ts";
import { type Reasons, describeFault, reasonsOf, writeErrorCopy } from "./error-copy.ts";
import type { FileForm, Limits } from "./settings.ts";
import { type FileDocument, isTaken, readSheetFile, type SheetFile } from "./sheet-file.ts";
import { digestOfBytes, droppedName, type DroppedFile, type Entry, type Shelf } from "./shelf.ts";
import { UnreadableFile } from "./unreadable.ts";

/** Files taken in one look; the rest waits for the next one. */
const FILES_MAX = 500;

export interface IntakeContext {
  readonly formName: string;
  readonly form: FileForm;
  readonly limits: Limits;
  readonly settleMs: number;
  readonly parser: DocumentParser;
  readonly connector: Pick<ConnectorContext, "now" | "log">;
}

/** The id of the record that stands for a file itself: it carries what is wrong with it, and is cured by a better one. */
export const fileRecordId = (name: string): string => `file/${name}`.slice(0, 200);

/** What a file came to: its documents, or why there are none. */
export type FileOutcome =
  | { readonly kind: "read"; readonly file: SheetFile }
  | { readonly kind: "unreadable"; readonly reason: UnreadableFile };

/** @param bytes  or the size alone of a file that is too large to read */
export const understand = (name: string, bytes: Buffer | number, context: IntakeContext, at: Instant): FileOutcome => {
  try {
    if (typeof bytes === "number") throw tooLong(bytes, context.limits.fileBytes);
    return { kind: "read", file: readSheetFile(name, bytes, context.form, context.limits, at) };
  } catch (error) {
    if (error instanceof UnreadableFile) return { kind: "unreadable", reason: error };
    throw error;
  }
};

const tooLong = (size: number, sizeMax: number): UnreadableFile =>
  new UnreadableFile(`文件有 ${size} 字节，超过上限 ${sizeMax} 字节，请拆分`);

/** Faults of one document, by what the form carries. */
export const faultsOf = ({ raw }: FileDocument, { form, parser }: IntakeContext): readonly Fault[] => {
  if (form.carries === "items") return parser.item(raw).faults;
  if (form.carries === "balances") return parser.balances(raw).faults;
  return parser.parse(raw).faults;
};

/**
 * Takes every complete file of the drop folder: what can be read is archived, what cannot is rejected, what was taken before
 * is set aside. A process that stops anywhere in between leaves nothing that the next look does not finish.
 */
export const takeIn = async (shelf: Shelf, context: IntakeContext): Promise<void> => {
  for (const { shelfName, state } of await shelf.unfinished()) await finish(shelf, context, shelfName, state);
  const files = (await shelf.dropped(context.settleMs, context.connector.now())).filter(({ name }) => isTaken(name));
  for (const file of files.slice(0, FILES_MAX)) await takeOne(shelf, context, file);
};

const takeOne = async (shelf: Shelf, context: IntakeContext, file: DroppedFile): Promise<void> => {
  const bytes = file.size > context.limits.fileBytes ? undefined : await stillBytes(file);
  if (bytes === "moving") return;
  const digest = bytes === undefined ? "0".repeat(64) : digestOfBytes(bytes);
  const entries = await shelf.entries();
  const original = entries.find((entry) => entry.state === "archived" && entry.digest === digest);
  if (original !== undefined) {
    context.connector.log("a file with known content was set aside", { form: context.formName, file: file.name });
    return shelf.setAside(file, original);
  }
  const at = instant(context.connector.now().toISOString());
  const readable = bytes !== undefined && understand(file.name, bytes, context, at).kind === "read";
  const state = readable ? "archived" : "rejected";
  const shelfName = await shelf.take(file, digest, state);
  if (shelfName !== undefined) await finish(shelf, context, shelfName, state);
};

/** The content, unless somebody wrote meanwhile. */
const stillBytes = async (file: DroppedFile): Promise<Buffer | "moving"> => {
  try {
    const before = await stat(file.path);
    const bytes = await readFile(file.path);
    const after = await stat(file.path);
    return before.mtimeMs === after.mtimeMs && bytes.length === after.size ? bytes : "moving";
  } catch (error) {
    // Locked by the program that writes it, or already gone.
    if (error instanceof Error && "code" in error) return "moving";
    throw error;
  }
};

/** Writes what people have to correct, then the entry that makes the file count. */
const finish = async (
  shelf: Shelf,
  context: IntakeContext,
  shelfName: string,
  state: Entry["state"],
): Promise<void> => {
  const name = droppedName(shelfName);
  const bytes = await shelf.bytesOf({ shelfName, state }, context.limits.fileBytes);
  if (bytes === undefined) return;
  const takenAt = instant(context.connector.now().toISOString());
  const outcome = understand(name, bytes, context, takenAt);
  const documents = outcome.kind === "read" ? outcome.file.documents.map(({ recordId }) => recordId) : [];
  const troubled = outcome.kind === "unreadable" || outcome.file.nameless.length > 0;
  if (outcome.kind === "unreadable") await shelf.writeError(`${shelfName}.txt`, `${name}：${outcome.reason.reason}\n`);
  else await writeReasons(shelf, context, shelfName, outcome.file);
  const digest = typeof bytes === "number" ? "" : digestOfBytes(bytes);
  await shelf.record({ version: 1, shelfName, name, digest, takenAt, state, documents, troubled });
  context.connector.log("a file was taken", { form: context.formName, file: name, state, documents: documents.length });
};

const writeReasons = async (
  shelf: Shelf,
  context: IntakeContext,
  shelfName: string,
  file: SheetFile,
): Promise<void> => {
  const reasons = new Map<number, readonly string[]>(
    file.nameless.map((row) => [row, [describeFault({ code: "FIELD_MISSING", field: "单据号", value: "" })]]),
  );
  for (const document of file.documents) {
    const faults = faultsOf(document, context);
    if (faults.length > 0) addAll(reasons, reasonsOf(document, faults));
  }
  if (reasons.size === 0) return;
  const isWorkbook = /\.xls[xm]$/i.test(shelfName);
  const copy = await writeErrorCopy(file.table, reasons, isWorkbook);
  await shelf.writeError(isWorkbook ? shelfName.replace(/m$/i, "x") : shelfName, copy);
};

const addAll = (into: Map<number, readonly string[]>, more: Reasons): void => {
  for (const [row, reasons] of more) into.set(row, reasons);
};

/** A folder that is configured wrongly is a mistake of the configuration, not of a file. */
export const rootOf = (baseUrl: string, connection: string): URL => {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  if (url?.protocol === "file:") return url;
  throw new ZhangshiError("CONFIG_INVALID", {
    connection,
    field: "baseUrl",
    value: baseUrl,
    expected: "file:///the/drop/folder",
  });
};
