/** Growing columns and the name table from which a file's outline is put together. */

/** Of columns without records: most of a file's. */
export const EMPTY = new Int32Array(0);

/** A growing list of 32-bit integers. */
export class IntList {
  a = new Int32Array(256);
  n = 0;
  push(v: number): void {
    if (this.n === this.a.length) this.grow();
    this.a[this.n++] = v;
  }
  private grow(): void {
    const b = new Int32Array(this.a.length * 2);
    b.set(this.a);
    this.a = b;
  }
  /** The content as an array of its own. */
  copy(): Int32Array {
    return this.n === 0 ? EMPTY : this.a.slice(0, this.n);
  }
  clear(): void {
    this.n = 0;
    if (this.a.length > 1 << 18) this.a = new Int32Array(256);
  }
}

/** The hash of a name's characters. */
export function hashOf(name: string): number {
  let hash = name.length;
  for (let i = 0; i < name.length; i++) hash = (Math.imul(hash, 31) + name.charCodeAt(i)) | 0;
  return hash;
}

const SLOTS = 1 << 10;
const NAMES = 1 << 9;
const BYTES = 1 << 13;

/** Names as latin1 bytes one behind the other with a NUL between them; the first is empty. */
export interface Names {
  readonly n: number;
  readonly bytes: Uint8Array;
  /** End of each name; the next begins one byte further. */
  readonly ends: Int32Array;
  /** Names that are not latin1, by index; their place in `bytes` is empty. */
  readonly wide: ReadonlyMap<number, string>;
}

/**
 * Interns names of one file in order of first appearance. Few are not latin1: texts are, but long conditions are shortened with an
 * ellipsis.
 */
export class NameTable implements Names {
  n = 1;
  bytes = new Uint8Array(BYTES);
  ends = new Int32Array(NAMES);
  hashes = new Int32Array(NAMES);
  readonly wide = new Map<number, string>();
  private slots = new Int32Array(SLOTS);

  /** A table of these names, the first of them empty. */
  static of(names: readonly string[]): NameTable {
    const table = new NameTable();
    for (const name of names.slice(1)) table.append(name);
    return table;
  }

  /** Index of the latin1 bytes [start, end). */
  word(b: Uint8Array, start: number, end: number): number {
    const length = end - start;
    if (length === 0) return 0;
    // As in `hashOf`.
    let hash = length;
    for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + b[i]) | 0;
    const { slots, hashes, ends, bytes } = this;
    const mask = slots.length - 1;
    let s = (hash ^ (hash >>> 15)) & mask;
    probe: for (;;) {
      const at = slots[s];
      if (at === 0) break;
      if (hashes[at] === hash) {
        let k = ends[at - 1] + 1;
        if (ends[at] - k === length) {
          for (let i = start; i < end; i++, k++) {
            if (b[i] !== bytes[k]) {
              s = (s + 1) & mask;
              continue probe;
            }
          }
          return at;
        }
      }
      s = (s + 1) & mask;
    }
    return this.add(b, start, end, hash, s);
  }

  /** Index of any text. */
  text(s: string): number {
    const n = s.length;
    if (n > scratch.length) scratch = new Uint8Array(n * 2);
    let wide = 0;
    for (let i = 0; i < n; i++) {
      const c = s.charCodeAt(i);
      scratch[i] = c;
      wide |= c;
    }
    if (wide <= 0xff) return this.word(scratch, 0, n);
    for (const [i, name] of this.wide) if (name === s) return i;
    return this.append(s);
  }

  /** A name at the end that `word` does not find. */
  private append(s: string): number {
    const isWide = /[^\0-\xff]/.test(s);
    const at = this.place(isWide ? 0 : s.length, 0);
    if (isWide) this.wide.set(at, s);
    else for (let i = 0, k = this.ends[at - 1] + 1; i < s.length; i++, k++) this.bytes[k] = s.charCodeAt(i);
    return at;
  }

  /** Text of a name. */
  get(at: number): string {
    const wide = this.wide.get(at);
    if (wide !== undefined) return wide;
    return at === 0 ? "" : latin1(this.bytes, this.ends[at - 1] + 1, this.ends[at]);
  }

  /** Whether a name is spelt like this latin1 text. */
  is(at: number, text: string): boolean {
    let k = at === 0 ? 0 : this.ends[at - 1] + 1;
    if (this.ends[at] - k !== text.length) return false;
    for (let i = 0; i < text.length; i++, k++) if (this.bytes[k] !== text.charCodeAt(i)) return false;
    return true;
  }

  private add(b: Uint8Array, start: number, end: number, hash: number, slot: number): number {
    const at = this.place(end - start, hash);
    const { bytes } = this;
    for (let i = start, k = this.ends[at - 1] + 1; i < end; i++, k++) bytes[k] = b[i];
    this.slots[slot] = at;
    if (at * 2 > this.slots.length) this.rehash();
    return at;
  }

  /** A new name of so many bytes, which are still to be filled in. */
  private place(length: number, hash: number): number {
    const at = this.n++;
    if (at === this.ends.length) {
      this.ends = widened(this.ends);
      this.hashes = widened(this.hashes);
    }
    const end = this.ends[at - 1] + 1 + length;
    if (end >= this.bytes.length) {
      const wider = new Uint8Array(Math.max(this.bytes.length * 2, end + 1));
      wider.set(this.bytes);
      this.bytes = wider;
    }
    this.bytes[end - length - 1] = 0;
    this.ends[at] = end;
    this.hashes[at] = hash;
    return at;
  }

  private rehash(): void {
    const size = this.slots.length * 4;
    const mask = size - 1;
    const slots = new Int32Array(size);
    for (let i = 1; i < this.n; i++) {
      const h = this.hashes[i];
      if (this.wide.has(i)) continue;
      let s = (h ^ (h >>> 15)) & mask;
      while (slots[s] !== 0) s = (s + 1) & mask;
      slots[s] = i;
    }
    this.slots = slots;
  }

  /** All names as texts of their own. */
  list(): string[] {
    const out = latin1(this.bytes, 0, this.ends[this.n - 1]).split("\0");
    for (const [at, name] of this.wide) out[at] = name;
    return out;
  }

  clear(): void {
    this.n = 1;
    if (this.wide.size > 0) this.wide.clear();
    if (this.slots.length <= 1 << 14) {
      this.slots.fill(0);
      return;
    }
    this.slots = new Int32Array(SLOTS);
    this.bytes = new Uint8Array(BYTES);
    this.ends = new Int32Array(NAMES);
    this.hashes = new Int32Array(NAMES);
  }
}

let scratch = new Uint8Array(1 << 10);

function widened(a: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const b = new Int32Array(a.length * 2);
  b.set(a);
  return b;
}

/** Bytes [from, to) as a text. */
export const latin1 = (b: Uint8Array, from: number, to: number): string =>
  Buffer.from(b.buffer, b.byteOffset + from, to - from).toString("latin1");
