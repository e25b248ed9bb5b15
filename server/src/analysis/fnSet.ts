/** A set of function numbers as bits: those of the whole tree are made, filled and asked in no time. */
export class FnSet {
  private words: Int32Array;
  private count = 0;

  constructor(numbers: Iterable<number> = [], most = 1 << 10) {
    this.words = new Int32Array((most + 31) >> 5);
    for (const n of numbers) this.add(n);
  }

  get size(): number {
    return this.count;
  }

  has(n: number): boolean {
    return (this.words[n >> 5] & (1 << (n & 31))) !== 0;
  }

  add(n: number): void {
    const at = n >> 5;
    if (at >= this.words.length) {
      const wider = new Int32Array(Math.max(at + 1, this.words.length * 2));
      wider.set(this.words);
      this.words = wider;
    }
    const bit = 1 << (n & 31);
    if ((this.words[at] & bit) !== 0) return;
    this.words[at] |= bit;
    this.count++;
  }

  /** Whether it was in the set. */
  delete(n: number): boolean {
    if (!this.has(n)) return false;
    this.words[n >> 5] &= ~(1 << (n & 31));
    this.count--;
    return true;
  }

  clear(): void {
    this.words.fill(0);
    this.count = 0;
  }

  /** In ascending order. */
  numbers(): Int32Array {
    const out = new Int32Array(this.count);
    let at = 0;
    for (let w = 0; w < this.words.length; w++)
      for (let word = this.words[w]; word !== 0; word &= word - 1)
        out[at++] = w * 32 + 31 - Math.clz32(word & -word);
    return out;
  }
}
