/**
 * Lists of integers by number in two arrays: what would be a map of a million small arrays. A list is its length and the
 * differences of its values, as varints. Immutable; `ListMap` lays changes over it.
 */
export interface PackedParts {
  /** A bit for each number that has a list. */
  present: Int32Array;
  /** How many bytes each list takes, as varints. */
  lengths: Uint8Array;
  bytes: Uint8Array;
}

/** Sums between two that are known without counting. */
const STEP_BITS = 5;
const STEP = 1 << STEP_BITS;

export class PackedLists {
  private known: (PackedParts & Landmarks) | null = null;

  constructor(
    /** How many numbers there are. */
    readonly count: number,
    private readonly load: () => PackedParts,
  ) {}

  get parts(): PackedParts & Landmarks {
    if (this.known === null) {
      const parts = this.load();
      this.known = { ...parts, ...landmarks(parts) };
    }
    return this.known;
  }

  /** Lists of the numbers below `count`; null where there is none. */
  static of(count: number, list: (i: number) => ArrayLike<number> | null | undefined): PackedLists {
    const packer = new Packer(count);
    for (let i = 0; i < count; i++) {
      const values = list(i);
      if (values) packer.add(i, values);
    }
    return packer.lists();
  }

  /** The same of a map, most of whose keys below `count` have no list. */
  static ofMap(count: number, map: ReadonlyMap<number, ArrayLike<number>>): PackedLists {
    const packer = new Packer(count);
    for (const key of Int32Array.from(map.keys()).sort()) packer.add(key, map.get(key)!);
    return packer.lists();
  }

  has(i: number): boolean {
    return i < this.count && (this.parts.present[i >> 5] & (1 << (i & 31))) !== 0;
  }

  get(i: number): number[] | undefined {
    if (!this.has(i)) return undefined;
    const out: number[] = [];
    this.each(i, (v) => {
      out.push(v);
    });
    return out;
  }

  /** The values of a list, of none where there is no list. */
  each(i: number, take: (value: number) => void): void {
    if (!this.has(i)) return;
    const { bytes } = this.parts;
    let at = this.begin(i);
    let x = bytes[at++];
    let n = x & 0x7f;
    for (let shift = 7; x > 0x7f; shift += 7) {
      x = bytes[at++];
      n |= (x & 0x7f) << shift;
    }
    let last = 0;
    for (; n > 0; n--) {
      x = bytes[at++];
      let v = x & 0x7f;
      for (let shift = 7; x > 0x7f; shift += 7) {
        x = bytes[at++];
        v |= (x & 0x7f) << shift;
      }
      last = (last + ((v >>> 1) ^ -(v & 1))) | 0;
      take(last);
    }
  }

  /** Where the list of a number begins in `bytes`. */
  private begin(i: number): number {
    const { present, ranks, begins } = this.parts;
    // How many lists come before it.
    let rank = ranks[i >> 8];
    for (let word = (i >> 8) << 3; word < i >> 5; word++) rank += bitsOf(present[word]);
    rank += bitsOf(present[i >> 5] & ((1 << (i & 31)) - 1));
    return begins(rank);
  }
}

/** What finds a list without an offset for each. */
interface Landmarks {
  /** How many lists there are before every 256th number. */
  ranks: Int32Array;
  /** Where the list of a rank begins. */
  begins: (rank: number) => number;
}

function landmarks({ present, lengths }: PackedParts): Landmarks {
  const ranks = new Int32Array((present.length >> 3) + 1);
  let lists = 0;
  for (let word = 0; word < present.length; word++) {
    if ((word & 7) === 0) ranks[word >> 3] = lists;
    lists += bitsOf(present[word]);
  }
  return { ranks, begins: sums(lengths, lists) };
}

/** The sum of the first `n` of some varints, with a landmark for every few of them. */
export function sums(varints: Uint8Array, count: number): (n: number) => number {
  const marks = new Int32Array((Math.floor(count / STEP) + 1) * 2);
  const reader = new ByteReader(varints);
  let sum = 0;
  for (let i = 0; i <= count; i++) {
    if (i % STEP === 0) {
      marks[(i / STEP) * 2] = sum;
      marks[(i / STEP) * 2 + 1] = reader.at;
    }
    if (i < count) sum += reader.uint();
  }
  return (n) => {
    const mark = (n >> STEP_BITS) * 2;
    let sum = marks[mark];
    reader.at = marks[mark + 1];
    for (let left = n & (STEP - 1); left > 0; left--) sum += reader.uint();
    return sum;
  };
}

