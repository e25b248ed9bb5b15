/**
 * What a path can say about conditions: truth of terms, what follows from having taken a branch, and whether gfp flags
 * allow blocking (`__GFP_DIRECT_RECLAIM` and nothing else decides, include/linux/gfp.h).
 */
import { E, Op } from "../facts/expr.js";
import { IN_INTERRUPT, type KernelTables } from "../kernel/types.js";
import type { Atom } from "./summary.js";
import { type Knowledge, type Learner, NONZERO, type Terms, ZERO } from "./terms.js";

/** Flags that alone decide whether an allocation may block. */
const RECLAIM = new Set(["__GFP_DIRECT_RECLAIM", "__GFP_RECLAIM", "__GFP_WAIT"]);
/** Names of parameters and variables that say in which context they are meant to be used. */
export const CONTEXT_FLAG =
  /(sleep|atomic|block|wait|sync|can_|lock|irq|polled|busy|in_int|gfp|defer|async|fast|oops|emerg|nmi|rcu)/i;

/** What decides whether gfp flags block. */
export interface GfpVerdict {
  kind: "blocks" | "not" | "parameter" | "mixed" | "unknown";
  /** For "parameter": shared terms, all of which must block … (one is the rule). */
  terms?: number[];
  /** For "blocks": only where none of these context bits is set (`in_interrupt() ? GFP_ATOMIC : GFP_KERNEL`). */
  ctxNone?: number;
}

export class Conditions {
  constructor(
    private readonly terms: Terms,
    private readonly tables: KernelTables,
    /** Meaning of a gfp alias defined by a macro, or null. */
    private readonly gfpAlias: (name: string) => boolean | null,
    /** Integer value of a macro constant, or null. */
    private readonly constant: (name: string) => number | null,
  ) {}

  /** ZERO, NONZERO or 0 when not known. The term is a value (substituted); `bits` are the context bits that hold. */
  truth(e: number, k: Knowledge, bits: number): number {
    const p = this.terms.pool;
    if (e === 0) return 0;
    const f = k.fact(e);
    if (f !== 0) return f;
    switch (p.kind(e)) {
      case E.Int:
        return p.a(e) === 0 ? ZERO : NONZERO;
      case E.Str:
      case E.Addr:
        return NONZERO;
      case E.Var: {
        const c = this.terms.isLocal(p.a(e)) ? null : this.constant(this.terms.text(p.a(e)));
        return c === null ? 0 : c === 0 ? ZERO : NONZERO;
      }
      case E.Unary: {
        const a = this.truth(p.a(e), k, bits);
        if (p.b(e) === Op.Not) return a === 0 ? 0 : a === ZERO ? NONZERO : ZERO;
        return p.b(e) === Op.Neg ? a : 0;
      }
      case E.Binary:
        return this.binaryTruth(e, k, bits);
      case E.Cond: {
        const c = this.truth(p.a(e), k, bits);
        if (c !== 0) return this.truth(c === NONZERO ? p.b(e) : p.c(e), k, bits);
        const x = this.truth(p.b(e), k, bits);
        return x !== 0 && x === this.truth(p.c(e), k, bits) ? x : 0;
      }
      case E.Pure:
        return this.pureTruth(e, k, bits);
      default:
        return 0;
    }
  }

  private binaryTruth(e: number, k: Knowledge, bits: number): number {
    const p = this.terms.pool;
    const x = p.a(e);
    const y = p.b(e);
    const op = p.c(e);
    const tx = this.truth(x, k, bits);
    const ty = this.truth(y, k, bits);
    switch (op) {
      case Op.LogAnd:
        return tx === ZERO || ty === ZERO ? ZERO : tx === NONZERO && ty === NONZERO ? NONZERO : 0;
      case Op.LogOr:
        return tx === NONZERO || ty === NONZERO ? NONZERO : tx === ZERO && ty === ZERO ? ZERO : 0;
      case Op.Or:
        return tx === NONZERO || ty === NONZERO ? NONZERO : tx === ZERO && ty === ZERO ? ZERO : 0;
      case Op.And: {
        if (tx === ZERO || ty === ZERO) return ZERO;
        const mask = p.kind(y) === E.Var ? this.terms.text(p.a(y)) : "";
        if (RECLAIM.has(mask)) {
          const g = this.gfp(x, k, bits);
          if (g.kind === "blocks") return NONZERO;
          if (g.kind === "not") return ZERO;
        }
        // A named flag among those that are set: nobody tests for a flag that is zero.
        return mask !== "" && this.terms.isConstantName(p.a(y)) && this.isSet(x, y) ? NONZERO : 0;
      }
      case Op.Eq:
      case Op.Ne: {
        const equal = op === Op.Eq ? NONZERO : ZERO;
        const different = op === Op.Eq ? ZERO : NONZERO;
        if (x === y && x !== 0) return equal;
        const n = this.integer(y);
        if (n === 0) return tx === 0 ? 0 : tx === ZERO ? equal : different;
        if (n !== null && tx === ZERO) return different;
        const m = this.integer(x);
        if (m !== null && n !== null) return m === n ? equal : different;
        if (this.distinctNames(x, y)) return different;
        // A term known equal to another constant is not equal to this one.
        const twin = p.make(E.Binary, x, y, op === Op.Eq ? Op.Ne : Op.Eq);
        const t = k.fact(twin);
        return t === 0 ? 0 : t === ZERO ? NONZERO : ZERO;
      }
      case Op.Lt:
      case Op.Gt:
        return tx === ZERO && this.integer(y) === 0 ? ZERO : 0;
      default:
        return 0;
    }
  }

