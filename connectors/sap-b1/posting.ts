import { z } from "zod";
import { parseVendorJson } from "../transport/json.ts";
import { PostingKey } from "../../domain/posting-key.ts";
import type { VoucherDraft } from "../../domain/voucher.ts";
import type { SendOutcome } from "../contract.ts";
import { type ChannelAnswer, NAME_UNKNOWN, type VendorError, errorOf, sentenceOf } from "./answers.ts";
import { type Problem, problemOf } from "./errors.ts";
import { type BatchPart, type InnerAnswer, boundaryIn, readBatch } from "./multipart.ts";
import type { SapB1Settings } from "./settings.ts";
import { OPERATIONS } from "./voucher-body.ts";

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

/**
 * An error instead of a batch answer. Only the frame of a batch is refused that way before anything runs; what is said of a
 * session or a lock in the middle of one proves nothing.
 */
const wholeBatch = (drafts: readonly VoucherDraft[], error: VendorError, settings: SapB1Settings): BatchReading => {
  const problem = problemOf(error, oursIn(settings));
  if (problem.kind === "refused" && FRAME.has(error.code) && drafts.length > 1)
    return reading({ untouched: drafts, halve: true });
  const { message } = problem;
  const unproven: Readonly<Record<string, Problem | undefined>> = {
    NOT_LOGGED_IN: { kind: "uncertain", code: "SESSION_LOST", message },
    LOGIN_REFUSED: { kind: "uncertain", code: "SESSION_LOST", message },
    CONFLICT: { kind: "uncertain", code: "SERVER_ERROR", message },
    REFUSED_BY_ERP: FRAME.has(error.code) ? undefined : { kind: "uncertain", code: "SERVER_ERROR", message },
  };
  const judged = unproven[problem.code] ?? problem;
  return reading({ outcomes: drafts.map((draft) => ({ ...judged, key: PostingKey.parse(draft.key) })) });
};

/** Unreadable batch, wrong character, too long (413 has no code): reference §5.2, §6.2. */
const FRAME: ReadonlySet<string> = new Set(["-1000", "242", ""]);

const judge = (
  drafts: readonly VoucherDraft[],
  parts: readonly BatchPart[],
  settings: SapB1Settings,
  heard: (status: number, text: string) => VendorError,
): BatchReading => {
  const keys = drafts.map((draft) => PostingKey.parse(draft.key));
  const posted = new Map<PostingKey, SendOutcome>();
  const faulty = new Map<number, Problem>();
  let failedAt: number | undefined;
  for (const [position, part] of parts.entries()) {
    if (part.kind === "single") {
      failedAt = placeOf(part.answer, position);
      faulty.set(failedAt, ofSingle(part.answer, settings, heard));
      continue;
    }
    const created = createdIn(part.answers, settings);
    // A part belongs to the key that it echoes, wherever it stands.
    const key = "key" in created ? keys.find((one) => one === created.key) : undefined;
    if ("key" in created && key !== undefined && !posted.has(key))
      posted.set(key, { kind: "posted", key, erpId: created.erpId, number: created.number, stage: "booked" });
    else faulty.set(position, "key" in created ? notEchoed(created) : created);
  }
  const problem = failedAt === undefined ? undefined : faulty.get(failedAt);
  // The batch ended here only where everything before was answered and nothing stands behind.
  const ended = problem !== undefined && failedAt === parts.length - 1 && !UNPROVEN.has(problem.code);
  const outcomes: SendOutcome[] = [];
  for (const [index, key] of keys.entries()) {
    const found = posted.get(key) ?? withKey(faulty.get(index), key);
    if (found === undefined && ended && failedAt !== undefined && index > failedAt) break;
    outcomes.push(found ?? { kind: "uncertain", key, code: "ANSWER_INCOMPLETE", message: "not named in the answer" });
  }
  const stopped = problem !== undefined && STOPPING.has(problem.code) ? problem : undefined;
  return reading({ outcomes, untouched: drafts.slice(outcomes.length), stopped });
};

/** Failures of the server itself: what they say about the rest of the batch nobody knows. */
const UNPROVEN: ReadonlySet<string> = new Set(["SERVER_ERROR", "ANSWER_INCOMPLETE"]);

const withKey = (problem: Problem | undefined, key: PostingKey): SendOutcome | undefined =>
  problem === undefined ? undefined : { ...problem, key };

/** Content-IDs count on through the batch, two for each voucher. */
const placeOf = ({ contentId }: InnerAnswer, position: number): number =>
  /^[1-9]\d{0,5}$/.test(contentId) ? Math.floor((Number(contentId) - 1) / OPERATIONS) : position;

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

type CreatedEntry = { readonly key: string; readonly erpId: string; readonly number: string };

/** Claim and journal entry, both created. */
const createdIn = (answers: readonly InnerAnswer[], settings: SapB1Settings): CreatedEntry | Problem => {
  const [claim, journal, ...others] = answers;
  if (claim === undefined || journal === undefined || others.length > 0 || !isDone(claim) || !isDone(journal))
    return { kind: "uncertain", code: "ANSWER_INCOMPLETE", message: "the change set's answer is not whole" };
  const created = Created.safeParse(jsonOf(journal.text));
  if (!created.success)
    return { kind: "uncertain", code: "ANSWER_UNREADABLE", message: "the journal entry's answer cannot be read" };
  const key = created.data[settings.keyField];
  const { JdtNum: erpId, Number: number } = created.data;
  return { key: typeof key === "string" ? key : "", erpId, number: number ?? "" };
};

const notEchoed = ({ erpId }: CreatedEntry): Problem => ({
  kind: "uncertain",
  code: "KEY_NOT_ECHOED",
  message: `added as ${erpId} without our key`,
});

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
): Problem => {
  if (isDone(answer))
    return { kind: "uncertain", code: "ANSWER_INCOMPLETE", message: "one answer to a change set of two operations" };
  const error = heard(answer.status, answer.text);
  // "Unrecognized resource path" names no path: it is that of the claim, the change set's first operation.
  if (NAME_UNKNOWN.has(error.code) && isClaim(answer)) {
    const message = `U_${settings.claimTable}: ${sentenceOf(error)}`;
    return { kind: "not-done", code: "KEY_FIELD_MISSING", message };
  }
  return problemOf(error, oursIn(settings));
};

const isClaim = ({ contentId }: InnerAnswer): boolean => Number(contentId) % OPERATIONS === 1;
