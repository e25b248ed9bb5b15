/**
 * The terms of one function while it is analysed: substitution of what a path knows, types, translation to and from the
 * shared pool that summaries are written in, and printing.
 */
import { E, ExprPool, Op } from "../facts/expr.js";
import { type Flow, LOCAL_STRIDE } from "../facts/flow.js";
import { Fn, FnFlag, TypeFlag } from "../facts/outline.js";
import type { ImageReader, ImageWriter } from "../program/image.js";
import type { Program, SourceFile, TypeRef } from "../program/program.js";
import type { Atom } from "./summary.js";

/** What a path knows: values stored in variables and fields, and truths of terms (1 zero, 2 not zero). */
export interface Knowledge {
  /** What a path stored in a place: 0 when it is not known, undefined when it has not assigned the place. */
  stored(place: number): number | undefined;
  /** Truth of a term: ZERO, NONZERO or 0. */
  fact(term: number): number;
  /** All facts: terms and truths in turn, in the order of learning. */
  readonly facts: readonly number[];
}

/** Knowledge of values alone, the same on all paths. */
export function storedValues(values: ReadonlyMap<number, number>): Knowledge {
  return { stored: (place) => values.get(place), fact: () => 0, facts: [] };
}

/** What is known where nothing has been learnt. */
export const NOTHING_KNOWN: Knowledge = { stored: () => undefined, fact: () => 0, facts: [] };

/** Knowledge that can be added to. */
export interface Learner extends Knowledge {
  setFact(term: number, truth: number): void;
}

export const ZERO = 1;
export const NONZERO = 2;

/** Deeper terms say nothing (a bound on growth, not a limit that real code meets). */
const DEEPEST = 7;

/** In the shared pool: the value that a function returns. */
export const RETURNED = E.Call;

/** The pool that all summaries share: variables and fields are `Program.names` numbers. */
export class SharedTerms {
  readonly pool: ExprPool;

  constructor(
    readonly program: Program,
    from: ImageReader | null = null,
  ) {
    this.pool = from ? new ExprPool(from.ints("terms")) : new ExprPool();
  }

  save(to: ImageWriter): void {
    to.put("terms", this.pool.encode());
  }

  /** Lists of one condition: most of all. Those that say the same are kept once, for as long as the terms. */
  private readonly single = new Map<number, readonly Atom[]>();

  /** The same conditions, in the least memory. */
  settled(atoms: readonly Atom[]): readonly Atom[] {
    if (atoms.length === 1) return this.alone(atoms[0]);
    return atoms.map((atom) => this.alone(atom)[0]);
  }

  private alone(atom: Atom): readonly Atom[] {
    const key = atom.term * 2 + (atom.truth ? 1 : 0);
    let known = this.single.get(key);
    if (known === undefined) {
      known = [{ term: atom.term, truth: atom.truth }];
      this.single.set(key, known);
    }
    return known;
  }

  /** Whether a shared term depends on parameters. */
  hasParam(t: number): boolean {
    const p = this.pool;
    switch (p.kind(t)) {
      case E.Param:
        return true;
      case E.Addr:
      case E.Deref:
      case E.Unary:
        return this.hasParam(p.a(t));
      case E.Field:
        return this.hasParam(p.a(t));
      case E.Pure:
        return p.b(t) >= 0 && this.hasParam(p.b(t));
      case E.Index:
      case E.Binary:
      case E.Pair:
        return this.hasParam(p.a(t)) || this.hasParam(p.b(t));
      case E.Cond:
        return this.hasParam(p.a(t)) || this.hasParam(p.b(t)) || this.hasParam(p.c(t));
      default:
        return false;
    }
  }

  /** Whether it reads memory through a parameter: the state of an object rather than a value passed. */
  readsState(t: number): boolean {
    const p = this.pool;
    switch (p.kind(t)) {
      case E.Field:
      case E.Deref:
      case E.Index:
        return true;
      case E.Unary:
        return this.readsState(p.a(t));
      case E.Pure:
        return p.b(t) >= 0 && this.readsState(p.b(t));
      case E.Binary:
      case E.Pair:
        return this.readsState(p.a(t)) || this.readsState(p.b(t));
      case E.Cond:
        return this.readsState(p.a(t)) || this.readsState(p.b(t)) || this.readsState(p.c(t));
      default:
        return false;
    }
  }
}

