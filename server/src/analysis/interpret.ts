/**
 * Runs one function's flow program over abstract path states and collects what it does to locks, where it may sleep under
 * a context that it entered itself (raw findings), and how it may sleep for its callers (summary entries).
 *
 * Paths that hold the same locks are joined where they meet; paths that hold different ones are followed separately up to
 * a cap. A loop is run until nothing new comes out of it.
 */
import { E, Op } from "../facts/expr.js";
import { CallFlag, type Flow, I } from "../facts/flow.js";
import { Fn, FnFlag } from "../facts/outline.js";
import {
  ATOMIC,
  Ctx,
  IN_INTERRUPT,
  type LockPrimitive,
  type SleepCondition,
  type Sleeper,
} from "../kernel/types.js";
import { CONTEXT_FLAG, Conditions } from "./conditions.js";
import { buildEffects, type Exit } from "./effects.js";
import { findToken, releaseToken, tokenNumbers } from "./locks.js";
import type { Observer } from "./observer.js";
import { R, rankOf } from "./reasons.js";
import { PathState, type Token } from "./state.js";
import {
  type AcquireRef,
  type Atom,
  type Effect,
  EMPTY,
  type HeldContext,
  type LockRef,
  type RawFinding,
  type SleepEntry,
  type Summary,
} from "./summary.js";
import { NONZERO, Terms, ZERO } from "./terms.js";
import type { World } from "./world.js";

/** Most paths that are kept apart at one place. */
const MOST_STATES = 16;
/** Most entries of a summary, paths of a finding. */
export const MOST_ENTRIES = 16;
export const MOST_PATHS = 16;
/** Most times that one place is run: beyond it, knowledge is thrown away to end the loop. */
const MOST_VISITS = 60;
/** Longest chain. */
const LONGEST = 16;

export interface FnResult {
  summary: Summary;
  findings: RawFinding[];
  /** Functions called, for the order of solving and for invalidation. */
  callees: Set<number>;
  resolved: number;
  unresolved: number;
  undecided: number;
  capped: number;
}

/** A sleep met at a call, in terms of this function, before its conditions have been looked at. */
interface Sleep {
  /** The callee's name as written at the call. */
  written: string;
  next: SleepEntry | null;
  via: SleepEntry["via"];
  sinkFn: number;
  sinkAt: number;
  sinkEnd: number;
  sinkName: string;
  why: string;
  allocation: boolean;
  /** gfp and conditions as raw terms of this function. */
  gfp: number[];
  atoms: { term: number; truth: boolean }[];
  ctxNone: number;
  dropped: LockRef[];
  droppedRaw: number[];
  reasons: number;
  note: string;
  length: number;
  viaParam: number;
}

export class Interpreter {
  readonly t: Terms;
  private readonly cond: Conditions;
  /** Is told what happens on the way, for explanations; set before `run`. */
  observer: Observer | null = null;
  private readonly tokens = tokenNumbers();
  private readonly states = new Map<number, PathState[]>();
  private readonly visits = new Map<number, number>();
  private readonly queue: number[] = [];
  private readonly queued = new Set<number>();
  private readonly entries = new Map<string, SleepEntry>();
  private readonly raw = new Map<string, RawFinding>();
  private readonly rawEntries = new Map<RawFinding, Map<string, SleepEntry>>();
  /** Call sites reached without any atomic context of our own. */
  private readonly bareAt = new Set<number>();
  private readonly exits: Exit[] = [];
  private readonly relevant = new Set<number>();
  /** Branches that decide whether a loop goes on, and the values that they test: waiting for a state is not depending on it. */
  private readonly loopBranches = new Set<number>();
  private readonly loopConditions = new Set<number>();
  private readonly joins = new Set<number>();
  private readonly worth = new Map<number, boolean>();
  /** How many conditions a variable or field occurs in, choices between values among them. */
  private readonly inConditions = new Map<number, number>();
  private readonly result: FnResult = {
    summary: EMPTY,
    findings: [],
    callees: new Set(),
    resolved: 0,
    unresolved: 0,
    undecided: 0,
    capped: 0,
  };
  private readonly counted = new Set<number>();
  private readonly file;

  constructor(
    private readonly world: World,
    private readonly fn: number,
    private readonly flow: Flow,
    private readonly exportsSleeps: boolean,
  ) {
    const { program } = world;
    this.file = program.fnFile(fn);
    this.t = new Terms(flow, program, this.file, world.shared, (program.fnFlags(fn) & FnFlag.Macro) !== 0);
    this.cond = new Conditions(
      this.t,
      world.tables,
      (name) => world.gfpAlias(name, this.file),
      (name) => world.constant(name, this.file),
    );
    this.findRelevant();
    this.findJoins();
  }

  run(): FnResult {
    const entry = PathState.entry();
    this.entryAnnotations(entry);
    this.arrive(0, entry);
    while (this.queue.length > 0) {
      // Lowest place first: the order of the text is nearly topological, and it makes the run deterministic.
      let best = 0;
      for (let i = 1; i < this.queue.length; i++) if (this.queue[i] < this.queue[best]) best = i;
      const pc = this.queue[best];
      this.queue[best] = this.queue[this.queue.length - 1];
      this.queue.pop();
      this.queued.delete(pc);
      const here = this.states.get(pc)!;
      for (const s of here.slice()) this.runFrom(pc, s.clone());
    }
    return this.finish();
  }

  /** Terms whose value matters later: used in a condition, an argument, a callee, a return value or another value. */
  private findRelevant(): void {
    const { flow } = this;
    const p = this.t.pool;
    const mark = (e: number): void => {
      if (e <= 0 || this.relevant.has(e)) return;
      this.relevant.add(e);
      switch (p.kind(e)) {
        case E.Addr:
        case E.Deref:
        case E.Field:
        case E.Unary:
          mark(p.a(e));
          break;
        case E.Cast:
          mark(p.b(e));
          break;
        case E.Index:
        case E.Binary:
        case E.Pair:
          mark(p.a(e));
          mark(p.b(e));
          break;
        case E.Cond: {
          const leaves: number[] = [];
          this.leavesOf(p.a(e), leaves);
          for (const l of new Set(leaves)) this.inConditions.set(l, (this.inConditions.get(l) ?? 0) + 1);
          mark(p.a(e));
          mark(p.b(e));
          mark(p.c(e));
          break;
        }
        case E.Pure:
          if (p.b(e) >= 0) mark(p.b(e));
          break;
      }
    };
    const c = flow.code;
    const heads = new Set<number>();
    const branches: number[] = [];
    for (let pc = 0; pc < flow.length; pc += flow.size(pc)) {
      const q = flow.base + pc;
      if (c[q] === I.Branch) {
        branches.push(pc);
        if (c[q + 2] <= pc || c[q + 3] <= pc) this.loopBranches.add(pc);
      }
      if (c[q] === I.Jump && c[q + 1] <= pc) heads.add(c[q + 1]);
      switch (c[q]) {
        case I.Call:
          mark(c[q + 2]);
          for (let i = 0; i < c[q + 6]; i++) mark(c[q + 7 + i]);
          break;
        case I.GuardEnter:
          for (let i = 0; i < c[q + 6]; i++) mark(c[q + 7 + i]);
          break;
        case I.Assign:
          mark(c[q + 2]);
          break;
        case I.Branch:
        case I.Return:
        case I.Switch:
          if (c[q] !== I.Return) {
            const leaves: number[] = [];
            this.leavesOf(c[q + 1], leaves);
            for (const l of new Set(leaves)) this.inConditions.set(l, (this.inConditions.get(l) ?? 0) + 1);
          }
          mark(c[q + 1]);
          break;
      }
    }
    for (const head of heads) {
      const first = branches.find((pc) => pc >= head);
      if (first !== undefined) this.loopBranches.add(first);
    }
  }

