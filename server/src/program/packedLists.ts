/**
 * Lists of integers by number in two arrays: what would be a map of a million small arrays. A list is its length and the
 * differences of its values, as varints. Immutable; `ListMap` lays changes over it.
 */
interface PackedParts {
  offsets: Int32Array;
  bytes: Uint8Array;
}

export class PackedLists {
  private known: PackedParts | null = null;

  constructor(
    /** How many numbers there are. */
    readonly count: number,
    private readonly load: () => PackedParts,
  ) {}

  private get parts(): PackedParts {
    this.known ??= this.load();
    return this.known;
  }

  /** Where the list of a number begins in `bytes`; it ends where the next one begins. One more than there are numbers. */
  get offsets(): Int32Array {
    return this.parts.offsets;
  }
  get bytes(): Uint8Array {
    return this.parts.bytes;
  }

  /** Lists of the numbers below `count`; null where there is none. */
  static of(count: number, list: (i: number) => ArrayLike<number> | null | undefined): PackedLists {
    const offsets = new Int32Array(count + 1);
    const out = new ByteWriter();
    for (let i = 0; i < count; i++) {
      const values = list(i);
      if (values) out.list(values);
      offsets[i + 1] = out.at;
    }
    const bytes = out.take();
    return new PackedLists(count, () => ({ offsets, bytes }));
  }

  /** The same of a map, most of whose keys below `count` have no list. */
  static ofMap(count: number, map: ReadonlyMap<number, ArrayLike<number>>): PackedLists {
    const keys = Int32Array.from(map.keys()).sort();
    const offsets = new Int32Array(count + 1);
    const out = new ByteWriter();
    let next = 0;
    for (const key of keys) {
      offsets.fill(out.at, next, key + 1);
      next = key + 1;
      out.list(map.get(key)!);
    }
    offsets.fill(out.at, next);
    const bytes = out.take();
    return new PackedLists(count, () => ({ offsets, bytes }));
  }

  has(i: number): boolean {
    if (i >= this.count) return false;
    const { offsets } = this.parts;
    return offsets[i + 1] > offsets[i];
  }

  get(i: number): number[] | undefined {
    if (!this.has(i)) return undefined;
    const { bytes, offsets } = this.parts;
    let at = offsets[i];
    let x = bytes[at++];
    let n = x & 0x7f;
    for (let shift = 7; x > 0x7f; shift += 7) {
      x = bytes[at++];
      n |= (x & 0x7f) << shift;
    }
    const out: number[] = new Array(n);
    let last = 0;
    for (let k = 0; k < n; k++) {
      x = bytes[at++];
      let v = x & 0x7f;
      for (let shift = 7; x > 0x7f; shift += 7) {
        x = bytes[at++];
        v |= (x & 0x7f) << shift;
      }
      last = (last + ((v >>> 1) ^ -(v & 1))) | 0;
      out[k] = last;
    }
    return out;
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
