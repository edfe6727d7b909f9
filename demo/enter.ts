import type { DemoCompany } from "./document.ts";
import { type JiandaoyunAddress, JiandaoyunOffice } from "./jiandaoyun-office.ts";
import { type BookSetUp, setUpBook } from "./kingdee-office.ts";

export interface SimulatorAddresses {
  readonly jiandaoyun: JiandaoyunAddress;
  /** Scheme, host and port of the Kingdee simulator, without `/k3cloud/`. */
  readonly kingdeeOrigin: string;
}

export interface Entered {
  readonly office: JiandaoyunOffice;
  /** Records that were not there before. */
  readonly records: number;
}

const NOTHING: BookSetUp = { missingItems: [], forbiddenItems: [] };

/**
 * Brings a company into both simulators: its application with every document, and its account book. A second run on kept
 * data enters nothing.
 *
 * @throws Error when the application holds the company of another seed
 */
export async function enterCompany(
  company: DemoCompany,
  addresses: SimulatorAddresses,
  seed: number,
  book = NOTHING,
): Promise<Entered> {
  await setUpBook(addresses.kingdeeOrigin, company, book);
  const office = await JiandaoyunOffice.open(addresses.jiandaoyun, company.code);
  return { office, records: await office.enter(company, seed) };
}