  /** Whether a value is this named flag, or a union with it. */
  private isSet(value: number, flag: number): boolean {
    const p = this.terms.pool;
    if (value === flag) return true;
    return (
      p.kind(value) === E.Binary &&
      p.c(value) === Op.Or &&
      (this.isSet(p.a(value), flag) || this.isSet(p.b(value), flag))
    );
  }

  /** Two constants by name (enumerators, macros) of different names have different values. */
  private distinctNames(x: number, y: number): boolean {
    const p = this.terms.pool;
    if (p.kind(x) !== E.Var || p.kind(y) !== E.Var || x === y) return false;
    return this.terms.isConstantName(p.a(x)) && this.terms.isConstantName(p.a(y));
  }

  private integer(e: number): number | null {
    const p = this.terms.pool;
    if (p.kind(e) === E.Int) return p.a(e);
    if (p.kind(e) === E.Var && !this.terms.isLocal(p.a(e))) return this.constant(this.terms.text(p.a(e)));
    return null;
  }

  private pureTruth(e: number, k: Knowledge, bits: number): number {
    const p = this.terms.pool;
    const name = this.terms.text(p.a(e));
    const arg = p.b(e);
    switch (name) {
      case "IS_ERR":
        return arg > 0 && (p.kind(arg) === E.Addr || this.truth(arg, k, bits) === ZERO) ? ZERO : 0;
      case "gfpflags_allow_blocking": {
        const g = this.gfp(arg, k, bits);
        return g.kind === "blocks" ? NONZERO : g.kind === "not" ? ZERO : 0;
      }
      case "ERR_PTR":
        return this.truth(arg, k, bits);
      default: {
        const test = this.tables.contextTests.get(name);
        if (!test) return 0;
        if ((bits & test.trueMeansAny) !== 0) return test.negate ? ZERO : NONZERO;
        return 0;
      }
    }
  }

  /** Bits that cannot be set on a path that knows this: what its context tests have proved. */
  provenAbsent(k: Knowledge): number {
    const p = this.terms.pool;
    let none = 0;
    const { facts } = k;
    for (let i = 0; i < facts.length; i += 2) {
      const e = facts[i];
      const f = facts[i + 1];
      if (p.kind(e) !== E.Pure) continue;
      const test = this.tables.contextTests.get(this.terms.text(p.a(e)));
      if (!test) continue;
      const isFalse = test.negate ? f === NONZERO : f === ZERO;
      if (isFalse) none |= test.falseMeansNone;
    }
    return none;
  }

  /** Records that a value term is true or false. */
  assume(e: number, truth: boolean, k: Learner): void {
    const p = this.terms.pool;
    if (e === 0 || p.kind(e) === E.Int) return;
    if (p.kind(e) === E.Unary && p.b(e) === Op.Not) {
      this.assume(p.a(e), !truth, k);
      return;
    }
    if (p.kind(e) === E.Binary) {
      const op = p.c(e);
      const x = p.a(e);
      const n = this.integer(p.b(e));
      if ((op === Op.Eq || op === Op.Ne) && n === 0) {
        this.assume(x, truth === (op === Op.Ne), k);
        return;
      }
      if (op === Op.Ne) {
        this.assume(p.make(E.Binary, x, p.b(e), Op.Eq), !truth, k);
        return;
      }
      if (op === Op.LogAnd && truth) {
        this.assume(x, true, k);
        this.assume(p.b(e), true, k);
      }
      if (op === Op.LogOr && !truth) {
        this.assume(x, false, k);
        this.assume(p.b(e), false, k);
      }
      if (op === Op.Eq && truth && n !== null && n !== 0) this.set(x, NONZERO, k);
      if ((op === Op.Lt || op === Op.Gt || op === Op.And) && truth) this.set(x, NONZERO, k);
    }
    if (p.kind(e) === E.Pure && truth && /^IS_ERR$/.test(this.terms.text(p.a(e))))
      this.set(p.b(e), NONZERO, k);
    this.set(e, truth ? NONZERO : ZERO, k);
  }