  /** Places that more than one instruction goes to. */
  private findJoins(): void {
    const { flow } = this;
    const c = flow.code;
    const seen = new Set<number>([0]);
    const target = (pc: number): void => {
      if (seen.has(pc)) this.joins.add(pc);
      else seen.add(pc);
    };
    this.joins.add(0);
    for (let pc = 0; pc < flow.length; pc += flow.size(pc)) {
      const q = flow.base + pc;
      if (c[q] === I.Jump) target(c[q + 1]);
      else if (c[q] === I.Branch) {
        target(c[q + 2]);
        target(c[q + 3]);
      } else if (c[q] === I.Switch) for (let i = 0; i < c[q + 2]; i++) target(c[q + 4 + 2 * i]);
    }
  }

  /**
   * Whether what a branch proves can matter later: its variables occur in another condition, or it is about parameters and
   * goes into our summary. Everything else would only be carried along.
   */
  private worthKnowing(cond: number): boolean {
    const hit = this.worth.get(cond);
    if (hit !== undefined) return hit;
    const p = this.t.pool;
    const leaves: number[] = [];
    this.leavesOf(cond, leaves);
    const ok = leaves.some(
      (l) =>
        (this.inConditions.get(l) ?? 0) > 1 ||
        (this.exportsSleeps && this.t.isParam(l)) ||
        p.kind(l) === E.Pure,
    );
    this.worth.set(cond, ok);
    return ok;
  }

  private leavesOf(e: number, out: number[]): void {
    const p = this.t.pool;
    switch (p.kind(e)) {
      case E.Var:
      case E.Call:
        out.push(e);
        break;
      case E.Field:
        out.push(e);
        this.leavesOf(p.a(e), out);
        break;
      case E.Addr:
      case E.Deref:
      case E.Unary:
        this.leavesOf(p.a(e), out);
        break;
      case E.Cast:
        this.leavesOf(p.b(e), out);
        break;
      case E.Index:
      case E.Binary:
      case E.Pair:
        this.leavesOf(p.a(e), out);
        this.leavesOf(p.b(e), out);
        break;
      case E.Cond:
        this.leavesOf(p.a(e), out);
        this.leavesOf(p.b(e), out);
        this.leavesOf(p.c(e), out);
        break;
      case E.Pure:
        out.push(e);
        if (p.b(e) >= 0) this.leavesOf(p.b(e), out);
        break;
    }
  }

  private arrive(pc: number, s: PathState): void {
    let here = this.states.get(pc);
    if (!here) {
      here = [];
      this.states.set(pc, here);
    }
    const key = s.lockKey;
    const same = here.find((h) => h.lockKey === key);
    if (same) {
      const n = this.visits.get(pc) ?? 0;
      if (n > MOST_VISITS) {
        if (!same.forgetAll()) return;
      } else {
        const telling = this.tellingFact(same, s);
        const initial = (place: number): number => this.t.initial(place);
        if (!same.joinKnowledge(s, (a, b) => this.either(a, b, telling), initial)) return;
      }
    } else {
      if (here.length >= MOST_STATES) {
        this.result.capped++;
        return;
      }
      here.push(s);
    }
    this.visits.set(pc, (this.visits.get(pc) ?? 0) + 1);
    if (!this.queued.has(pc)) {
      this.queued.add(pc);
      this.queue.push(pc);
    }
  }

  /** A condition on parameters that was true on one of two paths and false on the other: positive when true on the first. */
  private tellingFact(x: PathState, y: PathState): number {
    if (x.facts === y.facts) return 0;
    for (const [e, f] of x.facts) {
      const g = y.facts.get(e);
      if (g === undefined || g === f) continue;
      const t = this.t.toShared(e);
      if (t >= 0 && this.world.shared.hasParam(t)) return f === NONZERO ? e : -e;
    }
    return 0;
  }

  /**
   * A term for "one of these two": kept only for small values such as flags, where it is worth something. With a condition
   * that tells the two paths apart it is a choice by that condition.
   */
  private either(a: number, b: number, telling: number): number {
    const p = this.t.pool;
    if (a === b) return a;
    if (a === 0 || b === 0) return 0;
    const small = (e: number): boolean => {
      const k = p.kind(e);
      return k === E.Int || k === E.Var || k === E.Param || (k === E.Binary && p.c(e) === Op.Or);
    };
    if (telling !== 0 && small(a) && small(b))
      return telling > 0 ? p.make(E.Cond, telling, a, b) : p.make(E.Cond, -telling, b, a);
    const [x, y] = a < b ? [a, b] : [b, a];
    if (small(x) && small(y)) return p.make(E.Cond, 0, x, y);
    // One more alternative that is already in there changes nothing.
    for (const [c, o] of [
      [a, b],
      [b, a],
    ]) {
      if (p.kind(c) === E.Cond && p.a(c) === 0 && (p.b(c) === o || p.c(c) === o)) return c;
    }
    return 0;
  }

  /** Goes on at a place: at once where nothing else can arrive there, else by way of the join. */
  private go(pc: number, s: PathState, work: { pc: number; s: PathState }[]): void {
    if (this.joins.has(pc)) this.arrive(pc, s);
    else work.push({ pc, s });
  }

  /** Runs a state from a place to the next joins. */
  private runFrom(start: number, first: PathState): void {
    const work: { pc: number; s: PathState }[] = [{ pc: start, s: first }];
    const { flow } = this;
    const c = flow.code;
    let fuel = 2000;
    while (work.length > 0) {
      let { pc, s } = work.pop()!;
      for (;;) {
        if (pc >= flow.length || fuel-- <= 0) break;
        const q = flow.base + pc;
        const op = c[q];
        this.observer?.step(pc, s);
        if (op === I.Jump) {
          this.go(c[q + 1], s, work);
          break;
        }
        if (op === I.Branch) {
          this.branch(pc, c[q + 1], c[q + 2], c[q + 3], s, work);
          break;
        }
        if (op === I.Switch) {
          this.switch(q, s, work);
          break;
        }
        if (op === I.Return) {
          this.exits.push({ state: s, value: c[q + 1] < 0 ? -1 : this.t.value(c[q + 1], s) });
          break;
        }
        if (op === I.Call) {
          const out = this.call(q, s);
          pc += 7 + c[q + 6];
          if (out.length === 0) break;
          for (let i = 1; i < out.length; i++) work.push({ pc, s: out[i] });
          s = out[0];
          continue;
        }
        if (op === I.Assign) this.assign(c[q + 1], c[q + 2], s);
        else if (op === I.GuardEnter) this.guardEnter(q, s);
        else if (op === I.GuardExit) this.guardExit(c[q + 1], s);
        pc += flow.size(pc);
      }
    }
  }

  private branch(
    pc: number,
    cond: number,
    yes: number,
    no: number,
    s: PathState,
    work: { pc: number; s: PathState }[],
  ): void {
    const v = cond === 0 ? 0 : this.t.value(cond, s);
    if (this.loopBranches.has(pc)) this.loopConditions.add(v);
    const truth = this.cond.truth(v, s, s.bits);
    if (truth !== ZERO) {
      const a = truth === NONZERO ? s : s.clone();
      if (this.worthKnowing(cond)) this.cond.assume(v, true, a);
      this.go(yes, a, work);
    }
    if (truth !== NONZERO) {
      if (this.worthKnowing(cond)) this.cond.assume(v, false, s);
      this.go(no, s, work);
    }
  }

