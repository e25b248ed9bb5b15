/** Binary form of a file's outline: what the cache holds and workers send. Small and fast both; versioned. */
import type { FileOutline, PackedNames } from "../facts/outline.js";
import { EMPTY, type Names, NameTable } from "./builder.js";
import { COLUMNS, type Column, PREDICTIONS, predicted } from "./columns.js";
import { passNames, putNames, takeNames } from "./nameCodec.js";

/** Changes whenever the meaning of the bytes does; part of the cache key. */
export const OUTLINE_FORMAT = 3;
const MAGIC = 0x4f;

/** An outline as it is written down: the first `n` integers of each column, the names as bytes. */
export interface Draft {
  size: number;
  problems: readonly string[];
  names: Names;
  column(name: Column): { a: Int32Array; n: number };
}

let scratch = new Uint8Array(1 << 16);

/** Room for so many bytes behind the first `at`; what is there already stays. */
function roomFor(at: number, more: number): Uint8Array {
  if (at + more > scratch.length) {
    const wider = new Uint8Array(Math.max(scratch.length * 2, at + more));
    wider.set(scratch.subarray(0, at));
    scratch = wider;
  }
  return scratch;
}

/** Unsigned LEB128 at a place; the value is taken as 32 bits. Gives back the place behind it. */
function put(b: Uint8Array, at: number, v: number): number {
  while ((v & ~0x7f) !== 0) {
    b[at++] = (v & 0x7f) | 0x80;
    v >>>= 7;
  }
  b[at++] = v;
  return at;
}

/** One column after the other, each value as its zigzag difference to the one before it in the column. */
function putColumns(at: number, a: Int32Array, n: number, stride: number): number {
  const b = roomFor(at, 5 + n * 5);
  at = put(b, at, n);
  for (let c = 0; c < stride; c++) {
    let last = 0;
    for (let i = c; i < n; i += stride) {
      const d = (a[i] - last) | 0;
      last = a[i];
      let v = (d << 1) ^ (d >> 31);
      while ((v & ~0x7f) !== 0) {
        b[at++] = (v & 0x7f) | 0x80;
        v >>>= 7;
      }
      b[at++] = v;
    }
  }
  return at;
}

/** One record after the other: which columns are not as predicted, and by how much. */
function putRecords(at: number, a: Int32Array, n: number, how: Int8Array): number {
  const stride = how.length;
  const b = roomFor(at, 5 + n * 5 + (n / stride) * 2);
  at = put(b, at, n);
  const wide = stride > 8;
  for (let i = 0; i < n; i += stride) {
    const start = at;
    at += wide ? 2 : 1;
    let mask = 0;
    for (let c = 0; c < stride; c++) {
      const d = (a[i + c] - predicted(a, i, c, how, stride)) | 0;
      if (d === 0) continue;
      mask |= 1 << c;
      let v = (d << 1) ^ (d >> 31);
      while ((v & ~0x7f) !== 0) {
        b[at++] = (v & 0x7f) | 0x80;
        v >>>= 7;
      }
      b[at++] = v;
    }
    b[start] = mask;
    if (wide) b[start + 1] = mask >> 8;
  }
  return at;
}

function putText(at: number, s: string): number {
  const bytes = Buffer.from(s, "utf8");
  const b = roomFor(at, 5 + bytes.length);
  at = put(b, at, bytes.length);
  b.set(bytes, at);
  return at + bytes.length;
}

/** The draft as bytes, in memory that the next call takes back. */
export function encodeDraft(draft: Draft): Uint8Array {
  const { names, problems } = draft;
  if (scratch.length > 1 << 22) scratch = new Uint8Array(1 << 16);
  let at = 0;
  let b = roomFor(at, 32);
  b[at++] = MAGIC;
  b[at++] = OUTLINE_FORMAT;
  at = put(b, at, draft.size);
  at = put(b, at, problems.length);
  at = put(b, at, names.n);
  at = put(b, at, names.ends[names.n - 1]);
  at = put(b, at, names.wide.size);
  for (const [i, name] of names.wide) {
    at = put(roomFor(at, 5), at, i);
    at = putText(at, name);
  }
  if (problems.length > 0) at = putText(at, problems.join("\0"));
  b = roomFor(at, names.ends[names.n - 1] + names.n * 16);
  at = putNames(b, at, names);
  for (const [name, stride] of COLUMNS) {
    const { a, n } = draft.column(name);
    const how = PREDICTIONS[name];
    if (n === 0) at = put(roomFor(at, 1), at, 0);
    else at = how ? putRecords(at, a, n, how) : putColumns(at, a, n, stride);
  }
  return scratch.subarray(0, at);
}

/** The outline as bytes in a buffer of their own. */
export function encodeOutline(o: FileOutline): Uint8Array {
  const bytes = encodeDraft({
    size: o.size,
    problems: o.problems,
    names: NameTable.of(o.names),
    column: (name) => ({ a: o[name], n: o[name].length }),
  });
  return bytes.slice();
}

