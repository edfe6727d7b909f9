import { isSmallScale, withTaxInCost } from "../domain/small-scale.ts";
import type { ArrivedMovement } from "../db/movement-log.ts";
import type { DraftingDependencies } from "./draft-desk.ts";

/**
 * Drafting as the company's VAT status wants it: a small-scale taxpayer's purchases are met with their VAT in the amount,
 * wherever they are read. The movement log keeps what the documents say.
 */
export const asTaxpayer = (dependencies: DraftingDependencies): DraftingDependencies => {
  const { company, stores } = dependencies;
  if ((company.vat ?? "general") === "general") return dependencies;
  const met = (movement: ArrivedMovement): ArrivedMovement =>
    isSmallScale(company, movement.happenedOn) ? withTaxInCost(movement) : movement;
  const all = (movements: readonly ArrivedMovement[]): readonly ArrivedMovement[] => movements.map(met);
  const { log, drafts, redraws } = stores;
  return {
    ...dependencies,
    stores: {
      ...stores,
      log: {
        ...log,
        readArrivals: async (...asked) => all(await log.readArrivals(...asked)),
        findOrigins: async (...asked) => all(await log.findOrigins(...asked)),
        readMovements: async (...asked) => all(await log.readMovements(...asked)),
        readDrawn: async (...asked) => all(await log.readDrawn(...asked)),
        readRevisions: async (...asked) => all(await log.readRevisions(...asked)),
      },
      drafts: {
        ...drafts,
        readBlocked: async (...asked) => all(await drafts.readBlocked(...asked)),
        readVoucherLinks: async (...asked) =>
          (await drafts.readVoucherLinks(...asked)).map((link) => ({ ...link, movement: met(link.movement) })),
      },
      redraws: {
        ...redraws,
        readRedraws: async (...asked) =>
          (await redraws.readRedraws(...asked)).map((redraw) => ({
            ...redraw,
            links: redraw.links.map((link) => ({ ...link, movement: met(link.movement) })),
          })),
      },
    },
  };
};
