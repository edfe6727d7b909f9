import { z } from "zod";
import { type ErrorCode, ZhangshiError } from "../../domain/errors.ts";
import { type Answer, readErrorOf } from "./answers.ts";
import type { XingchenChannel } from "./channel.ts";
import type { Parameters } from "./signature.ts";

/** Bounds every loop over pages. */
const PAGES_MAX = 10_000;
/** A list that changed while it was read is read again so often. */
const PASSES_MAX = 3;

const Count = z
  .union([z.string().regex(/^\d+$/).transform(Number), z.literal("").transform(() => undefined), z.null()])
  .optional()
  .transform((count) => count ?? undefined);

/** Source: reference §10.3 (count is a number or text); the reports and the account list say total_count (XC-SDK). */
const Page = z.looseObject({
  count: Count,
  total_count: Count,
  rows: z.union([z.array(z.unknown()), z.null()]).optional(),
});

export interface ListPage {
  readonly rows: readonly unknown[];
  readonly count: number | undefined;
}

export type ListAnswer =
  | ({ readonly kind: "page" } & ListPage)
  | { readonly kind: "failed"; readonly code: ErrorCode; readonly message: string };

export const pageOf = (answer: Answer): ListAnswer => {
  if (answer.kind !== "ok") return { kind: "failed", ...readErrorOf(answer) };
  // Short lists come bare in some interfaces.
  if (Array.isArray(answer.data)) return { kind: "page", rows: answer.data, count: undefined };
  const page = Page.safeParse(answer.data);
  if (!page.success) return { kind: "failed", code: "READ_FAILED", message: "the answer is no list" };
  const { rows, count, total_count: total } = page.data;
  if (rows === undefined) return { kind: "failed", code: "READ_FAILED", message: "the answer has no rows" };
  return { kind: "page", rows: rows ?? [], count: count ?? total };
};

export const readPage = async (
  channel: XingchenChannel,
  path: string,
  parameters: Parameters,
  page: number,
  pageSize: number,
): Promise<ListAnswer> =>
  pageOf(await channel.read(path, { ...parameters, page: String(page), page_size: String(pageSize) }));

/**
 * All rows of a list, each once. Pages are counted by offset, so whatever is made or deleted meanwhile shifts them: what does
 * not add up to the count that the vendor gives is read again from the start. A page may be cut below the size asked for.
 * @param parse  one row, and the name by which it is told from others; throws where a row is not what was asked for
 * @throws ZhangshiError RESULT_TRUNCATED where it never adds up, READ_FAILED and the codes of a failed read
 */
export const readAll = async <Row>(
  channel: XingchenChannel,
  path: string,
  parameters: Parameters,
  pageSize: number,
  parse: (row: unknown) => readonly [string, Row],
): Promise<readonly Row[]> => {
  let last = "";
  for (let pass = 0; pass < PASSES_MAX; pass += 1) {
    const rows = new Map<string, Row>();
    let told: number | undefined;
    let steady = true;
    for (let page = 1; page <= PAGES_MAX; page += 1) {
      const answer = await readPage(channel, path, parameters, page, pageSize);
      if (answer.kind === "failed") throw new ZhangshiError(answer.code, { path, message: answer.message });
      if (page > 1 && answer.count !== told) steady = false;
      told = answer.count;
      const before = rows.size;
      for (const row of answer.rows) {
        const [name, parsed] = parse(row);
        if (rows.has(name)) steady = false;
        rows.set(name, parsed);
      }
      // An empty page, or one that repeats what is known, is the end whatever was promised.
      if (rows.size === before) break;
      if (told !== undefined && rows.size >= told) break;
    }
    if (told === undefined || (steady && rows.size === told)) return [...rows.values()];
    last = `${rows.size} of ${told} rows`;
  }
  throw new ZhangshiError("RESULT_TRUNCATED", { path, reason: last });
};