/** Integers of a buffer that columns share: one of their own costs each of them more than what is in it. */
const SHARED = 1 << 16;
let shared: Int32Array = EMPTY;
let sharedUsed = 0;

function newColumn(n: number): Int32Array {
  if (n > SHARED >> 3) return new Int32Array(n);
  if (sharedUsed + n > shared.length) {
    shared = new Int32Array(SHARED);
    sharedUsed = 0;
  }
  const at = sharedUsed;
  sharedUsed += n;
  return new Int32Array(shared.buffer, at * Int32Array.BYTES_PER_ELEMENT, n);
}

class Reader {
  at = 0;
  constructor(readonly b: Uint8Array) {}

  uint(): number {
    const { b } = this;
    let c = b[this.at++];
    let v = c & 0x7f;
    for (let shift = 7; c > 0x7f; shift += 7) {
      if (shift > 28) throw new Error("outline: number too long");
      c = b[this.at++];
      v |= (c & 0x7f) << shift;
    }
    if (this.at > b.length) throw new Error("outline: truncated");
    return v >>> 0;
  }

  text(): string {
    const n = this.uint();
    if (this.at + n > this.b.length) throw new Error("outline: truncated");
    const s = Buffer.from(this.b.buffer, this.b.byteOffset + this.at, n).toString("utf8");
    this.at += n;
    return s;
  }

  private count(): number {
    const n = this.uint();
    // A record of 14 columns that are all as predicted takes two bytes.
    if (n > (this.b.length - this.at) * 8) throw new Error("outline: truncated");
    return n;
  }

  columns(stride: number): Int32Array {
    const { b } = this;
    const n = this.count();
    if (n === 0) return EMPTY;
    const a = newColumn(n);
    let at = this.at;
    for (let c = 0; c < stride; c++) {
      let last = 0;
      for (let i = c; i < n; i += stride) {
        let x = b[at++];
        let v = x & 0x7f;
        for (let shift = 7; x > 0x7f && shift <= 28; shift += 7) {
          x = b[at++];
          v |= (x & 0x7f) << shift;
        }
        last = (last + ((v >>> 1) ^ -(v & 1))) | 0;
        a[i] = last;
      }
    }
    if (at > b.length) throw new Error("outline: truncated");
    this.at = at;
    return a;
  }

  records(how: Int8Array): Int32Array {
    const { b } = this;
    const stride = how.length;
    const n = this.count();
    if (n === 0) return EMPTY;
    if (n % stride !== 0) throw new Error("outline: damaged");
    const a = newColumn(n);
    const wide = stride > 8;
    let at = this.at;
    for (let i = 0; i < n; i += stride) {
      let mask = b[at++];
      if (wide) mask |= b[at++] << 8;
      for (let c = 0; c < stride; c++) {
        let value = predicted(a, i, c, how, stride);
        if ((mask >> c) & 1) {
          let x = b[at++];
          let v = x & 0x7f;
          for (let shift = 7; x > 0x7f && shift <= 28; shift += 7) {
            x = b[at++];
            v |= (x & 0x7f) << shift;
          }
          value += (v >>> 1) ^ -(v & 1);
        }
        a[i + c] = value;
      }
    }
    if (at > b.length) throw new Error("outline: truncated");
    this.at = at;
    return a;
  }
}

/**
 * The outline that `encodeOutline` or `encodeDraft` wrote; throws on bytes that are not one of this format. `packed`: its
 * names stay as they are.
 */
export function decodeOutline(bytes: Uint8Array, packed = false): FileOutline {
  const r = new Reader(bytes);
  if (bytes[0] !== MAGIC || bytes[1] !== OUTLINE_FORMAT) throw new Error("outline: not this format");
  r.at = 2;
  const size = r.uint();
  const problemCount = r.uint();
  const nameCount = r.uint();
  const nameBytes = r.uint();
  const wideCount = r.uint();
  const wide = new Map<number, string>();
  for (let i = 0; i < wideCount; i++) wide.set(r.uint(), r.text());
  const problems = problemCount > 0 ? r.text().split("\0") : [];
  let names: string[] = [];
  let asWritten: PackedNames | undefined;
  if (packed) {
    const from = r.at;
    r.at = passNames(bytes, from, nameCount, nameBytes);
    asWritten = { bytes: bytes.slice(from, r.at), count: nameCount, size: nameBytes, wide };
  } else {
    ({ names, at: r.at } = takeNames(bytes, r.at, nameCount, nameBytes));
    for (const [i, name] of wide) names[i] = name;
  }
  const out: Partial<Record<Column, Int32Array>> = {};
  for (const [name, stride] of COLUMNS) {
    const how = PREDICTIONS[name];
    out[name] = how ? r.records(how) : r.columns(stride);
  }
  return { names, packed: asWritten, size, problems, ...(out as Required<typeof out>) };
}
