import { sleep } from "@temporalio/workflow";

/** The smallest workflow that shows whether time is skipped. */
export async function thirtyDays(company: string): Promise<string> {
  await sleep("30 days");
  return `${company}: a month has passed`;
}
