import { z } from "zod";
import type { SimulatorEntry } from "../shared/entry.ts";

const Own = z.object({ http: z.literal(true).optional() });

export const sapB1: SimulatorEntry = {
  options: [{ name: "http", zh: "用普通 HTTP 代替 HTTPS", en: "plain HTTP instead of HTTPS" }],
  start: async ({ port, seed, faults, own }) => {
    const http = Own.parse(own).http === true;
    const simulator = await (await import("./server.ts")).startSapB1({ port, seed, faults, http });
    const { baseUrl, credentials, openPeriod, ca } = simulator;
    return {
      baseUrl,
      credentials,
      openPeriod,
      // What a client has to trust: the authority behind the certificate that the simulator made for itself.
      ...(ca === undefined ? {} : { besides: { ca } }),
      close: () => simulator.close(),
    };
  },
};
