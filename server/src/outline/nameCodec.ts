/**
 * How the names of an outline are written down: each as what it adds to the last one before it that begins with the same
 * four bytes. A file's names share the prefixes of its driver; this takes a quarter off them at the cost of a copy.
 */
import type { PackedNames } from "../facts/outline.js";
import { latin1, type Names } from "./builder.js";

/** Bytes that decide which earlier name is looked at. */
const PREFIX = 4;
/** The first byte of a name: below it the length of one without a prefix. */
const SHARING = 0x80;
/** Largest value of a field of the first byte: the rest of the number follows. */
const MOST_LITERAL = 0x7f;
const MOST_SHARED = 15;
const MOST_ADDED = 7;

const LEAST_SLOTS = 1 << 6;
const MOST_SLOTS = 1 << 12;
const slots = new Int32Array(MOST_SLOTS);

function put(b: Uint8Array, at: number, v: number): number {
  while ((v & ~0x7f) !== 0) {
    b[at++] = (v & 0x7f) | 0x80;
    v >>>= 7;
  }
  b[at++] = v;
  return at;
}

/** Writes all names but the first, which is empty; there must be room. Gives back the place behind them. */
export function putNames(b: Uint8Array, at: number, names: Names): number {
  const { n, ends, bytes } = names;
  let size = LEAST_SLOTS;
  while (size < n && size < MOST_SLOTS) size *= 2;
  const mask = size - 1;
  slots.fill(0, 0, size);
  for (let i = 1; i < n; i++) {
    const start = ends[i - 1] + 1;
    const end = ends[i];
    let from = start;
    if (end - start >= PREFIX) {
      const first =
        bytes[start] | (bytes[start + 1] << 8) | (bytes[start + 2] << 16) | (bytes[start + 3] << 24);
      const slot = (Math.imul(first, 0x9e3779b1) >>> 17) & mask;
      const other = slots[slot];
      slots[slot] = i;
      if (other > 0) {
        const otherEnd = ends[other];
        let k = ends[other - 1] + 1;
        while (from < end && k < otherEnd && bytes[from] === bytes[k]) {
          from++;
          k++;
        }
        const shared = from - start - PREFIX;
        if (shared >= 0) {
          const added = end - from;
          const s = shared < MOST_SHARED ? shared : MOST_SHARED;
          const l = added < MOST_ADDED ? added : MOST_ADDED;
          b[at++] = SHARING | (s << 3) | l;
          if (s === MOST_SHARED) at = put(b, at, shared - s);
          if (l === MOST_ADDED) at = put(b, at, added - l);
          at = put(b, at, i - other);
          while (from < end) b[at++] = bytes[from++];
          continue;
        }
        from = start;
      }
    }
    const length = end - start;
    if (length < MOST_LITERAL) b[at++] = length;
    else {
      b[at++] = MOST_LITERAL;
      at = put(b, at, length - MOST_LITERAL);
    }
    while (from < end) b[at++] = bytes[from++];
  }
  return at;
}

const LARGEST = 1 << 28;
let out = new Uint8Array(1 << 14);
let ends = new Int32Array(1 << 10);

/** Reads names that take so many bytes together, NULs between them included. */
export function takeNames(
  b: Uint8Array,
  at: number,
  count: number,
  size: number,
): { names: string[]; at: number } {
  const behind = passNames(b, at, count, size);
  const names = count === 1 ? [""] : latin1(out, 0, size).split("\0");
  if (names.length !== count) throw new Error("outline: names damaged");
  if (out.length > 1 << 22) out = new Uint8Array(1 << 14);
  return { names, at: behind };
}

/** Each name is the latin1 bytes from behind the end of the one before it; in memory that the next call takes back. */
export function unpackNames({ bytes, count, size }: PackedNames): { bytes: Uint8Array; ends: Int32Array } {
  passNames(bytes, 0, count, size);
  return { bytes: out, ends };
}

/** Reads names into memory that the next call takes back; gives the place behind them. Throws when they are damaged. */
export function passNames(b: Uint8Array, at: number, count: number, size: number): number {
  if (count < 1 || count - 1 > b.length - at || size > LARGEST) throw new Error("outline: names damaged");
  if (size > out.length) out = new Uint8Array(size * 2);
  if (count > ends.length) ends = new Int32Array(count * 2);
  const to = out;
  let p = 0;
  const uint = (): number => {
    let x = b[at++];
    let v = x & 0x7f;
    for (let shift = 7; x > 0x7f && shift <= 28; shift += 7) {
      x = b[at++];
      v |= (x & 0x7f) << shift;
    }
    return v >>> 0;
  };
  ends[0] = 0;
  for (let i = 1; i < count; i++) {
    const head = b[at++];
    let added: number;
    to[p++] = 0;
    if (head < SHARING) added = head === MOST_LITERAL ? head + uint() : head;
    else {
      let shared = (head >> 3) & MOST_SHARED;
      added = head & MOST_ADDED;
      if (shared === MOST_SHARED) shared += uint();
      if (added === MOST_ADDED) added += uint();
      const other = i - uint();
      if (!(other > 0 && other < i)) throw new Error("outline: names damaged");
      let k = ends[other - 1] + 1;
      const stop = k + shared + PREFIX;
      if (stop > ends[other]) throw new Error("outline: names damaged");
      while (k < stop) to[p++] = to[k++];
    }
    if (!(at + added <= b.length && p + added <= size)) throw new Error("outline: truncated");
    for (const stop = at + added; at < stop; ) to[p++] = b[at++];
    ends[i] = p;
  }
  if (p !== size) throw new Error("outline: names damaged");
  return at;
}
