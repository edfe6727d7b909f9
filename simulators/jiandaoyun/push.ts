import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { ArmedFault, FaultPlan } from "../shared/faults.ts";
import { type JsonObject, renderJson } from "./json.ts";
import type { Delivery, PushConfig, Store } from "./store.ts";
import type { Switches } from "./switches.ts";

/**
 * 数据推送: what people change in a form is posted to the configured receivers.
 *
 * Source: Jiandaoyun reference §10.
 */
export const PUSH_EVENTS = [
  "data_create",
  "data_update",
  "data_remove",
  "data_recover",
  "form_update",
  "flow_state_change",
  "flow_task_change",
  "flow_cc",
] as const;
export type PushOp = (typeof PUSH_EVENTS)[number] | "data_test";

/** Lower-case hex SHA-1 of `nonce:body:secret:timestamp`, over the very bytes that are sent. */
export function signPush(nonce: string, body: string, secret: string, timestamp: string): string {
  return createHash("sha1").update(`${nonce}:${body}:${secret}:${timestamp}`, "utf8").digest("hex");
}

const IN_FLIGHT_MAX = 8;
const NONCE_CHARACTERS = 6;
/** How long a held-back push waits for a later one to overtake it. */
const REORDER_MS = 200;
/** Longest single sleep of a timer; a retry due later is looked at again. */
const TIMER_MAX_MS = 60_000;

export class PushSender {
  readonly #store: Store;
  readonly #switches: () => Switches;
  readonly #faults: () => FaultPlan;
  readonly #aborted = new AbortController();
  #inFlight = 0;
  readonly #sending = new Set<string>();
  /** Ids of the deliveries that are not settled, so that nobody walks through the whole log. */
  readonly #open = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(store: Store, switches: () => Switches, faults: () => FaultPlan) {
    this.#store = store;
    this.#switches = switches;
    this.#faults = faults;
    for (const { deliverId, state } of store.deliveries.values()) if (state === "pending") this.#open.add(deliverId);
    store.clock.onJump(() => this.#pump());
    this.#pump();
  }

  /** Queues an event for every push of the form that wants it. */
  raise(entryId: string, op: PushOp, data: JsonObject, opTime: number): void {
    const wanted = [...this.#store.pushes.values()].filter(
      (push) => push.entryId === entryId && push.enabled && push.events.includes(op),
    );
    for (const push of wanted) this.queue(push, op, data, opTime);
  }

  queue(push: PushConfig, op: PushOp, data: JsonObject, opTime: number): void {
    const body = renderJson({ op, opTime, data });
    const deliverId = this.#store.ids.uuid();
    const dueAt = this.#store.clock.now();
    const delivery: Delivery = { deliverId, pushId: push.id, op, body, attempts: [], dueAt, state: "pending" };
    this.#settle(delivery);
    this.#pump();
  }

  /** Deliveries under way or waiting for a retry. */
  pending(): number {
    return this.#open.size;
  }

