/** Lists: page and page_size in, count and total_page out (XC-SDK). */

import type { JsonOut } from "../shared/json.ts";
import { ERR, Refusal } from "./model.ts";
import type { Parameters } from "./parameters.ts";

const PAGE_SIZE_DEFAULT = 10;
/** The largest page that the vendor serves is not published; clients use 100. */
export const PAGE_SIZE_MAX = 100;

/** What to do with a page_size above the largest: serve fewer rows in silence, or refuse. */
export type PageSizeOver = "cut" | "refuse";

export function pageOf(parameters: Parameters, over: PageSizeOver): { page: number; pageSize: number } {
  const asked = parameters.whole("page_size", PAGE_SIZE_DEFAULT);
  const pageSize = asked === 0 ? PAGE_SIZE_DEFAULT : asked;
  if (pageSize > PAGE_SIZE_MAX && over === "refuse") {
    throw new Refusal(ERR.validation, `参数page_size[${asked}]不能超过${PAGE_SIZE_MAX}`);
  }
  return { page: Math.max(1, parameters.whole("page", 1)), pageSize: Math.min(pageSize, PAGE_SIZE_MAX) };
}

/** @param countAsText  the vendor's models give some counts as text and some as number */
export function listAnswer<Item>(
  items: readonly Item[],
  { page, pageSize }: { page: number; pageSize: number },
  encode: (item: Item) => JsonOut,
  countAsText: boolean,
): { [key: string]: JsonOut } {
  const shown = items.slice((page - 1) * pageSize, page * pageSize);
  return {
    count: countAsText ? String(items.length) : items.length,
    page,
    page_size: pageSize,
    current_page_size: shown.length,
    total_page: Math.ceil(items.length / pageSize),
    rows: shown.map(encode),
  };
}
