import type { SimulatorEntry } from "../shared/entry.ts";
import { DEMO_APP } from "./demo-app.ts";
import { REHEARSAL_APP } from "./rehearsal-app.ts";

export const jiandaoyun: SimulatorEntry = {
  start: async ({ port, seed, faults }) => {
    const { startJiandaoyun } = await import("./server.ts");
    const simulator = await startJiandaoyun({ port, seed, faults, apps: [DEMO_APP, REHEARSAL_APP] });
    const { baseUrl, credentials, apps } = simulator;
    return { baseUrl, credentials, besides: { apps }, close: () => simulator.close() };
  },
};