export class Terms {
  readonly pool: ExprPool;
  private readonly paramOf = new Map<number, number>();
  private readonly typeOfLocal = new Map<number, TypeRef>();
  /** Tree-wide numbers of names that the analysis added, after those of the flow. */
  private readonly added: number[] = [];
  private localName: Map<number, number> | null = null;
  private readonly sharedMemo = new Map<number, number>();
  /** Where the returned value stands while an effect is translated, or -1. */
  returned = -1;

  constructor(
    readonly flow: Flow,
    readonly program: Program,
    readonly file: SourceFile,
    readonly shared: SharedTerms,
    readonly isMacro: boolean,
  ) {
    this.pool = flow.pool();
    for (let i = 0; i < flow.localCount; i++) {
      const q = flow.localsAt + i * LOCAL_STRIDE;
      const name = flow.code[q];
      if (i < flow.paramCount) this.paramOf.set(name, i);
      const type = { name: flow.names[flow.code[q + 1]], flags: flow.code[q + 2] };
      if (!this.typeOfLocal.has(name) || type.name !== 0) this.typeOfLocal.set(name, type);
    }
  }

  text(nameIndex: number): string {
    const n = this.flow.names.length;
    if (nameIndex < n) return this.flow.text(nameIndex);
    return nameIndex - n < this.added.length ? this.program.names.text(this.added[nameIndex - n]) : "";
  }

  /** The tree-wide number of a name of this function. */
  global(nameIndex: number): number {
    const n = this.flow.names.length;
    return nameIndex < n ? this.flow.names[nameIndex] : this.added[nameIndex - n];
  }

  /** Index of a name in this function, made if new. */
  indexOf(text: string): number {
    return this.localIndex(this.program.names.id(text));
  }

  private localIndex(global: number): number {
    const { names } = this.flow;
    if (!this.localName) {
      this.localName = new Map();
      for (let i = 0; i < names.length; i++) this.localName.set(names[i], i);
    }
    let i = this.localName.get(global);
    if (i === undefined) {
      i = names.length + this.added.push(global) - 1;
      this.localName.set(global, i);
    }
    return i;
  }

  /** Whether a name stands for a constant: neither a variable nor a function. */
  isConstantName(nameIndex: number): boolean {
    if (this.isLocal(nameIndex)) return false;
    const g = this.global(nameIndex);
    return (
      this.program.globalVar(g, this.file) === null &&
      this.program.definitionsOf(g).every((fn) => this.program.fnFlags(fn) & FnFlag.ObjectMacro)
    );
  }

  /** Whether a term is a parameter's variable. */
  isParam(e: number): boolean {
    return this.pool.kind(e) === E.Var && this.paramOf.has(this.pool.a(e));
  }

  isLocal(nameIndex: number): boolean {
    return this.typeOfLocal.has(nameIndex) || this.text(nameIndex).startsWith("$");
  }

  private depth(e: number, limit: number): number {
    if (limit <= 0) return 99;
    const p = this.pool;
    switch (p.kind(e)) {
      case E.Addr:
      case E.Deref:
      case E.Field:
      case E.Unary:
        return 1 + this.depth(p.a(e), limit - 1);
      case E.Cast:
        return this.depth(p.b(e), limit - 1);
      case E.Index:
      case E.Binary:
      case E.Pair:
        return 1 + Math.max(this.depth(p.a(e), limit - 1), this.depth(p.b(e), limit - 1));
      case E.Cond:
        return (
          1 +
          Math.max(
            this.depth(p.a(e), limit - 1),
            this.depth(p.b(e), limit - 1),
            this.depth(p.c(e), limit - 1),
          )
        );
      case E.Pure:
        return p.b(e) < 0 ? 1 : 1 + this.depth(p.b(e), limit - 1);
      default:
        return 1;
    }
  }