  private switch(q: number, s: PathState, work: { pc: number; s: PathState }[]): void {
    const c = this.flow.code;
    const p = this.t.pool;
    const v = this.t.value(c[q + 1], s);
    const n = c[q + 2];
    if (p.kind(v) === E.Int) {
      let fallback = -1;
      for (let i = 0; i < n; i++) {
        const e = c[q + 3 + 2 * i];
        if (e === -1) fallback = c[q + 4 + 2 * i];
        else {
          const ce = this.t.value(e, s);
          if (p.kind(ce) !== E.Int) fallback = -2;
          else if (p.a(ce) === p.a(v)) {
            this.go(c[q + 4 + 2 * i], s, work);
            return;
          }
        }
      }
      if (fallback >= 0) {
        this.go(fallback, s, work);
        return;
      }
    }
    // A constant by name goes to its own case and no other.
    for (let i = 0; i < n; i++) {
      const e = c[q + 3 + 2 * i];
      if (
        e >= 0 &&
        v !== 0 &&
        v === this.t.value(e, s) &&
        p.kind(v) === E.Var &&
        this.t.isConstantName(p.a(v))
      ) {
        this.go(c[q + 4 + 2 * i], s, work);
        return;
      }
    }
    for (let i = 0; i < n; i++) {
      const e = c[q + 3 + 2 * i];
      const a = s.clone();
      if (e >= 0 && v !== 0) {
        const test = p.make(E.Binary, v, this.t.value(e, s), Op.Eq);
        const truth = this.cond.truth(test, s, s.bits);
        if (truth === ZERO) continue;
        this.cond.assume(test, true, a);
      }
      this.go(c[q + 4 + 2 * i], a, work);
    }
  }

  private assign(target: number, value: number, s: PathState): void {
    const place = this.t.place(target, s);
    if (place === 0) return;
    if (!this.relevant.has(target) && this.t.pool.kind(target) === E.Var) return;
    let v = this.t.value(value, s);
    if (this.t.mentions(v, place)) v = 0;
    // Facts about what the place held before do not speak of its new value.
    if (this.t.pool.kind(value) === E.Unknown) {
      s.forget((f) => this.t.mentions(f, value));
    }
    s.forget((f) => this.t.mentions(f, place));
    s.setEnv(place, v);
  }

  // ---- locks ----------------------------------------------------------------------------------------------------

  private lockRef(raw: number, value: number, adds: number, kind: Token["kind"]): LockRef {
    const bare = this.bareLock(value);
    return {
      term: bare === 0 ? -1 : this.t.toShared(bare),
      adds,
      kind,
      cls: raw === 0 ? "" : this.t.lockClass(raw, value),
      last: raw === 0 ? "" : this.t.lastName(raw),
    };
  }

  /** `&lock` and `lock` name the same lock. */
  private bareLock(v: number): number {
    return v > 0 && this.t.pool.kind(v) === E.Addr ? this.t.pool.a(v) : v;
  }

  private makeToken(
    raw: number,
    s: PathState,
    adds: number,
    kind: Token["kind"],
    how: string,
    at: number,
    end: number,
  ): Token {
    const value = this.bareLock(raw === 0 ? 0 : this.t.value(raw, s));
    const shown = raw === 0 ? "" : this.t.show(raw).replace(/^&/, "");
    return {
      id: this.tokens(at, value, adds),
      key: value,
      raw: this.bareLock(raw),
      adds,
      kind,
      how,
      lock: shown,
      cls: raw === 0 ? "" : this.t.lockClass(raw, value),
      last: raw === 0 ? "" : this.t.lastName(raw),
      at,
      end,
      through: [],
      reasons: 0,
      entry: false,
      guard: -1,
    };
  }

  /** Takes a lock: pays back one that was dropped, or adds a token. */
  private acquire(token: Token, s: PathState): void {
    const i = this.matchDropped(token, s);
    if (i >= 0) {
      s.dropped = s.dropped.filter((_, k) => k !== i);
      return;
    }
    if (s.tokens.some((t) => t.id === token.id)) return;
    if (s.tokens.length >= 12) {
      this.result.capped++;
      return;
    }
    s.tokens = [...s.tokens, token];
  }

  private matchDropped(token: Token, s: PathState): number {
    if (s.dropped.length === 0) return -1;
    const term = token.key === 0 ? -1 : this.t.toShared(token.key);
    for (let i = s.dropped.length - 1; i >= 0; i--) {
      const d = s.dropped[i];
      if (d.term >= 0 && d.term === term) return i;
    }
    for (let i = s.dropped.length - 1; i >= 0; i--) {
      const d = s.dropped[i];
      if (d.last === token.last && (d.kind === token.kind || d.last === "")) return i;
    }
    return -1;
  }

  private release(raw: number, s: PathState, adds: number, kind: Token["kind"]): void {
    const value = raw === 0 ? 0 : this.bareLock(this.t.value(raw, s));
    const last = raw === 0 ? "" : this.t.lastName(raw);
    const left = releaseToken(s.tokens, {
      key: value,
      raw: this.bareLock(raw),
      last,
      cls: raw === 0 ? "" : this.t.lockClass(raw, value),
      adds,
      kind,
    });
    if (left) {
      const entry = s.tokens.find((t) => t.entry && !left.includes(t));
      s.tokens = left;
      if (entry) s.dropped = [...s.dropped, this.lockRef(raw, value, adds, kind)];
      return;
    }
    if (adds === 0) return;
    if (s.dropped.length < 6) s.dropped = [...s.dropped, this.lockRef(raw, value, adds, kind)];
  }

  private guardEnter(q: number, s: PathState): void {
    const c = this.flow.code;
    const cls = this.t.text(c[q + 2]);
    const guard = this.world.tables.guards.get(cls);
    const at = c[q + 4];
    const end = c[q + 5];
    const args: number[] = [];
    for (let i = 0; i < c[q + 6]; i++) args.push(c[q + 7 + i]);
    if (!guard) return;
    if (guard.sleeps) {
      this.sleep(s, at, end, this.direct(`guard(${cls})`, `the ${cls} guard may sleep`, at, end), []);
    }
    if (guard.adds === 0) return;
    const token = this.makeToken(args[0] ?? 0, s, guard.adds, guard.kind, `guard(${cls})`, at, end);
    token.guard = c[q + 1];
    this.acquire(token, s);
  }

  private guardExit(number: number, s: PathState): void {
    s.tokens = s.tokens.filter((t) => t.guard !== number);
  }

  /** Locks that annotations say are held on entry. */
  private entryAnnotations(s: PathState): void {
    const { program } = this.world;
    const o = this.file.outline;
    const fns = [
      this.fn,
      ...program.prototypesOf(program.fnName(this.fn)).filter((f) => program.fnFile(f) === this.file),
    ];
    for (const fn of fns) {
      const first = program.fnColumn(fn, Fn.annotFirst);
      const count = program.fnColumn(fn, Fn.annotCount);
      let held = "";
      let releases = "";
      for (let i = first; i < first + count; i++) {
        const kind = o.annots[i * 2];
        const text = program.names.text(o.annots[i * 2 + 1]);
        if (kind === 3) held = text;
        if (kind === 2) releases = text;
      }
      const text = held || releases;
      if (!text || /^(local|RCU|rcu|bitlock)$/.test(text)) continue;
      const term = this.parseLockText(text);
      if (term === 0) continue;
      const type = this.t.typeOf(term);
      const lt = type ? this.world.tables.lockTypes.get(program.names.text(type.name)) : undefined;
      if (!lt?.atomic) continue;
      const start = 0;
      const token = this.makeToken(
        term,
        s,
        Ctx.Preempt,
        lt.kind as Token["kind"],
        held ? "__must_hold" : "__releases",
        start,
        start + 1,
      );
      token.entry = true;
      token.reasons = R.annotation;
      s.tokens = [...s.tokens, token];
      return;
    }
  }

  /** `&foo->bar.lock` as a term. */
  private parseLockText(text: string): number {
    const m = /^\s*&?\(?\s*([A-Za-z_]\w*)((?:\s*(?:->|\.)\s*[A-Za-z_]\w*)*)\s*\)?\s*$/.exec(text);
    if (!m) return 0;
    const p = this.t.pool;
    let e = p.make(E.Var, this.nameIndex(m[1]));
    for (const f of m[2].match(/[A-Za-z_]\w*/g) ?? []) e = p.make(E.Field, e, this.nameIndex(f));
    return e;
  }

