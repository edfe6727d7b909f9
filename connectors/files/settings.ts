import { z } from "zod";
import { complaintsAbout, rowFormShape, rowSourceShape } from "../row-source/form-settings.ts";

const MEGABYTE = 1024 * 1024;
const FOLDER = /^[^/\\:*?"<>|\0]+$/;
/** Folders that we make ourselves beside those in which files are dropped. */
export const OUR_FOLDERS = ["archive", "errors", "rejected", "duplicates", ".entries"] as const;

export const FileForm = z
  .strictObject({
    ...rowFormShape,
    /** Below the drop folder; the form's name when left out. */
    folder: z
      .string()
      .regex(FOLDER, "the name of one folder")
      .refine((name) => name !== "." && name !== "..", "the name of one folder")
      .refine((name) => !OUR_FOLDERS.some((ours) => ours === name.toLowerCase()), "this folder is ours")
      .optional(),
    /** Of CSV files. "auto": a byte order mark, else UTF-8 where the bytes are UTF-8, else GB18030 (which contains GBK). */
    encoding: z.enum(["auto", "utf-8", "gb18030"]).default("auto"),
    /** Of CSV files. "auto": whichever of comma, tab and semicolon splits the headings. */
    separator: z.enum(["auto", ",", "\t", ";"]).default("auto"),
    /** Of workbooks: the sheet's name; the first visible sheet when left out. */
    sheet: z.string().min(1).optional(),
    /** Columns that together name a document for ever; the document number when left out. */
    identity: z.array(z.string().min(1)).min(1).optional(),
    /** Columns whose empty cells mean "as above": merged cells, and numbers written on the first line only. */
    fillDown: z.array(z.string().min(1)).default([]),
  })
  .superRefine((form, context) => {
    for (const message of complaintsAbout(form, form.fields))
      context.addIssue({ code: "custom", path: ["fields"], message });
  });
export type FileForm = z.infer<typeof FileForm>;

const Limits = z.strictObject({
  fileBytes: z
    .int()
    .positive()
    .default(20 * MEGABYTE),
  /** Of a workbook, all parts together: what a small file may unpack to. */
  unpackedBytes: z
    .int()
    .positive()
    .default(300 * MEGABYTE),
  rows: z.int().positive().default(100_000),
  columns: z.int().positive().max(16_384).default(300),
});
export type Limits = z.infer<typeof Limits>;

export const FilesSettings = z.strictObject({
  ...rowSourceShape,
  /** A file counts as complete when nothing has touched it for so long. */
  settleMs: z.int().min(0).default(10_000),
  limits: Limits.prefault({}),
  forms: z.record(z.string().min(1).max(200).regex(FOLDER, "letters and digits"), FileForm).default({}),
});
export type FilesSettings = z.infer<typeof FilesSettings>;