  /** What a place holds on a path that has not assigned it, as far as that is a term: a parameter's own value; else 0. */
  initial(place: number): number {
    const p = this.pool;
    const i = p.kind(place) === E.Var ? this.paramOf.get(p.a(place)) : undefined;
    return i === undefined ? 0 : p.make(E.Param, i);
  }

  /** The term with what the path knows put in: a value. Unknown(0) when it says nothing. */
  value(e: number, k: Knowledge): number {
    const v = this.substitute(e, k);
    return this.depth(v, DEEPEST + 1) > DEEPEST ? 0 : v;
  }

  private substitute(e: number, k: Knowledge): number {
    const p = this.pool;
    switch (p.kind(e)) {
      case E.Var: {
        const v = k.stored(e);
        if (v !== undefined) return v;
        const i = this.paramOf.get(p.a(e));
        return i === undefined ? e : p.make(E.Param, i);
      }
      case E.Addr: {
        const a = this.place(p.a(e), k);
        return a === 0 ? 0 : p.make(E.Addr, a);
      }
      case E.Field:
      case E.Deref:
      case E.Index: {
        const a = this.place(e, k);
        if (a === 0) return 0;
        return k.stored(a) ?? a;
      }
      case E.Cast:
        return this.substitute(p.b(e), k);
      case E.Unary: {
        const a = this.substitute(p.a(e), k);
        if (a === 0) return 0;
        if (p.kind(a) === E.Int) {
          const n = p.a(a);
          const op = p.b(e);
          return p.make(E.Int, op === Op.Neg ? -n | 0 : op === Op.Compl ? ~n : n === 0 ? 1 : 0);
        }
        return p.make(E.Unary, a, p.b(e));
      }
      case E.Binary:
        return this.binary(this.substitute(p.a(e), k), this.substitute(p.b(e), k), p.c(e));
      case E.Cond: {
        const c = p.a(e) === 0 ? 0 : this.substitute(p.a(e), k);
        const x = this.substitute(p.b(e), k);
        const y = this.substitute(p.c(e), k);
        if (x === y) return x;
        if (c !== 0 && p.kind(c) === E.Int) return p.a(c) !== 0 ? x : y;
        const f = k.fact(c);
        if (f !== 0) return f === NONZERO ? x : y;
        return p.make(E.Cond, c, x, y);
      }
      case E.Pure: {
        if (p.b(e) < 0) return e;
        return p.make(E.Pure, p.a(e), this.substitute(p.b(e), k));
      }
      case E.Pair:
        return p.make(E.Pair, this.substitute(p.a(e), k), this.substitute(p.b(e), k));
      default:
        return e;
    }
  }

  private binary(x: number, y: number, op: number): number {
    const p = this.pool;
    if (x === 0 && y === 0) return 0;
    if (p.kind(x) === E.Int && p.kind(y) === E.Int) {
      const n = fold(p.a(x), p.a(y), op);
      if (n !== null) return p.make(E.Int, n);
    }
    if ((x === 0 || y === 0) && op !== Op.Or && op !== Op.And && op !== Op.LogAnd && op !== Op.LogOr)
      return 0;
    return p.make(E.Binary, x, y, op);
  }

  /** The place (lvalue) that a term names, with pointers followed as far as known. */
  place(e: number, k: Knowledge): number {
    const p = this.pool;
    switch (p.kind(e)) {
      case E.Field: {
        let base = this.substitute(p.a(e), k);
        if (base === 0) return 0;
        if (p.kind(base) === E.Addr) base = p.a(base);
        return p.make(E.Field, base, p.b(e));
      }
      case E.Deref: {
        const a = this.substitute(p.a(e), k);
        if (a === 0) return 0;
        return p.kind(a) === E.Addr ? p.a(a) : p.make(E.Deref, a);
      }
      case E.Index: {
        let a = this.substitute(p.a(e), k);
        const i = this.substitute(p.b(e), k);
        if (a === 0) return 0;
        if (p.kind(a) === E.Addr) a = p.a(a);
        return p.make(E.Index, a, i);
      }
      case E.Cast:
        return this.place(p.b(e), k);
      case E.Var:
        return e;
      default:
        return this.substitute(e, k);
    }
  }

