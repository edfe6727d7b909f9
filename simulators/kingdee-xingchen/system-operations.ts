/** /jdy/v2/sys: who am I, what is switched on, which custom fields there are. */

import { listOut, type Operation, reading } from "./call.ts";
import { addPeriods } from "./model.ts";

export const currentUser: Operation = reading("system", "sys|query", ({ set, origin }) => ({
  id: set.authorisation.serviceId,
  number: "API",
  name: origin.user,
  enable: "1",
  uid: set.authorisation.serviceId,
  eid: set.book.accountId,
  is_admin: false,
}));

/** The vendor's model groups parameters by module; which stand inside is not published. Ours: the periods of the books. */
export const systemParameters: Operation = reading("system", "sys|query", ({ set, settings }) => {
  const yearMonth = (period: string): string => period.replace("-", "");
  return {
    gl: {
      start_period: yearMonth(set.book.startPeriod),
      current_period: yearMonth(addPeriods(set.book.closedThrough, 1)),
      auditor_must_differ: set.book.auditorMustDiffer,
    },
    chhs: { cost_method: "moving_average", allow_negative: settings.negativeStock === "allow" },
  };
});

export const customFields: Operation = reading("system", "sys|query", (call) => listOut(call, [], () => null, true));