  private nameIndex(text: string): number {
    return this.t.indexOf(text);
  }

  // ---- calls ----------------------------------------------------------------------------------------------------

  /** Runs a call; returns the states after it (none: it does not return). */
  private call(q: number, s: PathState): PathState[] {
    const c = this.flow.code;
    const number = c[q + 1];
    const callee = c[q + 2];
    const at = c[q + 4];
    const end = c[q + 5];
    const args: number[] = [];
    for (let i = 0; i < c[q + 6]; i++) args.push(c[q + 7 + i]);
    this.conditionalCall = (c[q + 3] & CallFlag.Conditional) !== 0;
    this.forgetCall(number, s);
    this.forgetOuts(number, args, s);
    const p = this.t.pool;
    if (p.kind(callee) === E.Var) {
      const name = this.t.text(p.a(callee));
      if (!this.t.isLocal(p.a(callee)))
        return this.namedCall(name, this.t.global(p.a(callee)), number, at, end, args, s, c[q + 3]);
      const v = this.t.value(callee, s);
      if (p.kind(v) === E.Var && !this.t.isLocal(p.a(v)))
        return this.functionCall(
          this.world.program.resolve(this.t.global(p.a(v)), this.file),
          number,
          at,
          end,
          args,
          s,
          R["function-pointer"],
          "pointer",
          this.t.text(p.a(v)),
        );
      return this.unknownPointer(v, callee, number, at, end, args, s);
    }
    const v = this.t.value(callee, s);
    if (v > 0 && p.kind(v) === E.Var && !this.t.isLocal(p.a(v))) {
      return this.functionCall(
        this.world.program.resolve(this.t.global(p.a(v)), this.file),
        number,
        at,
        end,
        args,
        s,
        R["function-pointer"],
        "pointer",
        this.t.text(p.a(v)),
      );
    }
    return this.unknownPointer(v, callee, number, at, end, args, s);
  }

  /** The result of a call that runs again is a new value. */
  private forgetCall(number: number, s: PathState): void {
    s.forget((f) => this.t.mentionsCall(f, number));
  }

  /** Variables whose address is passed have a new value. */
  private forgetOuts(number: number, args: readonly number[], s: PathState): void {
    const p = this.t.pool;
    for (let i = 0; i < args.length; i++) {
      if (args[i] > 0 && p.kind(args[i]) === E.Addr) {
        const target = p.a(args[i]);
        if (p.kind(target) === E.Var && this.relevant.has(target)) {
          s.forget((f) => this.t.mentions(f, target));
          s.setEnv(target, p.make(E.Out, number, i));
        }
      }
    }
  }

  private count(at: number, resolved: boolean): void {
    if (this.counted.has(at)) return;
    this.counted.add(at);
    if (!resolved) this.observer?.unresolved(at);
    if (resolved) this.result.resolved++;
    else this.result.unresolved++;
  }

  private namedCall(
    name: string,
    global: number,
    number: number,
    at: number,
    end: number,
    args: readonly number[],
    s: PathState,
    flags: number,
  ): PathState[] {
    const { tables, program } = this.world;
    // A static function of this file hides a primitive of the same name.
    const own = program.resolve(global, this.file);
    const hidden =
      own.length > 0 &&
      program.fnFile(own[0]) === this.file &&
      own[0] !== this.fn &&
      (program.fnFlags(own[0]) & FnFlag.Static) !== 0 &&
      !this.file.header;
    if (!hidden) {
      const lock = tables.locks.get(name);
      if (lock) {
        this.count(at, true);
        const sleeper = tables.sleepers.get(name);
        if (sleeper) this.tableSleep(sleeper, number, at, end, args, s);
        else if (lock.sleeps && lock.op !== "release" && lock.op !== "try")
          this.sleep(s, at, end, this.direct(name, "takes a sleeping lock", at, end), []);
        return this.primitive(lock, number, at, end, args, s);
      }
      if (tables.noReturn.has(name)) return [];
      if (tables.hardStops.has(name) || tables.neverSleeps.has(name)) {
        this.count(at, true);
        return [s];
      }
      const assertion = tables.assertions.get(name);
      if (assertion) {
        this.count(at, true);
        this.assertion(name, assertion, at, end, args, s);
        return [s];
      }
      const sleeper = tables.sleepers.get(name);
      if (sleeper) {
        this.count(at, true);
        if (sleeper.boundary || own.length === 0) {
          this.tableSleep(sleeper, number, at, end, args, s);
          return [s];
        }
        // The source says it better than the table, where it says anything.
        const derived = own.some(
          (f) => this.world.summaryOf(f).sleeps.length > 0 || this.world.summaryOf(f).effects.length > 0,
        );
        if (!derived) this.tableSleep(sleeper, number, at, end, args, s);
      }
    }
    void flags;
    return this.functionCall(own, number, at, end, args, s, 0, "call", name);
  }

  private primitive(
    lock: LockPrimitive,
    number: number,
    at: number,
    end: number,
    args: readonly number[],
    s: PathState,
  ): PathState[] {
    const p = this.t.pool;
    const raw = !lock.lock
      ? 0
      : lock.lock.from === "return"
        ? p.make(E.Call, number)
        : lock.lock.from === "out"
          ? this.outPlace(args[lock.lock.index])
          : (args[lock.lock.index] ?? 0);
    const make = (st: PathState): Token => {
      const token = this.makeToken(raw, st, lock.adds, lock.kind, lock.name, at, end);
      if (lock.lock?.from === "return") {
        token.lock = lock.name;
        token.last = "ptl";
      }
      return token;
    };
    switch (lock.op) {
      case "acquire":
        if (lock.adds !== 0) this.acquire(make(s), s);
        return [s];
      case "release":
        this.release(raw, s, lock.adds, lock.kind);
        return [s];
      case "try":
      case "conditional": {
        if (lock.adds === 0) return [s];
        const result = p.make(E.Call, number);
        const heldNonzero =
          lock.heldWhen === undefined || lock.heldWhen === "nonzero" || lock.heldWhen === "nonnull";
        const held = s.clone();
        this.acquire(make(held), held);
        held.setFact(result, heldNonzero ? NONZERO : ZERO);
        s.setFact(result, heldNonzero ? ZERO : NONZERO);
        return [held, s];
      }
      case "conditional-release":
        this.release(raw, s, lock.adds, lock.kind);
        return [s];
      default:
        return [s];
    }
  }

  private outPlace(arg: number | undefined): number {
    if (arg === undefined) return 0;
    const p = this.t.pool;
    return p.kind(arg) === E.Addr ? p.a(arg) : p.make(E.Deref, arg);
  }

  private assertion(
    name: string,
    a: { says: string; arg?: number },
    at: number,
    end: number,
    args: readonly number[],
    s: PathState,
  ): void {
    const raw = args[a.arg ?? 0] ?? 0;
    let adds = 0;
    let kind: Token["kind"] = "spinlock";
    switch (a.says) {
      case "spinlock-held":
        adds = Ctx.Preempt;
        break;
      case "lock-held-by-type": {
        const type = this.t.typeOf(raw);
        const lt = type
          ? this.world.tables.lockTypes.get(this.world.program.names.text(type.name))
          : undefined;
        if (!lt?.atomic) return;
        adds = Ctx.Preempt;
        kind = lt.kind as Token["kind"];
        break;
      }
      case "irq-off":
        adds = Ctx.Irq;
        kind = "irq-off";
        break;
      case "preempt-off":
        adds = Ctx.Preempt;
        kind = "preempt-off";
        break;
      case "softirq":
        adds = Ctx.Softirq;
        kind = "softirq";
        break;
      default:
        return;
    }
    const lockArg = a.says === "spinlock-held" || a.says === "lock-held-by-type" ? raw : 0;
    const token = this.makeToken(lockArg, s, adds, kind, name, at, end);
    if (findToken(s.tokens, { key: token.key, raw: token.raw, last: token.last, adds, kind }) >= 0) return;
    // Asserted in the middle of a function that dropped it: the assertion is about another moment.
    if (s.dropped.length > 0) return;
    token.entry = true;
    token.reasons = R.assertion;
    if (!s.tokens.some((t) => t.id === token.id)) s.tokens = [...s.tokens, token];
  }

