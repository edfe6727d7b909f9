import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";

/** From a quick read to the longest deadline of a request. */
const REQUEST_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** Metrics of our own, beside those of Temporal's SDK. Names and labels are a contract: dashboards and alerts use them. */
export interface Metrics {
  readonly registry: Registry;
  /** Vouchers by state now. */
  readonly postings: Gauge<"company" | "ledger" | "state">;
  /** Sends since the start, by outcome: posted, refused, not-done, uncertain. */
  readonly sends: Counter<"ledger" | "outcome">;
  /** Look-ups by posting key since the start: absent, one, void, several, failed. */
  readonly lookUps: Counter<"ledger" | "result">;
  /** Vouchers read back since the start: equal, differs. */
  readonly readBacks: Counter<"ledger" | "result">;
  readonly recordsPulled: Counter<"company" | "source">;
  /** Seconds since the source was last read to its end. */
  readonly syncLag: Gauge<"company" | "source">;
  /** Exceptions open now. */
  readonly exceptionsOpen: Gauge<"company" | "kind">;
  /** 1 while a ledger is paused. */
  readonly ledgerPaused: Gauge<"company" | "ledger">;
  readonly requests: Histogram<"connection" | "lane">;
}

/** A registry of its own for each call, so that two workers in one process do not count together. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  return {
    registry,
    postings: new Gauge({
      name: "zhangshi_postings",
      help: "Vouchers by state",
      labelNames: ["company", "ledger", "state"],
      registers,
    }),
    sends: new Counter({
      name: "zhangshi_sends_total",
      help: "Vouchers sent to the ERP by outcome",
      labelNames: ["ledger", "outcome"],
      registers,
    }),
    lookUps: new Counter({
      name: "zhangshi_look_ups_total",
      help: "Look-ups by posting key by result",
      labelNames: ["ledger", "result"],
      registers,
    }),
    readBacks: new Counter({
      name: "zhangshi_read_backs_total",
      help: "Vouchers read back and compared",
      labelNames: ["ledger", "result"],
      registers,
    }),
    recordsPulled: new Counter({
      name: "zhangshi_records_pulled_total",
      help: "Records read from the warehouse system",
      labelNames: ["company", "source"],
      registers,
    }),
    syncLag: new Gauge({
      name: "zhangshi_sync_lag_seconds",
      help: "Seconds since the source was last read to its end",
      labelNames: ["company", "source"],
      registers,
    }),
    exceptionsOpen: new Gauge({
      name: "zhangshi_exceptions_open",
      help: "Exceptions open",
      labelNames: ["company", "kind"],
      registers,
    }),
    ledgerPaused: new Gauge({
      name: "zhangshi_ledger_paused",
      help: "1 while a ledger is paused",
      labelNames: ["company", "ledger"],
      registers,
    }),
    requests: new Histogram({
      name: "zhangshi_request_seconds",
      help: "Duration of requests to a connection",
      labelNames: ["connection", "lane"],
      buckets: REQUEST_SECONDS,
      registers,
    }),
  };
}
