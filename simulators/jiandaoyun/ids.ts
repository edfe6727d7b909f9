import { createHash } from "node:crypto";
import { z } from "zod";

const COUNTER_LIMIT = 0x1000000;
const WIDGET_PREFIX = "_widget_";

/** How far each sequence has been drawn. The journal keeps it, so that a restart gives no id out twice. */
export const IdState = z.object({ counter: z.number(), lastWidget: z.number(), drawn: z.number() });
export type IdState = z.infer<typeof IdState>;

/** Makes every identifier of the simulator; one seed gives one sequence. */
export interface IdFactory {
  /** 24 hex characters: the second ‖ 5 bytes of this installation ‖ a 3-byte counter, so ids sort by time. */
  objectId(epochMs: number): string;
  /** `_widget_` and 13 digits, unique in this installation. */
  widgetId(epochMs: number): string;
  /** Text of `length` hex characters out of the seeded sequence. */
  hex(length: number): string;
  uuid(): string;
  state(): IdState;
  restore(state: IdState): void;
}

export function createIds(seed: number): IdFactory {
  const node = digest(`${seed}:node`).slice(0, 10);
  const state: IdState = { counter: 0, lastWidget: 0, drawn: 0 };

  const hex = (length: number): string => {
    let text = "";
    while (text.length < length) {
      text += digest(`${seed}:${state.drawn}`);
      state.drawn += 1;
    }
    return text.slice(0, length);
  };

  return {
    hex,
    objectId(epochMs) {
      const second = Math.floor(epochMs / 1000)
        .toString(16)
        .padStart(8, "0");
      state.counter = (state.counter + 1) % COUNTER_LIMIT;
      return `${second}${node}${state.counter.toString(16).padStart(6, "0")}`;
    },
    widgetId(epochMs) {
      state.lastWidget = Math.max(state.lastWidget + 1, epochMs);
      return `${WIDGET_PREFIX}${state.lastWidget}`;
    },
    uuid() {
      const text = hex(32);
      return `${text.slice(0, 8)}-${text.slice(8, 12)}-4${text.slice(13, 16)}-a${text.slice(17, 20)}-${text.slice(20)}`;
    },
    state: () => ({ ...state }),
    restore(saved) {
      Object.assign(state, saved);
    },
  };
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
