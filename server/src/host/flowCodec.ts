/**
 * Binary form of the flow facts of some functions of one file: what workers send and the cache holds. One string table for
 * all functions, integers as zigzag varints. The length of each function's bytes goes before them: a reader decodes those that
 * it wants.
 */
import type { FlowFacts, FlowNames } from "../facts/flow.js";

/** Changes whenever the meaning of the bytes does. */
export const FLOW_FORMAT = 2;
const MAGIC = 0x46;
/** Bytes of the length before a function's own. */
const LENGTH = 4;

/** Functions (indices into the file's outline) and, parallel, their facts: null where there are none. */
export interface FileFlows {
  fns: readonly number[];
  facts: (FlowFacts | null)[];
}

let scratch = new Uint8Array(1 << 16);
let at = 0;

function reserve(n: number): void {
  if (at + n <= scratch.length) return;
  const wider = new Uint8Array(Math.max(scratch.length * 2, at + n));
  wider.set(scratch.subarray(0, at));
  scratch = wider;
}

function put(v: number): void {
  while ((v & ~0x7f) !== 0) {
    scratch[at++] = (v & 0x7f) | 0x80;
    v >>>= 7;
  }
  scratch[at++] = v;
}

/** The facts as bytes, in memory that the next call takes back. */
export function encodeFlows(fns: readonly number[], facts: readonly (FlowFacts | null)[]): Uint8Array {
  if (scratch.length > 1 << 22) scratch = new Uint8Array(1 << 16);
  const ids = new Map<string, number>();
  const names: string[] = [];
  let wide = 0;
  const idOf = (name: string): number => {
    let id = ids.get(name);
    if (id === undefined) {
      id = names.push(name) - 1;
      ids.set(name, id);
      for (let i = 0; i < name.length; i++) wide |= name.charCodeAt(i);
    }
    return id;
  };
  for (const f of facts) if (f) for (const name of f.names) idOf(name);
  // Lengths are those of the strings; a name that is not latin1 makes the whole table UTF-16.
  const table = Buffer.from(names.join(""), wide > 0xff ? "utf16le" : "latin1");
  at = 0;
  reserve(32 + fns.length * 10 + names.length * 5 + table.length);
  scratch[at++] = MAGIC;
  scratch[at++] = FLOW_FORMAT;
  put(wide > 0xff ? 2 : 1);
  put(fns.length);
  put(names.length);
  put(table.length);
  for (const name of names) put(name.length);
  scratch.set(table, at);
  at += table.length;
  fns.forEach((fn, i) => {
    const f = facts[i];
    reserve(15 + LENGTH + (f ? (f.names.length + f.code.length) * 5 : 0));
    put(fn);
    put(f ? f.names.length + 1 : 0);
    if (!f) return;
    const length = at;
    at += LENGTH;
    put(f.code.length);
    for (const name of f.names) put(ids.get(name)!);
    at = putIntegers(scratch, at, f.code);
    new DataView(scratch.buffer).setUint32(length, at - length - LENGTH, true);
  });
  return scratch.subarray(0, at);
}

/** Reads integers until the array is full; gives the place behind them. */
function takeIntegers(bytes: Uint8Array, at: number, into: Int32Array): number {
  for (let k = 0; k < into.length; k++) {
    let x = bytes[at++];
    let v = x & 0x7f;
    for (let shift = 7; x > 0x7f && shift <= 28; shift += 7) {
      x = bytes[at++];
      v |= (x & 0x7f) << shift;
    }
    into[k] = (v >>> 1) ^ -(v & 1);
  }
  return at;
}

/** Writes integers where there is room for them; gives the place behind them. */
function putIntegers(bytes: Uint8Array, at: number, from: Int32Array): number {
  for (let k = 0; k < from.length; k++) {
    let v = (from[k] << 1) ^ (from[k] >> 31);
    while ((v & ~0x7f) !== 0) {
      bytes[at++] = (v & 0x7f) | 0x80;
      v >>>= 7;
    }
    bytes[at++] = v;
  }
  return at;
}

/**
 * The facts that `encodeFlows` wrote, of all functions or of the wanted ones; throws on bytes that are not of this format.
 * `packed`: names stay as they are, where they are latin1. Nothing refers to `bytes` afterwards.
 */
export function decodeFlows(
  bytes: Uint8Array,
  wanted: ReadonlySet<number> | null = null,
  packed = false,
): FileFlows {
  if (bytes[0] !== MAGIC || bytes[1] !== FLOW_FORMAT) throw new Error("flow facts: not this format");
  let p = 2;
  const uint = (): number => {
    let x = bytes[p++];
    let v = x & 0x7f;
    for (let shift = 7; x > 0x7f && shift <= 28; shift += 7) {
      x = bytes[p++];
      v |= (x & 0x7f) << shift;
    }
    return v >>> 0;
  };
  const width = uint();
  const count = uint();
  const nameCount = uint();
  const tableLength = uint();
  if (count > bytes.length || nameCount > bytes.length) throw new Error("flow facts: truncated");
  const ends = new Int32Array(nameCount + 1);
  for (let i = 0; i < nameCount; i++) ends[i + 1] = ends[i] + uint();
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + p, Math.min(tableLength, bytes.length - p));
  const namesAsWritten: FlowNames | null =
    packed && width === 1 ? { bytes: bytes.slice(p, p + tableLength), ends } : null;
  p += tableLength;
  const encoding = width === 2 ? "utf16le" : "latin1";
  const table: (string | undefined)[] = new Array(nameCount);
  const name = (i: number): string => {
    if (i >= nameCount) throw new Error("flow facts: damaged");
    let known = table[i];
    if (known === undefined) {
      known = text.toString(encoding, ends[i] * width, ends[i + 1] * width);
      table[i] = known;
    }
    return known;
  };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const fns: number[] = [];
  const facts: (FlowFacts | null)[] = [];
  for (let i = 0; i < count; i++) {
    const fn = uint();
    const n = uint() - 1;
    const isWanted = wanted === null || wanted.has(fn);
    if (isWanted) fns.push(fn);
    if (n < 0) {
      if (isWanted) facts.push(null);
      continue;
    }
    if (p + LENGTH > bytes.length) throw new Error("flow facts: truncated");
    const end = p + LENGTH + view.getUint32(p, true);
    p += LENGTH;
    if (end > bytes.length) throw new Error("flow facts: truncated");
    if (isWanted) {
      const length = uint();
      if (n > bytes.length || length > bytes.length) throw new Error("flow facts: truncated");
      const names: string[] = [];
      let asWritten: FlowFacts["packed"];
      if (namesAsWritten) {
        const indices = new Int32Array(n);
        for (let k = 0; k < n; k++) {
          indices[k] = uint();
          if (indices[k] >>> 0 >= nameCount) throw new Error("flow facts: damaged");
        }
        asWritten = { table: namesAsWritten, indices };
      } else for (let k = 0; k < n; k++) names.push(name(uint()));
      const code = new Int32Array(length);
      if (takeIntegers(bytes, p, code) !== end) throw new Error("flow facts: damaged");
      facts.push({ names, code, packed: asWritten });
    }
    p = end;
  }
  if (p > bytes.length) throw new Error("flow facts: truncated");
  return { fns, facts };
}
