import { jiandaoyun } from "./jiandaoyun/entry.ts";
import { kingdeeKis } from "./kingdee-kis/entry.ts";
import type { SimulatorEntry } from "./shared/entry.ts";

/** One line per vendor; one with options of its own says them in its folder. */
export const simulators: Readonly<Record<string, SimulatorEntry>> = {
  "kingdee-cloud": { start: async (start) => (await import("./kingdee-cloud/server.ts")).startKingdeeCloud(start) },
  "kingdee-kis": kingdeeKis,
  "kingdee-xingchen": {
    start: async (start) => (await import("./kingdee-xingchen/server.ts")).startKingdeeXingchen(start),
  },
  "yonyou-u8": { start: async (start) => (await import("./yonyou-u8/server.ts")).startYonyouU8(start) },
  jiandaoyun,
};
