import type { Bench } from "./bench.ts";

/** Every bench by name, loaded when it is wanted. */
export const benches: Readonly<Record<string, () => Promise<Bench>>> = {
  ingest: async () => (await import("./ingest.ts")).ingest,
  posting: async () => (await import("./posting.ts")).posting,
  "value-and-draft": async () => (await import("./value-and-draft.ts")).valueAndDraft,
  temporal: async () => (await import("./temporal.ts")).temporal,
  memory: async () => (await import("./memory.ts")).memory,
};
