/** Seeded randomness: the same seed draws the same numbers on every machine, so a failing run can be repeated. */

const UINT32 = 2 ** 32;

export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** @returns a number in [0, 1); mulberry32, enough for drawing faults and ids, never for secrets */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / UINT32;
  }

  /** @returns a whole number in [0, below); 0 when `below` is 0 */
  below(below: number): number {
    return Math.floor(this.next() * below);
  }

  /** @returns lower-case hexadecimal text of that many characters */
  hex(length: number): string {
    let text = "";
    for (let index = 0; index < length; index += 1) text += this.below(16).toString(16);
    return text;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256));
  }

  /** @returns a new list in drawn order; one of two or more elements never comes back in its old order */
  shuffled<Item>(items: readonly Item[]): Item[] {
    const keyed = items.map((item) => ({ item, key: this.next() }));
    const result = keyed.toSorted((left, right) => left.key - right.key).map(({ item }) => item);
    const unchanged = result.every((item, index) => item === items[index]);
    return unchanged ? result.toReversed() : result;
  }
}
