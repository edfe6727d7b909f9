/** What `simulators/registry.ts` knows of a simulator: how it is started for a rehearsal, and what only it can be told. */

import type { Fault } from "./faults.ts";

/** An option that only some simulators have, such as the folder of a program that works on files. */
export interface OwnOption {
  /** One word: "folder" is given as `--folder`. */
  readonly name: string;
  /** What follows it: "<PATH>"; absent for an option that is given or not. */
  readonly value?: string;
  /** The only values it takes; anything when absent. */
  readonly choices?: readonly string[];
  readonly zh: string;
  readonly en: string;
}

export interface Start {
  /** 0 takes a free one */
  readonly port: number;
  readonly seed: number;
  readonly faults: readonly Fault[];
  /** The simulator's own options, as far as they were given; `choices` hold. */
  readonly own: Readonly<Record<string, string | true>>;
}

export interface Started {
  readonly baseUrl: string;
  /** Under the vendor's own names. */
  readonly credentials: object;
  /** Of its books; absent where there are none. */
  readonly openPeriod?: string;
  /** What only this vendor has to tell, such as the ids of forms. */
  readonly besides?: object;
  close(): Promise<void>;
}

export interface SimulatorEntry {
  readonly options?: readonly OwnOption[];
  /** Loads the simulator when it is needed, not before. */
  start(start: Start): Promise<Started>;
}