  private set(e: number, f: number, k: Learner): void {
    if (e > 0 && this.terms.pool.kind(e) !== E.Int) k.setFact(e, f);
  }

  /** Whether gfp flags (a value term) allow blocking. */
  gfp(e: number, k: Knowledge, bits: number): GfpVerdict {
    const p = this.terms.pool;
    switch (p.kind(e)) {
      case E.Int:
        return { kind: p.a(e) === 0 ? "not" : "unknown" };
      case E.Var: {
        const name = this.terms.text(p.a(e));
        if (this.terms.isLocal(p.a(e))) return { kind: "unknown" };
        const known = this.tables.gfp.get(name);
        if (known !== undefined) return { kind: known ? "blocks" : "not" };
        if (this.tables.gfpModifiers.has(name) || /^__?GFP_/.test(name)) return { kind: "not" };
        const alias = this.gfpAlias(name);
        return { kind: alias === null ? "unknown" : alias ? "blocks" : "not" };
      }
      case E.Binary: {
        const x = this.gfp(p.a(e), k, bits);
        if (p.c(e) === Op.And) {
          if (this.clearsReclaim(p.b(e))) return { kind: "not" };
          const mask = p.kind(p.b(e)) === E.Var ? this.terms.text(p.a(p.b(e))) : "";
          if (mask === "GFP_ATOMIC" || mask === "GFP_NOWAIT") return { kind: "not" };
          if (x.kind === "unknown" && p.kind(p.a(e)) === E.Unary) return this.gfp(p.b(e), k, bits);
          return x;
        }
        if (p.c(e) === Op.Or || p.c(e) === Op.Add) {
          const y = this.gfp(p.b(e), k, bits);
          if (x.kind === "blocks" || y.kind === "blocks") return { kind: "blocks" };
          if (x.kind === "not") return y;
          if (y.kind === "not") return x;
          if (x.kind === "parameter" && y.kind === "parameter") return x;
          return { kind: "unknown" };
        }
        if (p.c(e) === Op.Xor) return x;
        return { kind: "unknown" };
      }
      case E.Cond: {
        const c = this.truth(p.a(e), k, bits);
        if (c !== 0) return this.gfp(c === NONZERO ? p.b(e) : p.c(e), k, bits);
        const x = this.gfp(p.b(e), k, bits);
        const y = this.gfp(p.c(e), k, bits);
        if (x.kind === y.kind && x.kind !== "parameter") return x;
        const test = this.contextTest(p.a(e));
        if (test !== null) {
          // The branch for "not in such a context" is the one that is taken where the test does not see ours.
          const calm = test.whenFalse ? y : x;
          return calm.kind === "blocks" ? { kind: "blocks", ctxNone: test.absent } : calm;
        }
        const s = this.terms.toShared(e);
        if (s >= 0 && this.terms.shared.hasParam(s)) return { kind: "parameter", terms: [s] };
        // One of two values that a variable may have had is possible; a choice by a condition that cannot be seen is not decided.
        return { kind: x.kind === "unknown" || y.kind === "unknown" || p.a(e) !== 0 ? "unknown" : "mixed" };
      }
      case E.Pure:
        return this.gfpOfFunction(this.terms.text(p.a(e)), p.b(e), k, bits);
      default: {
        // A parameter, or a field of an object passed in.
        const known = this.reclaimFact(e, k);
        if (known !== 0) return { kind: known === NONZERO ? "blocks" : "not" };
        const s = this.terms.toShared(e);
        if (s >= 0 && this.terms.shared.hasParam(s)) return { kind: "parameter", terms: [s] };
        return { kind: "unknown" };
      }
    }
  }

  /** gfp flags that come from a function: gfp_any(), mapping_gfp_mask() … */
  private gfpOfFunction(name: string, arg: number, k: Knowledge, bits: number): GfpVerdict {
    const f = this.tables.gfpFunctions.get(name);
    if (!f) return { kind: "unknown" };
    switch (f.result) {
      case "blocking":
        return { kind: "blocks" };
      case "non-blocking":
        return { kind: "not" };
      case "by-context":
        return { kind: "blocks", ctxNone: IN_INTERRUPT };
      case "argument": {
        const p = this.terms.pool;
        // Arguments of a pure call are paired from the left: the last one is on the outside.
        let args = arg;
        const list: number[] = [];
        while (args > 0 && p.kind(args) === E.Pair) {
          list.unshift(p.b(args));
          args = p.a(args);
        }
        list.unshift(args);
        const a = list[f.arg];
        return a === undefined ? { kind: "unknown" } : this.gfp(a, k, bits);
      }
    }
  }