  close(): void {
    this.#aborted.abort();
    clearTimeout(this.#timer);
  }

  #pump(): void {
    if (this.#aborted.signal.aborted) return;
    clearTimeout(this.#timer);
    let nextDueAt = Number.POSITIVE_INFINITY;
    for (const id of this.#open) {
      const delivery = this.#store.deliveries.get(id);
      if (delivery === undefined || this.#sending.has(id)) continue;
      if (delivery.dueAt > this.#store.clock.now()) nextDueAt = Math.min(nextDueAt, delivery.dueAt);
      else if (this.#inFlight < IN_FLIGHT_MAX) void this.#attempt(delivery);
    }
    if (nextDueAt === Number.POSITIVE_INFINITY) return;
    const wait = Math.min(nextDueAt - this.#store.clock.now(), TIMER_MAX_MS);
    this.#timer = setTimeout(() => this.#pump(), Math.max(wait, 1)).unref();
  }

  async #attempt(delivery: Delivery): Promise<void> {
    this.#inFlight += 1;
    this.#sending.add(delivery.deliverId);
    try {
      const push = this.#store.pushes.get(delivery.pushId);
      if (push === undefined || !push.enabled) this.#settle({ ...delivery, state: "dropped" });
      else await this.#send(delivery, push);
    } catch {
      // Only a shutdown interrupts here; the delivery stays pending and is taken up at the next start.
    } finally {
      this.#inFlight -= 1;
      this.#sending.delete(delivery.deliverId);
      this.#pump();
    }
  }

  async #send(delivery: Delivery, push: PushConfig): Promise<void> {
    const { fault, latencyMs } = this.#faults().draw({
      operation: "push",
      text: delivery.body,
      writes: true,
      creates: true,
      elements: 0,
    });
    const wait = latencyMs + (fault?.kind === "reorder" ? (fault.delayMs ?? REORDER_MS) : 0);
    if (wait > 0) await sleep(wait, undefined, { signal: this.#aborted.signal });
    const signedWith = this.#signature(delivery);
    const signed = { ...delivery, signedWith };
    if (fault?.kind === "lose-before") {
      this.#settle({ ...this.#tried(signed, "lost on the way"), state: "delivered" });
      return;
    }
    const outcome = await this.#post(signed, push, fault);
    if (fault?.kind === "apply-twice") await this.#post(signed, push, undefined);
    if (this.#aborted.signal.aborted) return;
    this.#record(this.#tried(signed, outcome), push, outcome);
  }

  #signature(delivery: Delivery): { nonce: string; timestamp: string } {
    if (delivery.signedWith !== undefined && !this.#switches().pushResign) return delivery.signedWith;
    const timestamp = String(Math.floor(this.#store.clock.now() / 1000));
    return { nonce: this.#store.ids.hex(NONCE_CHARACTERS), timestamp };
  }

  async #post(delivery: Delivery, push: PushConfig, fault: ArmedFault | undefined): Promise<string> {
    const { nonce, timestamp } = delivery.signedWith ?? { nonce: "", timestamp: "" };
    const url = new URL(push.url);
    url.searchParams.set("timestamp", timestamp);
    url.searchParams.set("nonce", nonce);
    const secret = fault?.variant === "bad-signature" ? `${push.secret}?` : push.secret;
    try {
      const answer = await fetch(url, {
        method: "POST",
        headers: {
          "Content-Type": "application/json",
          "X-JDY-DeliverId": delivery.deliverId,
          "X-JDY-Signature": signPush(nonce, delivery.body, secret, timestamp),
        },
        body: delivery.body,
        redirect: "manual",
        signal: AbortSignal.any([AbortSignal.timeout(this.#switches().pushTimeoutMs), this.#aborted.signal]),
      });
      await answer.body?.cancel();
      return String(answer.status);
    } catch (error) {
      return error instanceof Error ? error.name : "failed";
    }
  }

  #tried(delivery: Delivery, outcome: string): Delivery {
    return { ...delivery, attempts: [...delivery.attempts, { at: this.#store.clock.now(), outcome }] };
  }

  #record(delivery: Delivery, sentTo: PushConfig, outcome: string): void {
    // The configuration may have been changed by a person while the receiver was answering.
    const push = this.#store.pushes.get(sentTo.id) ?? sentTo;
    const succeeded = /^2\d\d$/.test(outcome);
    const failures = succeeded ? 0 : push.failures + 1;
    const enabled = push.enabled && failures < this.#switches().pushFailuresMax;
    if (this.#store.pushes.has(push.id)) this.#store.commit([{ kind: "push", push: { ...push, failures, enabled } }]);
    if (succeeded) return this.#settle({ ...delivery, state: "delivered" });
    const gap = this.#switches().pushRetryMs[delivery.attempts.length - 1];
    if (gap === undefined) return this.#settle({ ...delivery, state: "given-up" });
    this.#settle({ ...delivery, dueAt: this.#store.clock.now() + gap });
  }

  #settle(delivery: Delivery): void {
    if (delivery.state === "pending") this.#open.add(delivery.deliverId);
    else this.#open.delete(delivery.deliverId);
    this.#store.commit([{ kind: "delivery", delivery }]);
  }
}