  /** Whether a term mentions the call with this number. */
  mentionsCall(e: number, call: number): boolean {
    const p = this.pool;
    switch (p.kind(e)) {
      case E.Call:
      case E.Out:
        return p.a(e) === call;
      case E.Addr:
      case E.Deref:
      case E.Field:
      case E.Unary:
        return this.mentionsCall(p.a(e), call);
      case E.Cast:
        return this.mentionsCall(p.b(e), call);
      case E.Index:
      case E.Binary:
      case E.Pair:
        return this.mentionsCall(p.a(e), call) || this.mentionsCall(p.b(e), call);
      case E.Cond:
        return (
          this.mentionsCall(p.a(e), call) ||
          this.mentionsCall(p.b(e), call) ||
          this.mentionsCall(p.c(e), call)
        );
      case E.Pure:
        return p.b(e) >= 0 && this.mentionsCall(p.b(e), call);
      default:
        return false;
    }
  }

  /** Whether a value comes from a field or through a pointer. */
  readsMemory(e: number): boolean {
    const p = this.pool;
    switch (p.kind(e)) {
      case E.Field:
      case E.Deref:
        return true;
      case E.Unary:
        return this.readsMemory(p.a(e));
      case E.Cast:
        return this.readsMemory(p.b(e));
      case E.Pure:
        return p.b(e) >= 0 && this.readsMemory(p.b(e));
      case E.Binary:
        return this.readsMemory(p.a(e)) || this.readsMemory(p.b(e));
      default:
        return false;
    }
  }

  /** Whether a term mentions this other term. */
  mentions(e: number, what: number): boolean {
    if (e === what) return true;
    const p = this.pool;
    switch (p.kind(e)) {
      case E.Addr:
      case E.Deref:
      case E.Field:
      case E.Unary:
        return this.mentions(p.a(e), what);
      case E.Cast:
        return this.mentions(p.b(e), what);
      case E.Index:
      case E.Binary:
      case E.Pair:
        return this.mentions(p.a(e), what) || this.mentions(p.b(e), what);
      case E.Cond:
        return this.mentions(p.a(e), what) || this.mentions(p.b(e), what) || this.mentions(p.c(e), what);
      case E.Pure:
        return p.b(e) >= 0 && this.mentions(p.b(e), what);
      default:
        return false;
    }
  }

  /** Declared type of an unsubstituted term, as far as the outline tells. */
  typeOf(e: number): TypeRef | null {
    const p = this.pool;
    switch (p.kind(e)) {
      case E.Var: {
        const local = this.typeOfLocal.get(p.a(e));
        if (local) return local.name === 0 ? null : local;
        const g = this.program.globalVar(this.global(p.a(e)), this.file);
        return g ? g.type : null;
      }
      case E.Param: {
        const q = this.flow.localsAt + p.a(e) * LOCAL_STRIDE;
        const name = this.flow.names[this.flow.code[q + 1]];
        return name === 0 ? null : { name, flags: this.flow.code[q + 2] };
      }
      case E.Cast:
        return { name: this.global(p.a(e)), flags: TypeFlag.Struct | TypeFlag.Pointer };
      case E.Field: {
        const base = this.typeOf(p.a(e));
        return base ? this.program.fieldType(base.name, this.global(p.b(e)), this.file) : null;
      }
      case E.Addr:
      case E.Deref:
      case E.Index:
        return this.typeOf(p.a(e));
      case E.Cond:
        return this.typeOf(p.b(e)) ?? this.typeOf(p.c(e));
      case E.Binary:
        return this.typeOf(p.a(e));
      default:
        return null;
    }
  }

  /** Return type of the function that this call number calls, when the callee is a plain name (found by the caller). */
  returnType(fn: number): TypeRef | null {
    const name = this.program.fnColumn(fn, Fn.returnType);
    return name === 0 ? null : { name, flags: TypeFlag.Struct | TypeFlag.Pointer };
  }