  /** A context test as the condition of a choice: bits that it rules out, and whether it does so by being false. */
  private contextTest(e: number): { absent: number; whenFalse: boolean } | null {
    const p = this.terms.pool;
    if (p.kind(e) === E.Unary && p.b(e) === Op.Not) {
      const inner = this.contextTest(p.a(e));
      return inner && { ...inner, whenFalse: !inner.whenFalse };
    }
    if (p.kind(e) === E.Binary && p.c(e) === Op.LogOr) {
      const x = this.contextTest(p.a(e));
      const y = this.contextTest(p.b(e));
      return x && y && x.whenFalse && y.whenFalse ? { absent: x.absent | y.absent, whenFalse: true } : null;
    }
    if (p.kind(e) !== E.Pure) return null;
    const test = this.tables.contextTests.get(this.terms.text(p.a(e)));
    return test ? { absent: test.falseMeansNone, whenFalse: !test.negate } : null;
  }

  /** What a fact about gfp flags says of them, if it is one: the flags' value term when they are known to block. */
  blockingFlagsOf(fact: number, truth: number): number {
    const p = this.terms.pool;
    if (truth !== NONZERO) return 0;
    if (p.kind(fact) === E.Pure && this.terms.text(p.a(fact)) === "gfpflags_allow_blocking") return p.b(fact);
    if (
      p.kind(fact) === E.Binary &&
      p.c(fact) === Op.And &&
      p.kind(p.b(fact)) === E.Var &&
      RECLAIM.has(this.terms.text(p.a(p.b(fact))))
    )
      return p.a(fact);
    return 0;
  }

  /** What the path has learnt of a gfp value by testing it. */
  private reclaimFact(e: number, k: Knowledge): number {
    const p = this.terms.pool;
    const { facts } = k;
    for (let i = 0; i < facts.length; i += 2) {
      const t = facts[i];
      const f = facts[i + 1];
      if (p.kind(t) === E.Pure && p.b(t) === e && this.terms.text(p.a(t)) === "gfpflags_allow_blocking")
        return f;
      if (p.kind(t) === E.Binary && p.a(t) === e && p.kind(p.b(t)) === E.Var) {
        const name = this.terms.text(p.a(p.b(t)));
        if (p.c(t) === Op.And && RECLAIM.has(name)) return f;
        // gfp == GFP_KERNEL, gfp == GFP_ATOMIC
        if (p.c(t) === Op.Eq && f === NONZERO) {
          const b = this.tables.gfp.get(name);
          if (b !== undefined) return b ? NONZERO : ZERO;
        }
      }
    }
    return 0;
  }

  private clearsReclaim(mask: number): boolean {
    const p = this.terms.pool;
    if (p.kind(mask) !== E.Unary || p.b(mask) !== Op.Compl) return false;
    const names = (e: number): boolean => {
      if (p.kind(e) === E.Var)
        return RECLAIM.has(this.terms.text(p.a(e))) || this.terms.text(p.a(e)) === "GFP_KERNEL";
      if (p.kind(e) === E.Binary && p.c(e) === Op.Or) return names(p.a(e)) || names(p.b(e));
      return false;
    };
    return names(p.a(mask));
  }

  /**
   * What must hold, in terms of parameters, for a value term to be true (or false): conditions for the summary, or null
   * when the path knows the contrary. `undecided` is set when part of it cannot be said.
   */
  require(
    e: number,
    truth: boolean,
    k: Knowledge,
    bits: number,
  ): { atoms: Atom[]; gfp: number[]; undecided: boolean } | null {
    const out = { atoms: [] as Atom[], gfp: [] as number[], undecided: false };
    const p = this.terms.pool;
    const known = this.truth(e, k, bits);
    if (known !== 0) return (known === NONZERO) === truth ? out : null;
    if (p.kind(e) === E.Unary && p.b(e) === Op.Not) return this.require(p.a(e), !truth, k, bits);
    if (p.kind(e) === E.Pure && this.terms.text(p.a(e)) === "gfpflags_allow_blocking" && truth) {
      const g = this.gfp(p.b(e), k, bits);
      if (g.kind === "parameter") out.gfp.push(...g.terms!);
      else out.undecided = true;
      return out;
    }
    if (
      p.kind(e) === E.Binary &&
      p.c(e) === Op.And &&
      truth &&
      p.kind(p.b(e)) === E.Var &&
      RECLAIM.has(this.terms.text(p.a(p.b(e))))
    ) {
      const g = this.gfp(p.a(e), k, bits);
      if (g.kind === "parameter") out.gfp.push(...g.terms!);
      else out.undecided = true;
      return out;
    }
    const s = this.terms.toShared(e);
    if (s >= 0 && this.terms.shared.hasParam(s)) out.atoms.push({ term: s, truth });
    else out.undecided = true;
    return out;
  }
}
