import type { ConformanceCase } from "./case.ts";
import { accessCases } from "./cases/access.ts";
import { faultCases } from "./cases/faults.ts";
import { fileCases } from "./cases/files.ts";
import { lookUpCases } from "./cases/look-up.ts";
import { paceCases } from "./cases/pace.ts";
import { peopleCases } from "./cases/people.ts";
import { readingCases } from "./cases/reading.ts";
import { refusalCases } from "./cases/refusals.ts";
import { valueCases } from "./cases/values.ts";
import { voucherCases } from "./cases/vouchers.ts";

/** What every ledger promises, in the order in which it is listed. */
export const suite: readonly ConformanceCase[] = [
  ...accessCases,
  ...voucherCases,
  ...valueCases,
  ...lookUpCases,
  ...readingCases,
  ...peopleCases,
  ...refusalCases,
  ...fileCases,
  ...paceCases,
  ...faultCases,
];