  private direct(name: string, why: string, at: number, end: number): Sleep {
    return {
      written: name,
      next: null,
      via: "call",
      sinkFn: this.fn,
      sinkAt: at,
      sinkEnd: end,
      sinkName: name,
      why,
      allocation: false,
      gfp: [],
      atoms: [],
      ctxNone: 0,
      dropped: [],
      droppedRaw: [],
      reasons: 0,
      note: "",
      length: 1,
      viaParam: -1,
    };
  }

  private tableSleep(
    sl: Sleeper,
    number: number,
    at: number,
    end: number,
    args: readonly number[],
    s: PathState,
  ): void {
    void number;
    const e = this.direct(sl.name, whyOf(sl), at, end);
    e.allocation = sl.allocation;
    const c: SleepCondition = sl.condition;
    switch (c.kind) {
      case "always":
        break;
      case "gfp": {
        const g = args[c.arg];
        if (g === undefined) return;
        e.gfp.push(g);
        break;
      }
      case "arg": {
        const a = args[c.arg];
        if (a === undefined) return;
        if (c.above !== undefined) {
          const v = this.t.value(a, s);
          if (this.t.pool.kind(v) === E.Int) {
            if (this.t.pool.a(v) <= c.above) return;
          } else e.note = `if more than ${c.above}`;
          break;
        }
        e.atoms.push({ term: a, truth: !c.negate });
        break;
      }
      case "flag-absent": {
        const a = args[c.arg];
        if (a !== undefined && this.hasFlag(this.t.value(a, s), c.flags)) return;
        if (a !== undefined && this.t.pool.kind(this.t.value(a, s)) === E.Param)
          e.reasons |= R["flag-undecided"];
        break;
      }
      case "pagefault":
        e.ctxNone |= Ctx.PagefaultOff;
        break;
      case "unless-in-interrupt":
        e.ctxNone |= IN_INTERRUPT;
        if (/kv/.test(sl.name)) {
          e.reasons |= R["maybe-vmalloc"];
          e.note = "if the memory came from vmalloc";
        }
        break;
      case "last-reference":
        e.reasons |= R["last-reference"];
        e.note = "when the last reference goes";
        break;
      case "object": {
        const known = c.property ? this.world.propertyHolds(c.property, this.file) : null;
        // With `only` the property makes it sleep; otherwise the property makes it not sleep.
        if (c.property?.only ? known === false : known === true) return;
        if (known === null) e.reasons |= R["object-property"];
        e.note = `if ${c.what}`;
        break;
      }
      case "state":
        e.reasons |= R["state-guarded"];
        e.note = c.what;
        break;
      case "argc":
        if (args.length !== c.count) return;
        break;
      case "drops-lock": {
        if (c.gfp !== undefined && args[c.gfp] !== undefined) e.gfp.push(args[c.gfp]);
        if (c.lock.arg !== undefined && args[c.lock.arg] !== undefined) {
          let raw = args[c.lock.arg];
          if (c.lock.field !== undefined && raw > 0) {
            const p = this.t.pool;
            raw = p.make(E.Field, p.kind(raw) === E.Addr ? p.a(raw) : raw, this.nameIndex(c.lock.field));
          }
          const value = this.t.value(raw, s);
          const ref = this.lockRef(raw, value, Ctx.Preempt | Ctx.Irq | Ctx.Bh, "spinlock");
          e.dropped.push(ref);
          e.droppedRaw.push(raw);
        } else if (c.lock.rcu) {
          e.dropped.push({ term: -1, adds: Ctx.Rcu, kind: "rcu", cls: "", last: "" });
          e.droppedRaw.push(0);
        } else {
          // A named global, or whatever a command argument releases: the latest spinlock.
          e.dropped.push({
            term: -1,
            adds: Ctx.Preempt,
            kind: "spinlock",
            cls: "",
            last: c.lock.global ?? "",
          });
          e.droppedRaw.push(0);
        }
        break;
      }
    }
    if (this.conditionalCall) e.reasons |= R["config-dependent"];
    this.sleep(s, at, end, e, args);
  }

  private hasFlag(v: number, flags: readonly string[]): boolean {
    const p = this.t.pool;
    if (p.kind(v) === E.Var) return flags.includes(this.t.text(p.a(v)));
    if (p.kind(v) === E.Binary && p.c(v) === Op.Or)
      return this.hasFlag(p.a(v), flags) || this.hasFlag(p.b(v), flags);
    return false;
  }

  private unknownPointer(
    v: number,
    raw: number,
    number: number,
    at: number,
    end: number,
    args: readonly number[],
    s: PathState,
  ): PathState[] {
    const p = this.t.pool;
    if (v > 0 && p.kind(v) === E.Param) {
      this.count(at, true);
      const e = this.direct(this.t.show(raw), "calls the function that it is given", at, end);
      e.viaParam = p.a(v);
      e.via = "pointer";
      this.sleep(s, at, end, e, args);
      return [s];
    }
    if (p.kind(raw) === E.Field) {
      const type = this.t.typeOf(p.a(raw));
      if (type) {
        const { program } = this.world;
        const targets = this.world.pointerTargets(
          program.structName(type.name, this.file),
          this.t.global(p.b(raw)),
          this.file,
        );
        if (targets.fns.length > 0) {
          return this.functionCall(
            targets.fns,
            number,
            at,
            end,
            args,
            s,
            targets.reasons,
            "pointer",
            this.t.show(raw),
          );
        }
        if (targets.total > 0) {
          this.result.undecided++;
          this.observer?.manyTargets(at, targets.total);
        }
      }
    }
    this.count(at, false);
    return [s];
  }

  /** A call of one of these functions. */
  private functionCall(
    fns: readonly number[],
    number: number,
    at: number,
    end: number,
    args: readonly number[],
    s: PathState,
    reasons: number,
    via: SleepEntry["via"],
    name: string,
  ): PathState[] {
    const { program } = this.world;
    const live = fns.filter((f) => !(program.fnFlags(f) & FnFlag.ObjectMacro));
    if (live.length === 0) {
      const alias = this.aliasOf(fns, number, at, end, args, s);
      if (alias) return alias;
      this.count(at, false);
      return [s];
    }
    this.count(at, true);
    this.observer?.call(at, end, name, live, via);
    const atomic = (s.bits & ATOMIC) !== 0;
    let returns = false;
    const several = via === "pointer" ? 0 : live.length > 1 ? R["several-definitions"] : 0;
    const effects: (readonly Effect[])[] = [];
    const handed = args.filter((a) => this.isFunction(a));
    const handsOn = handed.length > 0;
    for (const a of handed) this.needFunction(a, atomic);
    const written = via === "pointer" ? (/\w+$/.exec(name)?.[0] ?? name) : name;
    const config =
      program.hasStub(program.fnName(live[0]), this.file) || this.conditionalCall ? R["config-dependent"] : 0;
    for (const f of live) {
      this.result.callees.add(f);
      if (f === this.fn) {
        returns = true;
        continue;
      }
      this.world.need(f, atomic, handsOn);
      const sum = this.world.summaryOf(f);
      const isMacro = (program.fnFlags(f) & FnFlag.Macro) !== 0;
      if (!sum.noReturn) returns = true;
      if (sum.effects.length > 0) effects.push(sum.effects);
      if (!this.exportsSleeps && !atomic) continue;
      for (const e of sum.sleeps)
        this.calleeSleep(
          e,
          written,
          number,
          at,
          end,
          args,
          s,
          reasons | several | config,
          isMacro && via === "call" ? "macro" : via,
        );
    }
    if (!returns) return live.length === 1 || via !== "pointer" ? [] : [s];
    // Several targets: what they do to locks is believed only when it is the same function or all of them do something.
    if (effects.length === 0 || (via === "pointer" && effects.length < live.length)) return [s];
    return this.applyEffects(effects[0], number, live[0], at, end, args, s);
  }

