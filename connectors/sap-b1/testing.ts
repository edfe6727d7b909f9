/** For the tests of this folder: a simulated company with the user table and fields that the connector needs, and connectors to it. */

import { send } from "../../simulators/sap-b1/testing.ts";
import { type SapB1, type SapB1Options, startSapB1 } from "../../simulators/sap-b1/server.ts";
import type { CheckStage, ConnectorContext, VoucherTarget } from "../contract.ts";
import { createSapB1 } from "./connector.ts";
import { BOOK } from "./samples.testing.ts";
import { SapB1Settings } from "./settings.ts";
import { setUpsFor } from "./setup.ts";

export interface Erp {
  readonly simulator: SapB1;
  readonly target: VoucherTarget;
  /** A second connector to the same books. */
  readonly another: (settings?: Record<string, unknown>, context?: Partial<ConnectorContext>) => VoucherTarget;
  readonly person: (act: string, body?: unknown) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** @param prepared  false leaves out user table and fields */
export const startErp = async (
  options: SapB1Options = {},
  settings: Record<string, unknown> = {},
  prepared = true,
): Promise<Erp> => {
  const simulator = await startSapB1({ openPeriod: "2026-01", http: true, ...options });
  const targets: VoucherTarget[] = [];
  const given = { books: { [BOOK]: null }, ...settings };
  const person: Erp["person"] = async (act, body = {}) => {
    const reply = await send(simulator, `/_person/${act}`, { method: "POST", body: JSON.stringify(body) });
    if (reply.status !== 200) throw new Error(`${act}: ${reply.text}`);
  };
  if (prepared)
    for (const { set, body } of setUpsFor(SapB1Settings.parse(given))) await person("write", { set, fields: body });
  const another: Erp["another"] = (more = {}, context = {}) => {
    const target = createSapB1(
      { ...given, ...more },
      {
        connection: "erp",
        baseUrl: simulator.baseUrl,
        secrets: { ...simulator.credentials },
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
    person,
    close: async () => {
      for (const target of targets) await target.close();
      await simulator.close();
    },
  };
};

export const stagesOf = async (target: VoucherTarget): Promise<readonly CheckStage[]> => {
  const stages: CheckStage[] = [];
  for await (const stage of target.check()) stages.push(stage);
  return stages;
};
