import { type ErrorCode, ZhangshiError } from "../../domain/errors.ts";
import { type EntityPage, NAME_UNKNOWN, type VendorError, failureIn, pageIn } from "./answers.ts";
import type { B1Channel } from "./channel.ts";

export type Entity = Readonly<Record<string, unknown>>;

export interface EntityQuery {
  readonly set: string;
  readonly select: readonly string[];
  /** A condition in the vendor's words; see `quoted`. */
  readonly filter?: string | undefined;
  /** Something unique. */
  readonly order: string;
}

/** Pages in one list; more is no company. */
const PAGES_MAX = 200_000;

/** A text in a condition: quotes are doubled (reference §3.1). */
export const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;
export const oneOf = (property: string, literals: readonly string[]): string =>
  literals.map((literal) => `${property} eq ${literal}`).join(" or ");

export type QueryAnswer =
  | ({ readonly kind: "page" } & EntityPage)
  | {
      readonly kind: "failed";
      readonly code: ErrorCode;
      readonly message: string;
    };

/** One page, with the number of all that match. */
export const queryPage = async (
  channel: B1Channel,
  query: EntityQuery,
  pageSize: number,
  skip = 0,
): Promise<QueryAnswer> => {
  const options = [
    `$select=${query.select.join(",")}`,
    ...(query.filter === undefined ? [] : [`$filter=${encodeURIComponent(query.filter)}`]),
    `$orderby=${encodeURIComponent(query.order)}`,
    ...(skip === 0 ? [] : [`$skip=${skip}`]),
    channel.serviceLayer === "v2" ? "$count=true" : "$inlinecount=allpages",
  ];
  const answer = await channel.read("query", `${query.set}?${options.join("&")}`, {
    headers: { Prefer: `odata.maxpagesize=${pageSize}` },
  });
  const page = answer.kind === "answered" && answer.status === 200 ? pageIn(answer.body) : undefined;
  if (page !== undefined) return { kind: "page", ...page };
  const failure = answer.kind === "not-logged-in" ? undefined : failureIn(answer);
  const { code, message } = channel.errorOf(answer);
  const isMissing = failure !== undefined && namesOurs(failure, query);
  return { kind: "failed", code: isMissing ? "KEY_FIELD_MISSING" : code, message };
};

/** One missing user field fails the whole question, a missing user table is an unknown path (reference §3.1, §3.2). */
const namesOurs = (failure: VendorError, { set, select }: EntityQuery): boolean =>
  NAME_UNKNOWN.has(failure.code) &&
  (set.startsWith(USER) || select.some((name) => name.startsWith(USER) && failure.message.includes(name)));

const USER = "U_";

/**
 * All that match, page after page. Next links are not followed: they are left out where `$top` fits a page, and have been seen to drop
 * the filter (reference §3.3). What the server counts has to arrive.
 * @throws ZhangshiError RESULT_TRUNCATED, or the failure's code
 */
export async function* allPages(
  channel: B1Channel,
  query: EntityQuery,
  pageSize: number,
): AsyncGenerator<readonly Entity[]> {
  let taken = 0;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const { rows, count } = await pageOf(channel, query, pageSize, taken);
    taken += rows.length;
    if (rows.length > 0) yield rows;
    if (count !== undefined && taken >= count) return;
    if (rows.length > 0) continue;
    if (count === undefined) return;
    throw new ZhangshiError("RESULT_TRUNCATED", { set: query.set, reason: `${taken} of ${count} arrived` });
  }
  throw new ZhangshiError("RESULT_TRUNCATED", { set: query.set, reason: "too many pages" });
}

/**
 * All that match, in the order of a whole-number key, each page behind the last key instead of an offset: what is added meanwhile
 * shifts nothing. What the server counted at first has to arrive, and in order.
 * @throws ZhangshiError RESULT_TRUNCATED, or the failure's code
 */
export async function* allBehind(
  channel: B1Channel,
  query: Omit<EntityQuery, "order"> & { readonly key: string },
  pageSize: number,
): AsyncGenerator<readonly Entity[]> {
  let after = -1n;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const behind = page === 0 ? [] : [`${query.key} gt ${after}`];
    const given = query.filter === undefined ? [] : [behind.length === 0 ? query.filter : `(${query.filter})`];
    const filter = [...given, ...behind].join(" and ");
    const { rows, count } = await pageOf(
      channel,
      { ...query, order: `${query.key} asc`, filter: filter === "" ? undefined : filter },
      pageSize,
    );
    for (const row of rows) {
      const key = wholeNumber(row[query.key]);
      if (key === undefined || key <= after)
        throw new ZhangshiError("RESULT_TRUNCATED", { set: query.set, reason: "rows are out of order" });
      after = key;
    }
    if (rows.length > 0) yield rows;
    // The count is of what is left behind the key of this page's question.
    if (count !== undefined && rows.length >= count) return;
    if (rows.length > 0) continue;
    if (count === undefined) return;
    throw new ZhangshiError("RESULT_TRUNCATED", { set: query.set, reason: `${count} more were counted, none arrived` });
  }
  throw new ZhangshiError("RESULT_TRUNCATED", { set: query.set, reason: "too many pages" });
}

const pageOf = async (
  channel: B1Channel,
  query: EntityQuery,
  pageSize: number,
  skip = 0,
): Promise<Extract<QueryAnswer, { kind: "page" }>> => {
  const answer = await queryPage(channel, query, pageSize, skip);
  if (answer.kind === "page") return answer;
  throw new ZhangshiError(answer.code, { set: query.set, message: answer.message });
};

const wholeNumber = (value: unknown): bigint | undefined =>
  typeof value === "string" && /^\d{1,18}$/.test(value) ? BigInt(value) : undefined;

/** Text of a property; "" for null and for what is not there. Numbers are text already. */
export const textOf = (value: unknown): string => (typeof value === "string" ? value.trim() : "");
/** Yes and no by member name or stored value (reference §3.2). */
export const isYes = (value: unknown): boolean => ["tYES", "Y"].includes(textOf(value));
