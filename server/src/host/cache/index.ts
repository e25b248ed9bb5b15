/** The joined index of all open segments: from a key to the records under it, in typed arrays. */
import { ENTRY, type Segment } from "./segment.js";

export class RecordIndex {
  private readonly segments: Segment[] = [];
  /** Record → segment number and place in it. */
  private segmentOf = new Int32Array(1 << 12);
  private placeOf = new Int32Array(1 << 12);
  private count = 0;
  /** Open addressing: record number + 1. */
  private slots = new Int32Array(1 << 13);

  add(segment: Segment): void {
    const number = this.segments.push(segment) - 1;
    const total = this.count + segment.count;
    if (total > this.segmentOf.length) {
      this.segmentOf = grown(this.segmentOf, total);
      this.placeOf = grown(this.placeOf, total);
    }
    for (let i = 0; i < segment.count; i++) {
      this.segmentOf[this.count] = number;
      this.placeOf[this.count] = i;
      this.count++;
    }
    if (total * 2 > this.slots.length) {
      this.slots = new Int32Array(powerOfTwo(total * 3));
      for (let r = 0; r < total; r++) this.insert(r);
    } else {
      for (let r = total - segment.count; r < total; r++) this.insert(r);
    }
  }

  private insert(record: number): void {
    const mask = this.slots.length - 1;
    let s = this.segment(record).index[this.placeOf[record] * ENTRY] & mask;
    while (this.slots[s] !== 0) s = (s + 1) & mask;
    this.slots[s] = record + 1;
  }

  segment(record: number): Segment {
    return this.segments[this.segmentOf[record]];
  }
  place(record: number): number {
    return this.placeOf[record];
  }

  /** The records under a key. */
  find(key: ArrayLike<number>): number[] {
    const out: number[] = [];
    const mask = this.slots.length - 1;
    for (let s = key[0] & mask; this.slots[s] !== 0; s = (s + 1) & mask) {
      const record = this.slots[s] - 1;
      const { index } = this.segment(record);
      const at = this.placeOf[record] * ENTRY;
      if (
        index[at] === key[0] &&
        index[at + 1] === key[1] &&
        index[at + 2] === key[2] &&
        index[at + 3] === key[3]
      )
        out.push(record);
    }
    return out;
  }

  has(key: ArrayLike<number>): boolean {
    return this.find(key).length > 0;
  }

  get size(): number {
    return this.count;
  }

  /** First two words of every key, open addressing in shared memory: workers ask it without a message. */
  sharedKeys(): Int32Array {
    const size = powerOfTwo(Math.max(16, this.count * 2));
    const table = new Int32Array(new SharedArrayBuffer(size * 8));
    for (let r = 0; r < this.count; r++) {
      const { index } = this.segment(r);
      const at = this.placeOf[r] * ENTRY;
      let s = index[at] & (size - 1);
      while (table[s * 2] !== 0 || table[s * 2 + 1] !== 0) s = (s + 1) & (size - 1);
      table[s * 2] = index[at];
      table[s * 2 + 1] = index[at + 1];
    }
    return table;
  }
}

/** Whether a key may be in a table of `sharedKeys`; in rare cases yes where it is not. */
export function mayHave(table: Int32Array, key: ArrayLike<number>): boolean {
  const mask = table.length / 2 - 1;
  for (let s = key[0] & mask; table[s * 2] !== 0 || table[s * 2 + 1] !== 0; s = (s + 1) & mask) {
    if (table[s * 2] === key[0] && table[s * 2 + 1] === key[1]) return true;
  }
  return false;
}

/** A set of keys. */
export class KeySet {
  private count = 0;
  private keys = new Int32Array(4 << 10);
  /** Open addressing: place of the key + 1. */
  private slots = new Int32Array(1 << 11);

  private slotOf(key: ArrayLike<number>): number {
    const { keys, slots } = this;
    const mask = slots.length - 1;
    for (let s = key[0] & mask; ; s = (s + 1) & mask) {
      const at = (slots[s] - 1) * 4;
      if (
        at < 0 ||
        (keys[at] === key[0] && keys[at + 1] === key[1] && keys[at + 2] === key[2] && keys[at + 3] === key[3])
      )
        return s;
    }
  }

  has(key: ArrayLike<number>): boolean {
    return this.slots[this.slotOf(key)] !== 0;
  }

  add(key: ArrayLike<number>): void {
    const slot = this.slotOf(key);
    if (this.slots[slot] !== 0) return;
    if (this.count * 4 === this.keys.length) this.keys = grown(this.keys, this.count * 8);
    for (let i = 0; i < 4; i++) this.keys[this.count * 4 + i] = key[i];
    this.slots[slot] = ++this.count;
    if (this.count * 2 <= this.slots.length) return;
    this.slots = new Int32Array(this.slots.length * 2);
    for (let k = 0; k < this.count; k++)
      this.slots[this.slotOf(this.keys.subarray(k * 4, k * 4 + 4))] = k + 1;
  }

  clear(): void {
    this.count = 0;
    this.slots.fill(0);
  }
}

function grown(a: Int32Array<ArrayBuffer>, atLeast: number): Int32Array<ArrayBuffer> {
  const out = new Int32Array(powerOfTwo(atLeast));
  out.set(a);
  return out;
}

function powerOfTwo(n: number): number {
  let p = 16;
  while (p < n) p *= 2;
  return p;
}
