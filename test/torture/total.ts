import type { RunResult } from "./ledger-run.ts";

/** What all runs together came to. */
export class Total {
  runs = 0;
  keys = 0;
  lost = 0;
  doubled = 0;
  doubledDetected = 0;
  falselyPosted = 0;
  uncertainLeft = 0;
  broken = 0;
  readonly faults = new Map<string, number>();

  add({ keys, faults, verdict, broken }: RunResult): void {
    this.runs += 1;
    this.keys += keys;
    this.lost += verdict.lost.length;
    this.doubled += verdict.doubled.length;
    this.doubledDetected += verdict.doubledDetected.length;
    this.falselyPosted += verdict.falselyPosted.length;
    this.uncertainLeft += verdict.uncertainLeft.length;
    this.broken += broken.length;
    for (const [kind, count] of Object.entries(faults)) {
      if (count > 0) this.faults.set(kind, (this.faults.get(kind) ?? 0) + count);
    }
  }

  isClean(): boolean {
    return this.lost + this.doubled + this.falselyPosted + this.uncertainLeft + this.broken === 0;
  }

  summary(booksDump: string): object {
    const { runs, keys, lost, doubled, doubledDetected, falselyPosted, uncertainLeft } = this;
    const faults = Object.fromEntries([...this.faults].sort(([a], [b]) => (a < b ? -1 : 1)));
    return { runs, keys, faults, lost, doubled, doubledDetected, falselyPosted, uncertainLeft, booksDump };
  }
}
