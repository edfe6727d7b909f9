/** For the tests of this folder: a simulated 云星辰 and connectors to it. */

import { z } from "zod";
import {
  type KingdeeXingchen,
  type KingdeeXingchenOptions,
  startKingdeeXingchen,
} from "../../simulators/kingdee-xingchen/server.ts";
import type { ConnectorContext, VoucherTarget } from "../contract.ts";
import { createKingdeeXingchen } from "./connector.ts";
import { secretNames } from "./settings.ts";

export { keyOf, receiptDraft, soon } from "./gateway.testing.ts";

const RequestReport = z.object({ totals: z.record(z.string(), z.number()) });

export interface Erp {
  readonly simulator: KingdeeXingchen;
  readonly target: VoucherTarget;
  /** A second connector to the same books. */
  readonly another: (settings?: Record<string, unknown>, context?: Partial<ConnectorContext>) => VoucherTarget;
  readonly person: (act: string, body?: unknown) => Promise<void>;
  /** How often an operation was called. */
  readonly calls: (operation: string) => Promise<number>;
  readonly close: () => Promise<void>;
}

export const startErp = async (
  options: KingdeeXingchenOptions = {},
  settings: Record<string, unknown> = {},
): Promise<Erp> => {
  const simulator = await startKingdeeXingchen({ requestsPerSecondMax: null, ...options });
  const targets: VoucherTarget[] = [];
  const another: Erp["another"] = (more = {}, context = {}) => {
    const credentials: Readonly<Record<string, string>> = { ...simulator.credentials };
    const secrets = Object.fromEntries(secretNames.flatMap((name) => [[name, credentials[name] ?? ""]]));
    const target = createKingdeeXingchen(
      { book: "001", tokensPerMinute: 60, ...settings, ...more },
      {
        connection: "erp",
        baseUrl: `${simulator.baseUrl}/`,
        secrets,
        pacer: { permit: async () => undefined },
        now: () => new Date(),
        log: () => undefined,
        ...context,
      },
    );
    targets.push(target);
    return target;
  };
  return {
    simulator,
    target: another(),
    another,
    person: async (act, body = {}) => {
      const response = await fetch(`${simulator.origin}/_person/${act}`, {
        method: "POST",
        body: JSON.stringify(body),
      });
      if (!response.ok) throw new Error(`${act}: ${await response.text()}`);
    },
    calls: async (operation) => {
      const log = RequestReport.parse(await (await fetch(`${simulator.origin}/_sim/requests`)).json());
      return log.totals[operation] ?? 0;
    },
    close: async () => {
      for (const target of targets) await target.close();
      await simulator.close();
    },
  };
};
