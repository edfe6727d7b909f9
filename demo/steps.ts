/** Steps with progress: what runs, how long it took. */
export class Steps {
  readonly #print: (line: string) => void;
  #number = 0;

  constructor(print: (line: string) => void) {
    this.#print = print;
  }

  /** A remark inside a step. */
  readonly note = (text: string): void => this.#print(`      ${text}`);

  async run<T>(name: string, work: () => Promise<T>): Promise<T> {
    this.#number += 1;
    const number = String(this.#number).padStart(2);
    this.#print(`[${number}] ${name} …`);
    const startedAt = performance.now();
    const result = await work();
    this.#print(`[${number}] ${name} ✓ ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
    return result;
  }
}
