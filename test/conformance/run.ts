import { vendors } from "../../connectors/registry.ts";
import type { Bench } from "../../conformance/office.ts";

/** What one vendor's adapter exports as `benches`: ways in which its ledger can be set up, each with books of its own. */
export type Benches = Readonly<Record<string, () => Promise<Bench>>>;

/** Every vendor of the registry that takes vouchers. */
export const ledgerVendors: readonly string[] = Object.entries(vendors)
  .filter(([, { target }]) => target !== undefined)
  .map(([name]) => name);

/** @throws Error when the vendor has no adapter in this folder */
export const benchesOf = async (vendor: string): Promise<Benches> => {
  const adapter = (await import(/* @vite-ignore */ `./${vendor}.ts`)) as { readonly benches: Benches };
  return adapter.benches;
};