function bitsOf(word: number): number {
  let n = word - ((word >>> 1) & 0x55555555);
  n = (n & 0x33333333) + ((n >>> 2) & 0x33333333);
  return Math.imul((n + (n >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

class Packer {
  private readonly present: Int32Array;
  private readonly lengths = new ByteWriter();
  private readonly out = new ByteWriter();

  constructor(private readonly count: number) {
    this.present = new Int32Array((count + 31) >> 5);
  }

  /** Of a number above those before. */
  add(i: number, values: ArrayLike<number>): void {
    const { at } = this.out;
    this.present[i >> 5] |= 1 << (i & 31);
    this.out.list(values);
    this.lengths.uint(this.out.at - at);
  }

  lists(): PackedLists {
    const parts = { present: this.present, lengths: this.lengths.take(), bytes: this.out.take() };
    return new PackedLists(this.count, () => parts);
  }
}

const NOTHING = new Uint8Array(0);

/** Bytes that grow, and how integers and texts are written into them. */
export class ByteWriter {
  private bytes = new Uint8Array(1 << 16);
  at = 0;

  private room(n: number): void {
    if (this.at + n <= this.bytes.length) return;
    const wider = new Uint8Array(Math.max(this.bytes.length * 2, this.at + n));
    wider.set(this.bytes);
    this.bytes = wider;
  }

  uint(v: number): void {
    this.room(5);
    while ((v & ~0x7f) !== 0) {
      this.bytes[this.at++] = (v & 0x7f) | 0x80;
      v >>>= 7;
    }
    this.bytes[this.at++] = v;
  }

  int(v: number): void {
    this.uint((v << 1) ^ (v >> 31));
  }

  /** A length and the differences of the values. */
  list(values: ArrayLike<number>): void {
    this.room(5 + values.length * 5);
    const { bytes } = this;
    let { at } = this;
    let v = values.length;
    let last = 0;
    for (let k = 0; ; k++) {
      while ((v & ~0x7f) !== 0) {
        bytes[at++] = (v & 0x7f) | 0x80;
        v >>>= 7;
      }
      bytes[at++] = v;
      if (k === values.length) break;
      const d = values[k] - last;
      last = values[k];
      v = (d << 1) ^ (d >> 31);
    }
    this.at = at;
  }

  /** What was written; nothing can be written after it. */
  take(): Uint8Array {
    const { bytes } = this;
    this.bytes = NOTHING;
    return bytes.subarray(0, this.at);
  }
}

/** Reads what a `ByteWriter` wrote. */
export class ByteReader {
  constructor(
    readonly bytes: Uint8Array,
    public at = 0,
  ) {}

  uint(): number {
    const { bytes } = this;
    let x = bytes[this.at++];
    let v = x & 0x7f;
    for (let shift = 7; x > 0x7f; shift += 7) {
      x = bytes[this.at++];
      v |= (x & 0x7f) << shift;
    }
    return v >>> 0;
  }

  int(): number {
    const v = this.uint();
    return (v >>> 1) ^ -(v & 1);
  }
}

/** Lists up to this length are copied when they grow. */
const SHORT = 8;

/** A map of lists: what was packed, and what was changed since. */
export class ListMap {
  private readonly own = new Map<number, number[] | null>();

  constructor(private readonly base: PackedLists | null = null) {}

  has(key: number): boolean {
    const own = this.own.get(key);
    return own !== undefined ? own !== null : (this.base?.has(key) ?? false);
  }

  get(key: number): number[] | undefined {
    const own = this.own.get(key);
    if (own !== undefined) return own ?? undefined;
    const list = this.base?.get(key);
    // What was asked for once is asked for again.
    if (list) this.own.set(key, list);
    return list;
  }

  /** The values of a list that is asked for once: nothing is kept of it. */
  each(key: number, take: (value: number) => void): void {
    const own = this.own.get(key);
    if (own === undefined) this.base?.each(key, take);
    else if (own) for (const value of own) take(value);
  }

  set(key: number, list: number[]): void {
    this.own.set(key, list);
  }

  delete(key: number): void {
    if (this.base?.has(key)) this.own.set(key, null);
    else this.own.delete(key);
  }

  clear(): void {
    for (const key of this.keys()) this.delete(key);
  }

  push(key: number, value: number): void {
    const list = this.get(key);
    if (!list) this.own.set(key, [value]);
    // An array that grows by itself takes room for sixteen more; most lists never have three.
    else if (list.length < SHORT) this.own.set(key, list.concat(value));
    else list.push(value);
  }

  pushPair(key: number, a: number, b: number): void {
    const list = this.get(key);
    if (!list) this.own.set(key, [a, b]);
    else if (list.length < SHORT) this.own.set(key, list.concat(a, b));
    else list.push(a, b);
  }

  /** Takes one value out of a list; a list without values is none. */
  drop(key: number, value: number): void {
    const list = this.get(key);
    const at = list ? list.indexOf(value) : -1;
    if (at < 0) return;
    list!.splice(at, 1);
    if (list!.length === 0) this.delete(key);
  }

  *keys(): IterableIterator<number> {
    const { base, own } = this;
    if (base) for (let i = 0; i < base.count; i++) if (base.has(i) && !own.has(i)) yield i;
    for (const [key, list] of own) if (list) yield key;
  }

  *entries(): IterableIterator<[number, number[]]> {
    for (const key of [...this.keys()]) yield [key, this.get(key)!];
  }

  pack(count: number): PackedLists {
    if (!this.base) return PackedLists.ofMap(count, this.own as ReadonlyMap<number, number[]>);
    return PackedLists.of(count, (i) => this.own.get(i) ?? (this.own.has(i) ? null : this.base?.get(i)));
  }
}

/** Where each of some pieces ends, from their lengths. */
export function endsOf(lengths: Uint8Array): Int32Array {
  // Most lengths are a byte each.
  const out = new Int32Array(lengths.length);
  let n = 0;
  let end = 0;
  for (let at = 0; at < lengths.length; ) {
    let x = lengths[at++];
    let v = x & 0x7f;
    for (let shift = 7; x > 0x7f; shift += 7) {
      x = lengths[at++];
      v |= (x & 0x7f) << shift;
    }
    end += v;
    out[n++] = end;
  }
  return n < out.length ? out.slice(0, n) : out;
}