  /** A function that is handed on where it matters is called there, as far as we know. */
  private needFunction(arg: number, atomic: boolean): void {
    const p = this.t.pool;
    const e = p.kind(arg) === E.Addr ? p.a(arg) : arg;
    for (const f of this.world.program.resolve(this.t.global(p.a(e)), this.file))
      this.world.need(f, atomic, false);
  }

  /** Whether an argument is a function's name. */
  private isFunction(arg: number): boolean {
    const p = this.t.pool;
    const e = arg > 0 && p.kind(arg) === E.Addr ? p.a(arg) : arg;
    if (e <= 0 || p.kind(e) !== E.Var || this.t.isLocal(p.a(e))) return false;
    return this.world.program
      .definitionsOf(this.t.global(p.a(e)))
      .some((f) => (this.world.program.fnFlags(f) & (FnFlag.Macro | FnFlag.ObjectMacro)) === 0);
  }

  /** `#define foo bar`: a call of foo is one of bar. */
  private aliasOf(
    fns: readonly number[],
    number: number,
    at: number,
    end: number,
    args: readonly number[],
    s: PathState,
  ): PathState[] | null {
    const { program } = this.world;
    for (const f of fns) {
      const calls = program.calls(f);
      if (calls.length === 1 && (calls[0] & 1) === 0) {
        const target = calls[0] >> 1;
        const name = program.names.text(target);
        if (target === program.fnName(f) || this.aliasDepth > 3) continue;
        this.aliasDepth++;
        try {
          return this.namedCall(name, target, number, at, end, args, s, CallFlag.Used);
        } finally {
          this.aliasDepth--;
        }
      }
    }
    return null;
  }
  private aliasDepth = 0;
  /** The call at hand stands in one #if branch only. */
  private conditionalCall = false;

  private calleeSleep(
    e: SleepEntry,
    written: string,
    number: number,
    at: number,
    end: number,
    args: readonly number[],
    s: PathState,
    reasons: number,
    via: SleepEntry["via"],
  ): void {
    const result = this.t.pool.make(E.Call, number);
    // A chain through ourselves only repeats a shorter one.
    if (e.length >= LONGEST || passes(e, this.fn)) return;
    const raw = (t: number): number => this.t.fromShared(t, args, result);
    if (e.viaParam < 0 && s.tokens.length === 0) {
      // Known from here at least as well already: nothing to add.
      const old = this.entries.get(e.key);
      if (
        old &&
        old.length <= e.length + 1 &&
        old.gfp.length + old.atoms.length + old.dropped.length + old.ctxNone === 0 &&
        rankOf(old.reasons) >= rankOf(e.reasons | reasons)
      ) {
        this.bareAt.add(at);
        return;
      }
    }
    if (e.viaParam >= 0) {
      this.callbackSleep(e, written, at, end, args, s, reasons, via);
      return;
    }
    const sleep: Sleep = {
      written,
      next: e,
      via,
      sinkFn: e.sinkFn,
      sinkAt: e.sinkAt,
      sinkEnd: e.sinkEnd,
      sinkName: e.sinkName,
      why: e.why,
      allocation: e.allocation,
      gfp: e.gfp.map(raw),
      atoms: e.atoms.map((a) => ({ term: raw(a.term), truth: a.truth })),
      ctxNone: e.ctxNone,
      dropped: [...e.dropped],
      droppedRaw: e.dropped.map((d) => (d.term >= 0 ? raw(d.term) : 0)),
      reasons: e.reasons | reasons,
      note: e.note,
      length: e.length + 1,
      viaParam: -1,
    };
    this.sleep(s, at, end, sleep, args);
  }

  /** The callee calls its parameter: what the function passed for it does. */
  private callbackSleep(
    e: SleepEntry,
    written: string,
    at: number,
    end: number,
    args: readonly number[],
    s: PathState,
    reasons: number,
    via: SleepEntry["via"],
  ): void {
    const arg = args[e.viaParam];
    if (arg === undefined) return;
    const p = this.t.pool;
    let v = this.t.value(arg, s);
    if (p.kind(v) === E.Addr) v = p.a(v);
    const dropped = {
      dropped: [...e.dropped],
      droppedRaw: e.dropped.map((d) => (d.term >= 0 ? this.t.fromShared(d.term, args, 0) : 0)),
    };
    if (p.kind(v) === E.Param) {
      this.sleep(
        s,
        at,
        end,
        {
          ...this.direct(e.sinkName, e.why, e.sinkAt, e.sinkEnd),
          written,
          sinkFn: e.sinkFn,
          next: e,
          via,
          ctxNone: e.ctxNone,
          reasons: e.reasons | reasons,
          length: e.length + 1,
          viaParam: p.a(v),
          ...dropped,
        },
        args,
      );
      return;
    }
    if (p.kind(v) !== E.Var || this.t.isLocal(p.a(v))) return;
    const { program, tables } = this.world;
    const name = this.t.text(p.a(v));
    if (tables.neverSleeps.has(name) || tables.hardStops.has(name)) return;
    for (const f of program.resolve(this.t.global(p.a(v)), this.file)) {
      this.result.callees.add(f);
      this.world.need(f, (s.bits & ATOMIC) !== 0, false);
      for (const inner of this.world.summaryOf(f).sleeps) {
        if (inner.viaParam >= 0 || inner.gfp.length > 0) continue;
        const link: SleepEntry = {
          ...e,
          via: "pointer",
          next: inner,
          sinkFn: inner.sinkFn,
          sinkAt: inner.sinkAt,
          sinkEnd: inner.sinkEnd,
          sinkName: inner.sinkName,
          why: inner.why,
          allocation: inner.allocation,
          reasons: e.reasons | inner.reasons,
          length: e.length + inner.length,
          viaParam: -1,
        };
        const bottom = relink(e, inner);
        this.sleep(
          s,
          at,
          end,
          {
            ...this.direct(inner.sinkName, inner.why, inner.sinkAt, inner.sinkEnd),
            written,
            sinkFn: inner.sinkFn,
            next: bottom ?? link,
            via,
            ctxNone: inner.ctxNone | e.ctxNone,
            reasons: e.reasons | inner.reasons | reasons | R["function-pointer"],
            note: inner.note,
            allocation: inner.allocation,
            length: e.length + inner.length + 1,
            ...dropped,
          },
          args,
        );
      }
    }
  }

  private applyEffects(
    effects: readonly Effect[],
    number: number,
    callee: number,
    at: number,
    end: number,
    args: readonly number[],
    s: PathState,
  ): PathState[] {
    const result = this.t.pool.make(E.Call, number);
    const out: PathState[] = [];
    effects.forEach((ef, i) => {
      const st = i === effects.length - 1 ? s : s.clone();
      for (const r of ef.releases) {
        const raw = r.term >= 0 ? this.t.fromShared(r.term, args, result) : 0;
        if (raw === 0 && r.term >= 0) this.releaseLoose(r, st);
        else if (raw === 0) this.releaseLoose(r, st);
        else this.release(raw, st, r.adds, r.kind);
      }
      for (const a of ef.acquires) this.acquire(this.calleeToken(a, callee, at, end, args, result, st), st);
      if (ef.ret !== "any") st.setFact(result, ef.ret === "zero" ? ZERO : NONZERO);
      out.push(st);
    });
    return out;
  }