  /** A value in the shared pool, or -1 when it cannot be said in terms of parameters, globals and the returned value. */
  toShared(v: number): number {
    if (v === 0) return -1;
    if (v === this.returned) return this.shared.pool.make(RETURNED, 0);
    const memo = this.returned < 0 ? this.sharedMemo.get(v) : undefined;
    if (memo !== undefined) return memo;
    const r = this.toSharedNew(v);
    if (this.returned < 0) this.sharedMemo.set(v, r);
    return r;
  }

  private toSharedNew(v: number): number {
    const p = this.pool;
    const s = this.shared.pool;
    const k = p.kind(v);
    switch (k) {
      case E.Int:
      case E.Param:
        return s.make(k, p.a(v));
      case E.Var:
        if (this.isLocal(p.a(v)) && !this.isMacro) return -1;
        return s.make(E.Var, this.global(p.a(v)));
      case E.Addr:
      case E.Deref: {
        const a = this.toShared(p.a(v));
        return a < 0 ? -1 : s.make(k, a);
      }
      case E.Field: {
        const a = this.toShared(p.a(v));
        return a < 0 ? -1 : s.make(E.Field, a, this.global(p.b(v)));
      }
      case E.Unary: {
        const a = this.toShared(p.a(v));
        return a < 0 ? -1 : s.make(E.Unary, a, p.b(v));
      }
      case E.Index:
      case E.Binary:
      case E.Pair: {
        const a = this.toShared(p.a(v));
        const b = this.toShared(p.b(v));
        return a < 0 || b < 0 ? -1 : s.make(k, a, b, p.c(v));
      }
      case E.Cond: {
        const a = p.a(v) === 0 ? 0 : this.toShared(p.a(v));
        const b = this.toShared(p.b(v));
        const c = this.toShared(p.c(v));
        return a < 0 || b < 0 || c < 0 ? -1 : s.make(E.Cond, a, b, c);
      }
      case E.Pure: {
        const b = p.b(v) < 0 ? -1 : this.toShared(p.b(v));
        return p.b(v) >= 0 && b < 0 ? -1 : s.make(E.Pure, this.global(p.a(v)), b);
      }
      default:
        return -1;
    }
  }

  /** A shared term in this function, parameters replaced by these argument terms (unsubstituted), the result by `result`. */
  fromShared(t: number, args: readonly number[], result: number): number {
    const s = this.shared.pool;
    const p = this.pool;
    const k = s.kind(t);
    switch (k) {
      case E.Param:
        return s.a(t) < args.length ? args[s.a(t)] : 0;
      case RETURNED:
        return result;
      case E.Int:
        return p.make(E.Int, s.a(t));
      case E.Var:
        return p.make(E.Var, this.localIndex(s.a(t)));
      case E.Addr: {
        const a = this.fromShared(s.a(t), args, result);
        if (a === 0) return 0;
        return p.kind(a) === E.Deref ? p.a(a) : p.make(E.Addr, a);
      }
      case E.Deref: {
        const a = this.fromShared(s.a(t), args, result);
        if (a === 0) return 0;
        return p.kind(a) === E.Addr ? p.a(a) : p.make(E.Deref, a);
      }
      case E.Field: {
        let a = this.fromShared(s.a(t), args, result);
        if (a === 0) return 0;
        if (p.kind(a) === E.Addr) a = p.a(a);
        return p.make(E.Field, a, this.localIndex(s.b(t)));
      }
      case E.Unary: {
        const a = this.fromShared(s.a(t), args, result);
        return a === 0 ? 0 : p.make(E.Unary, a, s.b(t));
      }
      case E.Index:
      case E.Binary:
      case E.Pair: {
        const a = this.fromShared(s.a(t), args, result);
        const b = this.fromShared(s.b(t), args, result);
        return a === 0 || b === 0 ? 0 : p.make(k, a, b, s.c(t));
      }
      case E.Cond: {
        const a = s.a(t) === 0 ? 0 : this.fromShared(s.a(t), args, result);
        return p.make(
          E.Cond,
          a,
          this.fromShared(s.b(t), args, result),
          this.fromShared(s.c(t), args, result),
        );
      }
      case E.Pure: {
        const b = s.b(t) < 0 ? -1 : this.fromShared(s.b(t), args, result);
        return p.make(E.Pure, this.localIndex(s.a(t)), b);
      }
      default:
        return 0;
    }
  }

