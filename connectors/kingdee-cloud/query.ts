import { z } from "zod";
import { type ErrorCode, ZhangshiError } from "../../domain/errors.ts";
import { failureIn } from "./answers.ts";
import { type KingdeeChannel, readErrorOf } from "./channel.ts";

/** An answer holds at most so many rows and is cut beyond them without a word (reference §4.5). */
export const ROWS_MAX = 2_000;
/** Bounds every loop over pages: 20 million rows. */
export const PAGES_MAX = 10_000;

export interface BillQuery {
  readonly form: string;
  readonly fields: readonly string[];
  readonly filter: string;
  readonly order: string;
  readonly startRow?: number;
}

/** One row in the order of the fields: text, decimal text, true/false or null. */
export type Row = readonly Cell[];
const Cell = z.union([z.string(), z.boolean(), z.null()]);
type Cell = z.infer<typeof Cell>;
const Rows = z.array(z.array(Cell));

export type QueryAnswer =
  | { readonly kind: "rows"; readonly rows: readonly Row[] }
  | { readonly kind: "failed"; readonly code: ErrorCode; readonly message: string; readonly msgCode?: number };

/** Text inside a condition: quotes are doubled. */
export const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;
export const oneOf = (field: string, values: readonly string[]): string =>
  `${field} in (${values.map(quoted).join(",")})`;

export const queryBill = async (channel: KingdeeChannel, query: BillQuery): Promise<QueryAnswer> => {
  const answer = await channel.read("ExecuteBillQuery", "query", {
    data: {
      FormId: query.form,
      FieldKeys: query.fields.join(","),
      FilterString: query.filter,
      OrderString: query.order,
      TopRowCount: "0",
      StartRow: String(query.startRow ?? 0),
      Limit: String(ROWS_MAX),
      SubSystemId: "",
    },
  });
  if (answer.kind !== "answered" || answer.status !== 200) return { kind: "failed", ...readErrorOf(answer) };
  const failure = failureIn(answer.body);
  if (failure !== undefined)
    return { kind: "failed", code: failure.msgCode === 2 ? "PERMISSION_DENIED" : "READ_FAILED", ...failure };
  const rows = Rows.safeParse(answer.body);
  if (!rows.success || rows.data.some((row) => row.length !== query.fields.length))
    return { kind: "failed", code: "READ_FAILED", message: "the answer is no list of rows" };
  return { kind: "rows", rows: rows.data };
};

/** @throws ZhangshiError with the failure's code */
export const rowsOf = async (channel: KingdeeChannel, query: BillQuery): Promise<readonly Row[]> => {
  const answer = await queryBill(channel, query);
  if (answer.kind === "rows") return answer.rows;
  throw new ZhangshiError(answer.code, { form: query.form, message: answer.message });
};

/**
 * All rows, page after page until an empty one: a short page proves nothing, since answers may be cut below the known limit.
 * The order must be by something unique.
 * @throws ZhangshiError RESULT_TRUNCATED where pages do not come to an end
 */
export async function* allRows(channel: KingdeeChannel, query: BillQuery): AsyncGenerator<readonly Row[]> {
  let startRow = 0;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const rows = await rowsOf(channel, { ...query, startRow });
    if (rows.length === 0) return;
    yield rows;
    startRow += rows.length;
  }
  throw new ZhangshiError("RESULT_TRUNCATED", { form: query.form });
}

export const textCell = (cell: Cell | undefined): string => (typeof cell === "string" ? cell.trim() : "");
/** Flags come as true, "true", "True" or "1". */
export const flagCell = (cell: Cell | undefined): boolean =>
  cell === true || (typeof cell === "string" && ["true", "1"].includes(cell.trim().toLowerCase()));
