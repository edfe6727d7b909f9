import { z } from "zod";
import { parseVendorJson } from "../transport/json.ts";
import { PostingKey } from "../../domain/posting-key.ts";
import type { VoucherDraft } from "../../domain/voucher.ts";
import type { SendOutcome } from "../contract.ts";
import { type ChannelAnswer, type VendorError, errorOf } from "./answers.ts";
import { type Problem, problemOf } from "./errors.ts";
import { type BatchPart, type InnerAnswer, boundaryIn, readBatch } from "./multipart.ts";
import type { SapB1Settings } from "./settings.ts";

/** What a batch came to. */
export interface BatchReading {
  /** Of the first drafts of the batch, in their order. */
  readonly outcomes: readonly SendOutcome[];
  /** Drafts behind a failed change set: the batch ended before them, so nothing of them ran (reference §5.2). */
  readonly untouched: readonly VoucherDraft[];
  /** What stopped the batch befalls the untouched ones as well: they are left for later. */
  readonly stopped: Problem | undefined;
  /** The batch as a whole was not taken: it may be for one of its drafts alone. */
  readonly halve: boolean;
}

const reading = (part: Partial<BatchReading>): BatchReading => ({
  outcomes: [],
  untouched: [],
  stopped: undefined,
  halve: false,
  ...part,
});

/** Field and table of ours that a message may name as missing. */
const oursIn = (settings: SapB1Settings): readonly string[] => [
  ...new Set(
    [
      settings.keyField,
      settings.claimTable,
      settings.quantityField,
      settings.unitField,
      ...Object.values(settings.dimensions),
    ].filter((name): name is string => name?.startsWith("U_") === true || name === settings.claimTable),
  ),
];

/** @param onError  told of each error in the answer, so that those without an entry in the catalogue can be counted */
export const readBatchAnswer = (
  drafts: readonly VoucherDraft[],
  answer: ChannelAnswer,
  settings: SapB1Settings,
  onError: (error: VendorError) => void = () => undefined,
): BatchReading => {
  const everywhere = (problem: Problem): BatchReading =>
    reading({ outcomes: drafts.map((draft) => ({ ...problem, key: PostingKey.parse(draft.key) })) });
  const heard = (status: number, text: string): VendorError => {
    const error = errorOf(status, text);
    onError(error);
    return error;
  };
  switch (answer.kind) {
    case "not-logged-in":
    case "not-sent":
      return everywhere({ kind: "not-done", code: answer.code, message: answer.message });
    case "no-answer":
    case "half":
      return everywhere({ kind: "uncertain", code: "NO_ANSWER", message: answer.message });
    case "unreadable":
      return everywhere({ kind: "uncertain", code: "ANSWER_UNREADABLE", message: answer.message });
    case "answered":
      break;
  }
  // The batch itself answers 200 (v2) or 202 (v1), whatever its parts say.
  if (answer.status !== 200 && answer.status !== 202)
    return wholeBatch(drafts, heard(answer.status, answer.text), settings);
  const boundary = boundaryIn(answer.headers["content-type"] ?? "");
  const parts = boundary === undefined ? undefined : readBatch(answer.text, boundary);
  if (parts === undefined)
    return everywhere({ kind: "uncertain", code: "ANSWER_UNREADABLE", message: "the batch answer is not whole" });
  return judge(drafts, parts, settings, heard);
};

/** The server did not take the batch at all: its frame, its length or the session was wrong. */
const wholeBatch = (drafts: readonly VoucherDraft[], error: VendorError, settings: SapB1Settings): BatchReading => {
  const problem = problemOf(error, oursIn(settings));
  const isFrame = problem.kind === "refused";
  if (isFrame && drafts.length > 1) return reading({ untouched: drafts, halve: true });
  return reading({ outcomes: drafts.map((draft) => ({ ...problem, key: PostingKey.parse(draft.key) })) });
};

const judge = (
  drafts: readonly VoucherDraft[],
  parts: readonly BatchPart[],
  settings: SapB1Settings,
  heard: (status: number, text: string) => VendorError,
): BatchReading => {
  const outcomes: SendOutcome[] = [];
  for (const [index, draft] of drafts.entries()) {
    const key = PostingKey.parse(draft.key);
    const part = parts[index];
    if (part === undefined || parts.length > drafts.length) {
      const message = part === undefined ? "not named in the answer" : "the answer has more parts than were asked for";
      outcomes.push({ kind: "uncertain", key, code: "ANSWER_INCOMPLETE", message });
      continue;
    }
    if (part.kind === "set") {
      outcomes.push(ofSet(part.answers, key, settings));
      continue;
    }
    const problem = ofSingle(part.answer, settings, heard);
    outcomes.push({ ...problem, key });
    const untouched = drafts.slice(index + 1);
    // A failed change set is the last part. Anything behind it would contradict that.
    if (parts.length > index + 1 || problem.code === "SERVER_ERROR" || problem.code === "ANSWER_INCOMPLETE") continue;
    return reading({ outcomes, untouched, stopped: STOPPING.has(problem.code) ? problem : undefined });
  }
  return reading({ outcomes });
};

/** What would befall the next voucher as well. */
const STOPPING: ReadonlySet<string> = new Set([
  "NOT_LOGGED_IN",
  "NOT_REACHABLE",
  "THROTTLED",
  "CONFLICT",
  "KEY_FIELD_MISSING",
  "PERMISSION_DENIED",
]);

const Created = z.looseObject({
  JdtNum: z.string().regex(/^\d+$/),
  Number: z.union([z.string(), z.null()]).optional(),
});

/** Claim and journal entry: both created, and the entry echoes the key. */
const ofSet = (answers: readonly InnerAnswer[], key: PostingKey, settings: SapB1Settings): SendOutcome => {
  const [claim, journal, ...others] = answers;
  const isWhole =
    claim !== undefined && journal !== undefined && others.length === 0 && isDone(claim) && isDone(journal);
  if (!isWhole)
    return { kind: "uncertain", key, code: "ANSWER_INCOMPLETE", message: "the change set's answer is not whole" };
  const created = Created.safeParse(jsonOf(journal.text));
  if (!created.success)
    return { kind: "uncertain", key, code: "ANSWER_UNREADABLE", message: "the journal entry's answer cannot be read" };
  const { JdtNum: erpId, Number: number } = created.data;
  if (created.data[settings.keyField] !== key)
    return { kind: "uncertain", key, code: "KEY_NOT_ECHOED", message: `added as ${erpId} without our key` };
  return { kind: "posted", key, erpId, number: number ?? "", stage: "booked" };
};

const isDone = ({ status }: InnerAnswer): boolean => status >= 200 && status < 300;

const jsonOf = (text: string): unknown => {
  try {
    return parseVendorJson(text);
  } catch {
    return undefined;
  }
};

/** One plain part stands for a change set that was rolled back. A success there is none that we asked for. */
const ofSingle = (
  answer: InnerAnswer,
  settings: SapB1Settings,
  heard: (status: number, text: string) => VendorError,
): Problem =>
  isDone(answer)
    ? { kind: "uncertain", code: "ANSWER_INCOMPLETE", message: "one answer to a change set of two operations" }
    : problemOf(heard(answer.status, answer.text), oursIn(settings));
