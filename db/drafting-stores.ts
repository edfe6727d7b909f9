import * as costs from "./cost-store.ts";
import * as drafts from "./draft-store.ts";
import * as accruals from "./estimate-store.ts";
import * as log from "./movement-log.ts";
import * as orders from "./order-cost-store.ts";
import * as redraws from "./redraw-store.ts";
import * as vouchers from "./voucher-store.ts";

/** Everything that drafting reads and writes. */
export const draftingStores = { log, drafts, costs, orders, accruals, redraws, vouchers };
export type DraftingStores = typeof draftingStores;