  /** A term as C text, for messages. */
  show(e: number): string {
    const p = this.pool;
    switch (p.kind(e)) {
      case E.Var:
        return this.text(p.a(e));
      case E.Param:
        return this.text(this.flow.code[this.flow.localsAt + p.a(e) * LOCAL_STRIDE]);
      case E.Addr:
        return `&${this.show(p.a(e))}`;
      case E.Deref:
        return `*${this.show(p.a(e))}`;
      case E.Field: {
        const base = p.a(e);
        const bk = p.kind(base);
        const t = this.typeOf(base);
        const pointer =
          bk === E.Param ||
          bk === E.Call ||
          bk === E.Cast ||
          (t !== null && (t.flags & TypeFlag.Pointer) !== 0);
        const b =
          bk === E.Call || bk === E.Unknown || bk === E.Out
            ? "…"
            : bk === E.Cast
              ? this.show(p.b(base))
              : this.show(base);
        return `${b}${pointer ? "->" : "."}${this.text(p.b(e))}`;
      }
      case E.Index:
        return `${this.show(p.a(e))}[${this.show(p.b(e))}]`;
      case E.Int:
        return String(p.a(e));
      case E.Cast:
        return this.show(p.b(e));
      case E.Unary:
        return `${p.b(e) === Op.Not ? "!" : p.b(e) === Op.Compl ? "~" : "-"}${this.show(p.a(e))}`;
      default:
        return "…";
    }
  }

  /** Last name in a lock expression: the field or variable. */
  lastName(e: number): string {
    const p = this.pool;
    switch (p.kind(e)) {
      case E.Var:
        return this.text(p.a(e));
      case E.Field:
        return this.text(p.b(e));
      case E.Addr:
      case E.Deref:
      case E.Index:
        return this.lastName(p.a(e));
      case E.Cast:
        return this.lastName(p.b(e));
      default:
        return "";
    }
  }

  /** The class of the lock that an unsubstituted term points to: `struct foo.lock`, `fs/super.c:sb_lock`, or "". */
  lockClass(raw: number, value: number): string {
    const p = this.pool;
    let e = p.kind(raw) === E.Addr ? p.a(raw) : raw;
    while (p.kind(e) === E.Index || p.kind(e) === E.Deref) e = p.a(e);
    if (p.kind(e) === E.Field) {
      const t = this.typeOf(p.a(e));
      if (t)
        return `struct ${this.program.names.text(this.program.structName(t.name, this.file))}.${this.text(p.b(e))}`;
    }
    if (p.kind(e) === E.Var && !this.isLocal(p.a(e))) {
      const home = this.program.globalHome(this.global(p.a(e)), this.file);
      if (home) return `${home}:${this.text(p.a(e))}`;
    }
    if (value !== raw && value !== 0) return this.lockClass(value, value);
    return "";
  }
}

function fold(x: number, y: number, op: number): number | null {
  switch (op) {
    case Op.And:
      return x & y;
    case Op.Or:
      return x | y;
    case Op.Xor:
      return x ^ y;
    case Op.Add:
      return (x + y) | 0;
    case Op.Sub:
      return (x - y) | 0;
    case Op.Mul:
      return Math.imul(x, y);
    case Op.Shl:
      return x << y;
    case Op.Shr:
      return x >> y;
    case Op.Eq:
      return x === y ? 1 : 0;
    case Op.Ne:
      return x !== y ? 1 : 0;
    case Op.Lt:
      return x < y ? 1 : 0;
    case Op.Gt:
      return x > y ? 1 : 0;
    case Op.Le:
      return x <= y ? 1 : 0;
    case Op.Ge:
      return x >= y ? 1 : 0;
    case Op.LogAnd:
      return x && y ? 1 : 0;
    case Op.LogOr:
      return x || y ? 1 : 0;
    default:
      return null;
  }
}
