import { ZhangshiError } from "../../domain/errors.ts";
import type { PostingKey } from "../../domain/posting-key.ts";
import type { LookUp } from "../contract.ts";
import type { B1Channel } from "./channel.ts";
import { allBehind, allPages, oneOf, quoted, textOf } from "./query.ts";
import type { SapB1Settings } from "./settings.ts";

/** Journal entries that carry the keys, whatever their date; every key asked for is in the answer. */
export const findKeys = async (
  channel: B1Channel,
  keys: readonly PostingKey[],
  settings: SapB1Settings,
): Promise<ReadonlyMap<PostingKey, LookUp>> => {
  const entries = new Map<string, Map<string, string>>();
  try {
    const query = {
      set: "JournalEntries",
      select: ["JdtNum", "Number", settings.keyField],
      filter: oneOf(settings.keyField, keys.map(quoted)),
      key: "JdtNum",
    };
    for await (const rows of allBehind(channel, query, settings.pageSize))
      for (const row of rows) {
        // The database may ignore case and trailing blanks; our keys are lower case.
        const key = textOf(row[settings.keyField]).toLowerCase();
        const sameKey = entries.get(key) ?? new Map<string, string>();
        entries.set(key, sameKey.set(textOf(row["JdtNum"]), textOf(row["Number"])));
      }
  } catch (error) {
    const failed = failureOf(error);
    return new Map(keys.map((key) => [key, failed]));
  }
  return new Map(keys.map((key) => [key, lookUpOf(entries.get(key))]));
};

/** Copying an entry in B1 copies our field: several are for a person. */
const lookUpOf = (entries: ReadonlyMap<string, string> | undefined): LookUp => {
  const [first, ...others] = [...(entries ?? [])];
  if (first === undefined) return { kind: "absent" };
  if (others.length > 0) return { kind: "several", erpIds: [first, ...others].map(([erpId]) => erpId) };
  const [erpId, number] = first;
  return { kind: "one", erpId, number, stage: "booked" };
};

/**
 * Keys without a journal entry whose claim row is there. Both were committed as one, so either the entry came between the two questions
 * (it is asked for once more), or somebody has emptied its key since: that is for a person, and never absent.
 * @returns only the keys for which the claim table changes something
 */
export const findClaims = async (
  channel: B1Channel,
  keys: readonly PostingKey[],
  settings: SapB1Settings,
): Promise<ReadonlyMap<PostingKey, LookUp>> => {
  if (keys.length === 0) return new Map();
  const claimed = new Set<string>();
  try {
    const query = {
      set: `U_${settings.claimTable}`,
      select: ["Code"],
      filter: oneOf("Code", keys.map(quoted)),
      order: "Code asc",
    };
    for await (const rows of allPages(channel, query, settings.pageSize))
      for (const row of rows) claimed.add(textOf(row["Code"]).toLowerCase());
  } catch (error) {
    const failed = failureOf(error);
    return new Map(keys.map((key) => [key, failed]));
  }
  const suspicious = keys.filter((key) => claimed.has(key));
  if (suspicious.length === 0) return new Map();
  const again = await findKeys(channel, suspicious, settings);
  return new Map(
    suspicious.map((key): [PostingKey, LookUp] => {
      const found = again.get(key);
      const isAbsent = found === undefined || found.kind === "absent";
      return [key, isAbsent ? { kind: "void", erpId: `U_${settings.claimTable}('${key}')` } : found];
    }),
  );
};

const failureOf = (error: unknown): LookUp => {
  if (!(error instanceof ZhangshiError)) throw error;
  return { kind: "failed", code: error.code, message: error.details["message"] ?? error.message };
};
