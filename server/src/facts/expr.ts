/**
 * Expressions of flow facts: small pure terms over variables, fields and constants, hash-consed so that equal terms have
 * equal numbers. The extractor builds a function's pool once; the analysis goes on adding terms to a copy of it while it
 * substitutes known values. A term's number is also the key under which a path remembers what it knows about it.
 */

/** Kinds of term, with the meaning of their three operands (a, b, c). Unused operands are 0. */
export const E = {
  /** Nothing is known. a: a number that keeps unrelated unknowns apart (0: never equal to anything, not even itself). */
  Unknown: 0,
  /** a: the value, 32 bits. */
  Int: 1,
  /** A string literal (non-null, otherwise opaque). */
  Str: 2,
  /** a: name index: a local variable, parameter, global, enumerator or function. */
  Var: 3,
  /** &a */
  Addr: 4,
  /** *a */
  Deref: 5,
  /** a.b or a->b, b: name index of the field. The two are not told apart: kernel code is well typed. */
  Field: 6,
  /** a[b] */
  Index: 7,
  /** Result of the call numbered a in this function. */
  Call: 8,
  /** b applied to a: `!`, `~`, `-`, see `Op`. */
  Unary: 9,
  /** a op b; c: operator. */
  Binary: 10,
  /** a ? b : c; a may be Unknown(0): either. */
  Cond: 11,
  /** (type a) b; a: name index of the bare type. */
  Cast: 12,
  /** A side-effect free test or accessor kept by name: a: name index, b: first argument or -1. IS_ERR, in_interrupt … */
  Pure: 13,
  /** What the call numbered a stored through its argument b. */
  Out: 14,
  /** Parameter a of the function as it was on entry (made by the analysis, never by the extractor). */
  Param: 15,
  /** Two arguments joined, to hold pure calls with several arguments: a, b. */
  Pair: 16,
} as const;

/** Operators of Unary and Binary terms. */
export const Op = {
  Not: 1,
  Compl: 2,
  Neg: 3,
  And: 10,
  Or: 11,
  Xor: 12,
  Add: 13,
  Sub: 14,
  Mul: 15,
  Div: 16,
  Mod: 17,
  Shl: 18,
  Shr: 19,
  Eq: 20,
  Ne: 21,
  Lt: 22,
  Gt: 23,
  Le: 24,
  Ge: 25,
  LogAnd: 26,
  LogOr: 27,
} as const;

export const OP_BY_TEXT: ReadonlyMap<string, number> = new Map([
  ["&", Op.And],
  ["|", Op.Or],
  ["^", Op.Xor],
  ["+", Op.Add],
  ["-", Op.Sub],
  ["*", Op.Mul],
  ["/", Op.Div],
  ["%", Op.Mod],
  ["<<", Op.Shl],
  [">>", Op.Shr],
  ["==", Op.Eq],
  ["!=", Op.Ne],
  ["<", Op.Lt],
  [">", Op.Gt],
  ["<=", Op.Le],
  [">=", Op.Ge],
  ["&&", Op.LogAnd],
  ["||", Op.LogOr],
]);

const STRIDE = 4;

/** A growable hash-consing pool of terms. */
export class ExprPool {
  data: Int32Array;
  count: number;
  private table: Int32Array;
  private mask: number;

  constructor(initial?: Int32Array | Int16Array) {
    const n = initial ? initial.length / STRIDE : 0;
    this.data = new Int32Array(Math.max(16, n + 16) * STRIDE);
    this.count = n;
    let cap = 32;
    while (cap < n * 2 + 32) cap <<= 1;
    this.table = new Int32Array(cap);
    this.mask = cap - 1;
    if (initial) {
      this.data.set(initial);
      for (let i = 0; i < n; i++) this.insert(i);
    } else {
      this.make(E.Unknown, 0, 0, 0);
    }
  }

  private slot(k: number, a: number, b: number, c: number): number {
    let h =
      Math.imul(k + 1, 0x9e3779b1) ^
      Math.imul(a + 1, 0x85ebca6b) ^
      Math.imul(b + 1, 0xc2b2ae35) ^
      Math.imul(c + 1, 0x27d4eb2f);
    h ^= h >>> 15;
    return h & this.mask;
  }

  private insert(id: number): void {
    const o = id * STRIDE;
    const d = this.data;
    let s = this.slot(d[o], d[o + 1], d[o + 2], d[o + 3]);
    while (this.table[s] !== 0) s = (s + 1) & this.mask;
    this.table[s] = id + 1;
  }

  /** The number of this term, made if new. Term 0 is always Unknown. */
  make(k: number, a = 0, b = 0, c = 0): number {
    let s = this.slot(k, a, b, c);
    for (let id = this.table[s]; id !== 0; id = this.table[s]) {
      const o = (id - 1) * STRIDE;
      const d = this.data;
      if (d[o] === k && d[o + 1] === a && d[o + 2] === b && d[o + 3] === c) return id - 1;
      s = (s + 1) & this.mask;
    }
    const id = this.count++;
    if ((id + 1) * STRIDE > this.data.length) {
      const bigger = new Int32Array(this.data.length * 2);
      bigger.set(this.data);
      this.data = bigger;
    }
    const o = id * STRIDE;
    this.data[o] = k;
    this.data[o + 1] = a;
    this.data[o + 2] = b;
    this.data[o + 3] = c;
    if (this.count * 2 > this.mask) {
      this.mask = this.mask * 2 + 1;
      this.table = new Int32Array(this.mask + 1);
      for (let i = 0; i < this.count; i++) this.insert(i);
    } else {
      this.table[s] = id + 1;
    }
    return id;
  }

  kind(id: number): number {
    return this.data[id * STRIDE];
  }
  a(id: number): number {
    return this.data[id * STRIDE + 1];
  }
  b(id: number): number {
    return this.data[id * STRIDE + 2];
  }
  c(id: number): number {
    return this.data[id * STRIDE + 3];
  }

  /** The terms made so far, for storing. */
  encode(): Int32Array {
    return this.data.slice(0, this.count * STRIDE);
  }
}
