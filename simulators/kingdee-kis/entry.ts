import { z } from "zod";
import type { SimulatorEntry } from "../shared/entry.ts";
import { DIALECTS } from "./model.ts";

const Own = z.object({ folder: z.string().optional(), dialect: z.enum(DIALECTS).optional() });

export const kingdeeKis: SimulatorEntry = {
  options: [
    { name: "folder", value: "<PATH>", zh: "凭证文件所在的文件夹", en: "folder of the voucher files" },
    { name: "dialect", value: "<D>", choices: DIALECTS, zh: "凭证文件格式", en: "layout of the voucher files" },
  ],
  start: async ({ port, seed, faults, own }) => {
    const { folder, dialect } = Own.parse(own);
    const files = { ...(folder === undefined ? {} : { folder }), ...(dialect === undefined ? {} : { dialect }) };
    return (await import("./server.ts")).startKingdeeKis({ port, seed, faults, ...files });
  },
};