  /** A release of a lock that cannot be named here: the latest of its kind and last name, else of its kind. */
  private releaseLoose(r: LockRef, s: PathState): void {
    const left = releaseToken(s.tokens, { key: 0, raw: 0, last: r.last, adds: r.adds, kind: r.kind });
    if (left) s.tokens = left;
    else if (s.dropped.length < 6) s.dropped = [...s.dropped, { ...r, term: -1 }];
  }

  private calleeToken(
    a: AcquireRef,
    callee: number,
    at: number,
    end: number,
    args: readonly number[],
    result: number,
    s: PathState,
  ): Token {
    const raw = a.term >= 0 ? this.t.fromShared(a.term, args, result) : 0;
    const token = this.makeToken(raw, s, a.adds, a.kind, a.how, at, end);
    if (token.cls === "") token.cls = a.cls;
    if (token.lock === "" || token.lock.includes("…")) token.lock = a.text;
    if (token.last === "") token.last = a.last;
    void callee;
    token.through = a.chain;
    return token;
  }

  // ---- sleeping -------------------------------------------------------------------------------------------------

  /** A call that may sleep, on this path: looks at its conditions, reports it under our contexts, exports it. */
  private sleep(s: PathState, at: number, end: number, e: Sleep, args: readonly number[]): void {
    void args;
    let reasons = e.reasons;
    const bits = s.bits;
    const gfp: number[] = [];
    const atoms: Atom[] = [];
    let ctxNone = e.ctxNone;
    for (const raw of e.gfp) {
      const g = this.cond.gfp(raw === 0 ? 0 : this.t.value(raw, s), s, bits);
      if (g.kind === "not") return;
      if (g.kind === "parameter") gfp.push(...g.terms!);
      else if (g.kind === "unknown") reasons |= R["gfp-undecided"];
      else if (g.kind === "mixed") reasons |= R["gfp-mixed"];
      if (g.ctxNone) {
        ctxNone |= g.ctxNone;
        reasons |= R["context-test"];
      }
    }
    for (const a of e.atoms) {
      const v = a.term === 0 ? 0 : this.t.value(a.term, s);
      const need = this.cond.require(v, a.truth, s, bits);
      if (need === null) return;
      atoms.push(...need.atoms);
      gfp.push(...need.gfp);
      if (need.undecided) {
        this.result.undecided++;
        this.observer?.undecided(at, a.term);
        if (a.term !== 0 && CONTEXT_FLAG.test(this.t.lastName(a.term))) reasons |= R["flag-undecided"];
      }
    }
    // Locks of ours that are dropped around the sleep do not count; others are our caller's.
    let held = s.tokens;
    const dropped: LockRef[] = [...s.dropped];
    e.dropped.forEach((d, i) => {
      const raw = e.droppedRaw[i];
      const value = raw > 0 ? this.bareLock(this.t.value(raw, s)) : 0;
      const last = raw > 0 ? this.t.lastName(raw) || d.last : d.last;
      const k = findToken(held, {
        key: value,
        raw: raw > 0 ? this.bareLock(raw) : 0,
        last,
        adds: d.adds,
        kind: d.kind,
      });
      const entered = k >= 0 && held[k].entry;
      if (k >= 0) held = held.filter((_, n) => n !== k);
      // A lock that we only know to be held is our caller's: it is dropped for the caller too.
      if (k < 0 || entered) dropped.push({ ...d, term: value > 0 ? this.t.toShared(value) : -1, last });
    });
    let context = 0;
    for (const t of held) context |= t.adds;
    if ((context & ctxNone) !== 0) return;
    const absent = this.cond.provenAbsent(s);
    if (absent !== 0) reasons |= R["context-test"];
    ctxNone |= absent;
    if ((context & ATOMIC) !== 0) this.report(s, at, end, e, held, reasons, gfp, atoms, ctxNone, dropped);
    else this.bareAt.add(at);
    if (this.exportsSleeps) this.exportEntry(s, at, end, e, reasons, gfp, atoms, ctxNone, dropped);
  }

  private entry(
    at: number,
    end: number,
    e: Sleep,
    reasons: number,
    gfp: readonly number[],
    atoms: readonly Atom[],
    ctxNone: number,
    dropped: readonly LockRef[],
  ): SleepEntry {
    return {
      key:
        e.next &&
        e.viaParam < 0 &&
        e.next.sinkFn === e.sinkFn &&
        e.next.sinkAt === e.sinkAt &&
        e.next.viaParam < 0
          ? e.next.key
          : `${e.sinkFn}:${e.sinkAt}:${e.sinkName}:${e.viaParam}`,
      fn: this.fn,
      at,
      end,
      written: e.written,
      via: e.via,
      next: e.next,
      sinkFn: e.sinkFn,
      sinkAt: e.sinkAt,
      sinkEnd: e.sinkEnd,
      sinkName: e.sinkName,
      why: e.why,
      allocation: e.allocation,
      gfp,
      atoms,
      ctxNone,
      dropped,
      reasons,
      note: e.note,
      length: e.length,
      viaParam: e.viaParam,
    };
  }

  private report(
    s: PathState,
    at: number,
    end: number,
    e: Sleep,
    held: readonly Token[],
    reasons: number,
    gfp: readonly number[],
    atoms: readonly Atom[],
    ctxNone: number,
    dropped: readonly LockRef[],
  ): void {
    if (e.viaParam >= 0) return;
    void s;
    // The context is the outermost one that we entered ourselves, else an asserted one.
    const own = held.filter((t) => (t.adds & ATOMIC) !== 0);
    const token = own.find((t) => !t.entry) ?? own[0];
    const key = `${at}|${e.allocation && e.gfp.length > 0 ? "gfp" : "any"}|${token.id}|${e.next ? e.next.fn : e.sinkName}`;
    let f = this.raw.get(key);
    if (!f) {
      const context: HeldContext = {
        kind: token.kind,
        adds: token.adds,
        lock: token.lock,
        cls: token.cls,
        how: token.how,
        at: token.at,
        end: token.end,
        through: token.through,
        reasons: token.reasons,
      };
      f = {
        at,
        end,
        callee: e.next ? this.world.program.fnText(e.next.fn) : e.sinkName,
        written: e.written,
        context,
        entries: [],
        more: 0,
        maybeHeld: false,
      };
      this.raw.set(key, f);
      this.rawEntries.set(f, new Map());
    }
    // What depends on our own parameters is decided by our callers: unknown here.
    const undecidedGfp = gfp.length > 0 ? R["gfp-undecided"] : 0;
    let more = reasons | token.reasons | undecidedGfp;
    for (const a of atoms) if (this.flagLike(a.term)) more |= R["flag-undecided"];
    const entry = this.entry(at, end, e, more, gfp, atoms, ctxNone, dropped);
    keep(this.rawEntries.get(f)!, entry);
  }

  /** Whether a condition on parameters is about the context that the function is used in. */
  private flagLike(term: number): boolean {
    const p = this.world.shared.pool;
    const name = (t: number): string => {
      switch (p.kind(t)) {
        case E.Param:
          return this.t.show(this.t.pool.make(E.Param, p.a(t)));
        case E.Field:
          return this.world.program.names.text(p.b(t));
        case E.Unary:
        case E.Deref:
        case E.Addr:
          return name(p.a(t));
        case E.Binary:
          return `${name(p.a(t))} ${name(p.b(t))}`;
        case E.Var:
          return this.world.program.names.text(p.a(t));
        case E.Pure:
          return p.b(t) >= 0 ? name(p.b(t)) : "";
        default:
          return "";
      }
    };
    return /sleep|atomic|block|wait|sync\b|can_|locked|in_irq|polled|nowait|gfp|oops/i.test(name(term));
  }

