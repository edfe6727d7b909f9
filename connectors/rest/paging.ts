import { textAt } from "./json-path.ts";
import type { RestForm } from "./settings.ts";

/** The page to ask for. */
export interface PageState {
  /** Everything that leads back here, as one text. */
  readonly mark: string;
  /** Records before this page. */
  readonly seen: number;
  readonly value: string;
  readonly link: string | undefined;
}

/** What is sent to ask for a page; `undefined` is the first. */
export const pageParameters = (form: RestForm, state: PageState | undefined): Readonly<Record<string, string>> => {
  const { paging, pageSizeParameter, pageSize } = form;
  const size = pageSizeParameter === undefined ? {} : { [pageSizeParameter]: String(pageSize) };
  switch (paging.kind) {
    case "none":
    case "link":
      return size;
    case "page":
      return { ...size, [paging.parameter]: state?.value ?? String(paging.first) };
    case "offset":
      return { ...size, [paging.parameter]: state?.value ?? "0" };
    case "cursor":
      return state === undefined ? size : { ...size, [paging.parameter]: state.value };
  }
};

export interface PageAnswer {
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string>>;
  /** Records in this page. */
  readonly count: number;
  /** Records up to and with this page. */
  readonly seen: number;
}

/** The page behind this one, or undefined when it was the last. */
export const pageAfter = (form: RestForm, state: PageState | undefined, answer: PageAnswer): PageState | undefined => {
  const { paging } = form;
  const to = (kind: string, value: string): PageState => ({
    mark: `${kind} ${answer.seen} ${value}`,
    seen: answer.seen,
    value,
    link: kind === "link" ? value : undefined,
  });
  switch (paging.kind) {
    case "none":
      return undefined;
    case "page":
      return hasMore(form, answer) ? to("page", String(Number(state?.value ?? paging.first) + 1)) : undefined;
    case "offset":
      return hasMore(form, answer) ? to("offset", String(answer.seen)) : undefined;
    case "cursor": {
      const next = textAt(answer.body, paging.from);
      return next === "" || (form.more !== undefined && !hasMore(form, answer)) ? undefined : to("cursor", next);
    }
    case "link": {
      const next = paging.from === "" ? linkIn(answer.headers["link"] ?? "") : textAt(answer.body, paging.from);
      return next === "" ? undefined : to("link", next);
    }
  }
};

/** By what the answer says; else a page that is not full is the last. An empty page always is: nothing can follow it. */
const hasMore = ({ more, total, pageSize }: RestForm, { body, count, seen }: PageAnswer): boolean => {
  if (count === 0) return false;
  if (more !== undefined) return more.in.includes(textAt(body, more.path));
  const said = total === undefined ? "" : textAt(body, total);
  return /^\d+$/.test(said) ? seen < Number(said) : count >= pageSize;
};

/** The address of the next page in a header Link. Source: RFC 8288. */
const linkIn = (header: string): string => /<([^<>]+)>\s*;[^,<]*\brel="?next"?/.exec(header)?.[1] ?? "";
