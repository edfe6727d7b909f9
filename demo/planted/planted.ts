import type { DocumentForm } from "../document.ts";
import { Draw } from "../random.ts";

/** One hidden mismatch, named as README.md in this folder says. */
export interface Planted {
  readonly id: string;
  readonly cause: number;
  readonly subject: string;
}

export const planted = (company: string, cause: number, subject: string): Planted => ({
  id: `${company}/${cause}/${subject}`,
  cause,
  subject,
});

export const movementSubject = (form: DocumentForm, documentNumber: string): string =>
  `movement:${form}/${documentNumber}`;

/** Always planted; cause 10 three times: edited, un-audited, deleted. */
const ALWAYS = [9, 10, 11, 12, 13, 18] as const;
const DRAWN = [1, 2, 4, 5, 6, 8, 20, 21, 22] as const;
const DRAWN_MIN = 5;

/** Each purpose draws from a stream of its own, so that one act never shifts another. */
const PLAN_STREAM = 0x51a7;

/** The causes that this seed hides. */
export function planOf(seed: number): ReadonlySet<number> {
  const draw = new Draw(seed ^ PLAN_STREAM);
  const drawn = draw.shuffled(DRAWN).slice(0, draw.between(DRAWN_MIN, DRAWN.length));
  return new Set([...ALWAYS, ...drawn]);
}
