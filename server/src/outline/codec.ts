/** Binary form of a file's outline: what the cache holds and workers send. Small first, then fast; versioned. */
import {
  COND_STRIDE,
  type FileOutline,
  FN_STRIDE,
  INIT_STRIDE,
  REG_STRIDE,
  STRUCT_STRIDE,
  TYPED_STRIDE,
} from "../facts/outline.js";
import { MACRO_STRIDE } from "./macroKinds.js";

/** Changes whenever the meaning of the bytes does; part of the cache key. */
export const OUTLINE_FORMAT = 2;
const MAGIC = 0x4f;

/** Integer columns in the order in which they are written, with their strides. */
const COLUMNS = [
  ["fn", FN_STRIDE],
  ["params", TYPED_STRIDE],
  ["calls", 1],
  ["annots", 2],
  ["structs", STRUCT_STRIDE],
  ["fields", TYPED_STRIDE],
  ["globals", TYPED_STRIDE],
  ["inits", INIT_STRIDE],
  ["regs", REG_STRIDE],
  ["regArgs", 1],
  ["conds", COND_STRIDE],
  ["includes", 1],
  ["macros", MACRO_STRIDE],
] as const;

let scratch = new Uint8Array(1 << 16);
let at = 0;

function reserve(n: number): void {
  if (at + n <= scratch.length) return;
  const wider = new Uint8Array(Math.max(scratch.length * 2, at + n));
  wider.set(scratch.subarray(0, at));
  scratch = wider;
}

/** Unsigned LEB128; the value is taken as 32 bits. Room must have been reserved. */
function put(v: number): void {
  while ((v & ~0x7f) !== 0) {
    scratch[at++] = (v & 0x7f) | 0x80;
    v >>>= 7;
  }
  scratch[at++] = v;
}

/**
 * The columns of a record one after the other, each value as its zigzag difference to the one before it in the column:
 * offsets, running indices and repeated names all become small.
 */
function putColumns(a: Int32Array, stride: number): void {
  const n = a.length;
  reserve(5 + n * 5);
  put(n);
  for (let c = 0; c < stride; c++) {
    let last = 0;
    for (let i = c; i < n; i += stride) {
      const d = (a[i] - last) | 0;
      last = a[i];
      put((d << 1) ^ (d >> 31));
    }
  }
}

function putText(s: string): void {
  // Names are latin1 like the texts they come from; anything else would not survive and goes as UTF-8.
  let wide = 0;
  for (let i = 0; i < s.length; i++) wide |= s.charCodeAt(i);
  const bytes = Buffer.from(s, wide > 0xff ? "utf8" : "latin1");
  reserve(11 + bytes.length);
  put(wide > 0xff ? 1 : 0);
  put(bytes.length);
  scratch.set(bytes, at);
  at += bytes.length;
}

/** The outline as bytes in a buffer of their own. */
export function encodeOutline(o: FileOutline): Uint8Array {
  at = 0;
  reserve(16);
  scratch[at++] = MAGIC;
  scratch[at++] = OUTLINE_FORMAT;
  put(o.size);
  put(o.names.length);
  put(o.problems.length);
  putText(o.names.join("\0"));
  if (o.problems.length > 0) putText(o.problems.join("\0"));
  for (const [name, stride] of COLUMNS) putColumns(o[name], stride);
  const out = scratch.slice(0, at);
  if (scratch.length > 1 << 22) scratch = new Uint8Array(1 << 16);
  return out;
}

/** Of columns without records: most of a file's. */
const EMPTY = new Int32Array(0);

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
    const wide = this.uint() === 1;
    const n = this.uint();
    if (this.at + n > this.b.length) throw new Error("outline: truncated");
    const s = Buffer.from(this.b.buffer, this.b.byteOffset + this.at, n).toString(wide ? "utf8" : "latin1");
    this.at += n;
    return s;
  }

  columns(stride: number): Int32Array {
    const { b } = this;
    const n = this.uint();
    if (n > b.length - this.at) throw new Error("outline: truncated");
    if (n === 0) return EMPTY;
    const a = new Int32Array(n);
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
}

/** The outline that `encodeOutline` wrote; throws on bytes that are not one of this format. */
export function decodeOutline(bytes: Uint8Array): FileOutline {
  const r = new Reader(bytes);
  if (bytes[0] !== MAGIC || bytes[1] !== OUTLINE_FORMAT) throw new Error("outline: not this format");
  r.at = 2;
  const size = r.uint();
  const nameCount = r.uint();
  const problemCount = r.uint();
  const names = r.text().split("\0");
  if (names.length !== nameCount) throw new Error("outline: names damaged");
  const problems = problemCount > 0 ? r.text().split("\0") : [];
  const out: Partial<Record<(typeof COLUMNS)[number][0], Int32Array>> = {};
  for (const [name, stride] of COLUMNS) out[name] = r.columns(stride);
  return { names, size, problems, ...(out as Required<typeof out>) };
}