  /** What the path to a call says about parameters, for our callers: the same for every sleep behind that call. */
  private pathConditions(s: PathState, at: number): { atoms: Atom[]; gfp: number[]; reasons: number } {
    const memo = this.conditionsMemo;
    if (memo && memo.s === s && memo.at === at && memo.facts === s.facts && memo.size === s.facts.size)
      return memo.value;
    const value = { atoms: [] as Atom[], gfp: [] as number[], reasons: 0 };
    const { shared } = this.world;
    for (const [term, f] of s.facts) {
      if (value.atoms.length >= 6) break;
      const tested = this.cond.blockingFlagsOf(term, f);
      if (tested !== 0) {
        const g = this.cond.gfp(tested, { env: s.env, facts: new Map() }, 0);
        if (g.kind === "parameter") {
          value.gfp.push(...g.terms!);
          continue;
        }
      }
      const t = this.t.toShared(term);
      if (t < 0 || !shared.hasParam(t)) continue;
      if (shared.readsState(t)) {
        // A flag of the object that is about sleeping decides, and cannot be seen; any other state is a condition.
        if (this.flagLike(t)) value.reasons |= R["flag-undecided"];
        else if (!this.loopConditions.has(term)) value.reasons |= R["state-guarded"];
        continue;
      }
      if (!value.atoms.some((a) => a.term === t)) value.atoms.push({ term: t, truth: f === NONZERO });
    }
    this.conditionsMemo = { s, at, facts: s.facts, size: s.facts.size, value };
    return value;
  }
  private conditionsMemo: {
    s: PathState;
    at: number;
    facts: ReadonlyMap<number, number>;
    size: number;
    value: { atoms: Atom[]; gfp: number[]; reasons: number };
  } | null = null;

  private exportEntry(
    s: PathState,
    at: number,
    end: number,
    e: Sleep,
    reasons: number,
    gfp: readonly number[],
    atoms: readonly Atom[],
    ctxNone: number,
    dropped: readonly LockRef[],
  ): void {
    const here = this.pathConditions(s, at);
    const more = reasons | here.reasons;
    const flags = here.gfp.length > 0 ? dedupe([...gfp, ...here.gfp]) : dedupe(gfp);
    const all =
      here.atoms.length === 0
        ? atoms
        : [...atoms, ...here.atoms.filter((a) => !atoms.some((b) => b.term === a.term))];
    const entry = this.entry(
      at,
      end,
      e,
      more,
      flags,
      all,
      ctxNone,
      dropped.length > 4 ? dropped.slice(0, 4) : dropped,
    );
    this.observer?.sleep(entry);
    keep(this.entries, entry);
  }

  private finish(): FnResult {
    const compare = compareEntries(this.world);
    const all = [...this.entries.values()].sort(compare);
    const sleeps = all.slice(0, MOST_ENTRIES);
    const annots = this.annotationKinds();
    const effects = buildEffects(this.exits, this.t, this.fn, annots);
    this.result.summary = {
      sleeps,
      more: all.length - sleeps.length,
      effects,
      noReturn: this.exits.length === 0 && this.result.capped === 0,
    };
    for (const f of this.raw.values()) {
      const list = [...this.rawEntries.get(f)!.values()].sort(compare);
      f.entries = list.slice(0, MOST_PATHS);
      f.more = list.length - f.entries.length;
      f.maybeHeld = this.bareAt.has(f.at);
      this.result.findings.push(f);
    }
    this.result.findings.sort(
      (a, b) =>
        a.at - b.at ||
        a.context.at - b.context.at ||
        (a.callee < b.callee ? -1 : a.callee > b.callee ? 1 : 0),
    );
    return this.result;
  }

  /** Bits: 1 acquires, 2 releases, by annotation of the definition or a prototype. */
  private annotationKinds(): number {
    const { program } = this.world;
    let bits = 0;
    for (const fn of [this.fn, ...program.prototypesOf(program.fnName(this.fn))]) {
      const o = program.fnFile(fn).outline;
      const first = program.fnColumn(fn, Fn.annotFirst);
      for (let i = first; i < first + program.fnColumn(fn, Fn.annotCount); i++) {
        const kind = o.annots[i * 2];
        if (kind === 1) bits |= 1;
        if (kind === 2) bits |= 2;
      }
    }
    return bits;
  }
}

/** The chain of a callback entry ends at the call of the parameter: puts the callback's own entry behind it. */
function relink(e: SleepEntry, inner: SleepEntry): SleepEntry | null {
  const tail = e.next === null ? inner : relink(e.next, inner);
  return {
    ...e,
    via: e.next === null ? "pointer" : e.via,
    next: tail,
    sinkFn: inner.sinkFn,
    sinkAt: inner.sinkAt,
    sinkEnd: inner.sinkEnd,
    sinkName: inner.sinkName,
    why: inner.why,
    allocation: inner.allocation,
    viaParam: -1,
  };
}

function passes(e: SleepEntry, fn: number): boolean {
  for (let x: SleepEntry | null = e; x; x = x.next) if (x.fn === fn) return true;
  return false;
}

function dedupe(list: readonly number[]): readonly number[] {
  return list.length < 2 ? list : [...new Set(list)];
}

/** Keeps the better of two entries with the same sleeping call: surer, fewer conditions, shorter. */
function keep(map: Map<string, SleepEntry>, e: SleepEntry): void {
  const old = map.get(e.key);
  if (!old || better(e, old)) map.set(e.key, e);
}

function better(a: SleepEntry, b: SleepEntry): boolean {
  const conds = (e: SleepEntry): number =>
    e.gfp.length * 2 + e.atoms.length + e.dropped.length * 2 + (e.ctxNone !== 0 ? 1 : 0);
  return (
    (rankOf(b.reasons) - rankOf(a.reasons) ||
      a.dropped.length - b.dropped.length ||
      conds(a) - conds(b) ||
      a.length - b.length ||
      a.at - b.at) < 0
  );
}

function compareEntries(world: World): (a: SleepEntry, b: SleepEntry) => number {
  const { program } = world;
  // While an edit is worked in, an entry may still lead to a function that is gone.
  const path = (e: SleepEntry): string => (program.alive(e.sinkFn) ? program.fnFile(e.sinkFn).path : "");
  const place = (e: SleepEntry): number =>
    (program.alive(e.sinkFn) ? program.fnColumn(e.sinkFn, Fn.start) : 0) + e.sinkAt;
  return (a, b) => {
    const quick = rankOf(b.reasons) - rankOf(a.reasons) || a.length - b.length;
    if (quick !== 0) return quick;
    const pa = path(a);
    const pb = path(b);
    return (pa < pb ? -1 : pa > pb ? 1 : 0) || place(a) - place(b) || a.at - b.at;
  };
}

/** Why a primitive sleeps, for the message. */
function whyOf(s: Sleeper): string {
  switch (s.group) {
    case "locks-sleeping":
      return "takes a sleeping lock";
    case "sleep-delay":
      return "sleeps for a time";
    case "wait":
      return "waits for an event";
    case "slab":
    case "page-alloc":
      return s.condition.kind === "gfp" ? "may block to reclaim memory" : "may block";
    case "vmalloc":
      return "may sleep to map or unmap memory";
    case "uaccess":
      return "may fault on user memory";
    case "rcu-sync":
      return "waits for a grace period";
    case "irq":
      return "may wait for running handlers or take a mutex";
    case "workqueue-timer-kthread":
      return "may wait for work or a thread";
    case "clk-regulator-pm":
      return "may sleep";
    default:
      return s.condition.kind === "gfp" ? "may block to reclaim memory" : "may sleep";
  }
}
