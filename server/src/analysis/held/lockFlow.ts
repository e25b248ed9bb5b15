/**
 * Follows the locks of one function over its flow program: a step from place to place over lock states, and the fixpoint
 * of all. Paths that hold the same locks are joined; conditions decide only where they test the result of a conditional
 * acquire or a flag that the function keeps about a lock.
 */
import { E, Op } from "../../facts/expr.js";
import { type Flow, I } from "../../facts/flow.js";
import { Fn, FnFlag } from "../../facts/outline.js";
import type { GuardClass, LockPrimitive } from "../../kernel/types.js";
import type { Program, SourceFile } from "../../program/program.js";
import { type Knowledge, type SharedTerms, storedValues, Terms } from "../terms.js";
import {
  baseName,
  type Dropped,
  findHeld,
  type HeldLock,
  isShared,
  keyOf,
  type LockId,
  type LockState,
  lockIdOf,
  NOTHING,
  sameLock,
} from "./held.js";
import type { CalleeEffect, HeldContext } from "./lockEffects.js";

const MOST_STATES = 16;
const MOST_HELD = 10;
const ZERO = 1;
const NONZERO = 2;
/** Local variables that tell whether a lock is held. */
const LOCK_FLAG = /lock|held|drop|retry|again|restart|relax/i;

/** What a step does to locks, for who follows along. */
export interface LockEvents {
  acquired?(lock: HeldLock, before: LockState): void;
  released?(lock: LockId, at: number, end: number, through: Dropped["through"], before: LockState): void;
  /** Given up and taken again by one call. */
  retaken?(lock: LockId, drop: Dropped, retake: Dropped, before: LockState, maybe: boolean): void;
}

export interface Successor {
  pc: number;
  state: LockState;
  /** A lock was given up and taken again, on this way only. */
  retaken?: { lock: LockId; drop: Dropped; retake: Dropped };
}

export class LockFlow {
  readonly t: Terms;
  readonly file: SourceFile;
  private readonly known: Knowledge;
  private readonly states = new Map<number, LockState[]>();
  /** First place of an acquire for each name of a lock. */
  private readonly acquireSites: { lock: LockId; pc: number }[] = [];
  capped = false;
  exits: { state: LockState; pc: number; value: number }[] = [];

  constructor(
    private readonly world: HeldContext,
    readonly fn: number,
    readonly flow: Flow,
  ) {
    const program: Program = world.program;
    this.file = program.fnFile(fn);
    this.t = new Terms(
      flow,
      program,
      this.file,
      world.shared as SharedTerms,
      (program.fnFlags(fn) & FnFlag.Macro) !== 0,
    );
    this.known = storedValues(this.singleValues());
    for (let pc = 0; pc < flow.length; pc += flow.size(pc)) {
      const q = flow.base + pc;
      if (flow.code[q] === I.Call) {
        const l = this.primitiveAt(q);
        if (l && (l.op === "acquire" || l.op === "try" || l.op === "conditional"))
          this.acquireSites.push({ lock: this.lockOf(l, q), pc });
        else if (!l)
          for (const e of this.calleeAt(q))
            if (e.kind === "acquire") this.acquireSites.push({ lock: this.fromEffect(e, q), pc });
      }
    }
  }

  /** Variables that are given one value in the whole function: other names for what they hold. */
  private singleValues(): Map<number, number> {
    const { flow, t } = this;
    const c = flow.code;
    const values = new Map<number, number>();
    const several = new Set<number>();
    const assigned = new Set<number>();
    for (let pc = 0; pc < flow.length; pc += flow.size(pc)) {
      const q = flow.base + pc;
      if (c[q] !== I.Assign || t.pool.kind(c[q + 1]) !== E.Var) continue;
      const target = c[q + 1];
      assigned.add(target);
      if (values.has(target) && values.get(target) !== c[q + 2]) several.add(target);
      values.set(target, c[q + 2]);
    }
    for (const [target, v] of values) {
      const k = t.pool.kind(v);
      if (
        several.has(target) ||
        t.isParam(target) ||
        k === E.Unknown ||
        k === E.Int ||
        k === E.Cond ||
        t.mentions(v, target)
      )
        values.delete(target);
    }
    // A parameter that is given another value is not what the caller passed.
    for (const target of assigned) if (t.isParam(target)) values.set(target, 0);
    // A value made of variables that change is not the same everywhere.
    for (const [target, v] of values) for (const s of several) if (t.mentions(v, s)) values.delete(target);
    return values;
  }

  /** A term with variables that have one value replaced by it. */
  value(e: number): number {
    return e <= 0 ? 0 : this.t.value(e, this.known);
  }

  private bare(v: number): number {
    return v > 0 && this.t.pool.kind(v) === E.Addr ? this.t.pool.a(v) : v;
  }

  /** The name called at an instruction, "" for a call through an expression. */
  calledName(q: number): string {
    const callee = this.flow.code[q + 2];
    return this.t.pool.kind(callee) === E.Var ? this.t.text(this.t.pool.a(callee)) : "";
  }

  argsOf(q: number): number[] {
    const c = this.flow.code;
    const out: number[] = [];
    for (let i = 0; i < c[q + 6]; i++) out.push(c[q + 7 + i]);
    return out;
  }

  primitiveAt(q: number): LockPrimitive | null {
    const name = this.calledName(q);
    return name === "" ? null : this.world.primitive(name, this.file, this.fn);
  }

  lockOf(l: LockPrimitive, q: number): LockId {
    const c = this.flow.code;
    const p = this.t.pool;
    const arg =
      l.lock && l.lock.from !== "return" ? (c[q + 6] > l.lock.index ? c[q + 7 + l.lock.index] : 0) : 0;
    const raw = !l.lock
      ? 0
      : l.lock.from === "return"
        ? p.make(E.Call, c[q + 1])
        : l.lock.from === "out"
          ? p.kind(arg) === E.Addr
            ? p.a(arg)
            : arg === 0
              ? 0
              : p.make(E.Deref, arg)
          : arg;
    return this.lockId(l.name, l.kind, baseName(l), raw);
  }

  private lockId(name: string, kind: LockPrimitive["kind"], base: string, raw: number): LockId {
    const id = lockIdOf(this.t, name, kind, base, raw, this.bare(this.value(raw)), (type) =>
      this.world.tables.lockTypes.has(type),
    );
    // A variable that stands for a lock elsewhere.
    const p = this.t.pool;
    if (id.cls === "" && raw > 0 && p.kind(raw) === E.Var) {
      const v = this.known.stored(raw);
      if (v !== undefined) return { ...id, cls: this.t.lockClass(v, v), last: this.t.lastName(v) || id.last };
    }
    return id;
  }

  /** The lock that the call or guard at an instruction takes, gives back or asserts. */
  lockAt(q: number): LockId | null {
    const { code } = this.flow;
    if (code[q] === I.GuardEnter) return this.guardLock(q)?.id ?? null;
    const l = this.primitiveAt(q);
    if (l) return this.lockOf(l, q);
    const [effect] = this.calleeAt(q);
    if (effect) return this.fromEffect(effect, q);
    const name = this.calledName(q);
    return /assert_held|assert_spin|lockdep_is_held/.test(name) && code[q + 6] > 0
      ? this.byType(code[q + 7], name, 0, 1)
      : null;
  }

  private calleeAt(q: number): readonly CalleeEffect[] {
    const name = this.calledName(q);
    return name === "" ? [] : this.world.effectsOfName(name, this.file, this.fn);
  }

  private fromEffect(e: CalleeEffect, q: number): LockId {
    const raw =
      e.term < 0
        ? 0
        : this.t.fromShared(e.term, this.argsOf(q), this.t.pool.make(E.Call, this.flow.code[q + 1]));
    const value = raw === 0 ? 0 : this.bare(this.value(raw));
    const cls = raw === 0 ? e.lock.cls : this.t.lockClass(raw, value) || e.lock.cls;
    return {
      term: value,
      cls: e.lock.cls.includes(":") && e.lock.cls !== "" ? e.lock.cls : cls,
      last: e.lock.last,
      family: e.lock.family,
    };
  }

  // ---- running --------------------------------------------------------------------------------------------------

  entryState(): LockState {
    const { program } = this.world;
    const first = program.fnColumn(this.fn, Fn.annotFirst);
    const count = program.fnColumn(this.fn, Fn.annotCount);
    const held: HeldLock[] = [];
    for (let i = first; i < first + count; i++) {
      const kind = this.file.outline.annots[i * 2];
      const text = program.names.text(this.file.outline.annots[i * 2 + 1]);
      if ((kind !== 3 && kind !== 2) || held.length >= 3 || /^(local|bitlock)$/.test(text)) continue;
      const lock = this.annotated(text);
      if (lock) held.push(lock);
    }
    return held.length === 0 ? NOTHING : { ...NOTHING, held };
  }

  private annotated(text: string): HeldLock | null {
    const entry = {
      kind: "other" as const,
      adds: 0,
      how: "annotation",
      text,
      at: 0,
      end: 1,
      through: [],
      shared: false,
      guard: -1,
      entry: true,
    };
    if (/^rcu$/i.test(text))
      return { ...entry, kind: "rcu", term: 0, cls: "rcu_read_lock", last: "", family: "rcu" };
    const m = /^\s*&?\(?\s*([A-Za-z_]\w*)((?:\s*(?:->|\.)\s*[A-Za-z_]\w*)*)\s*\)?\s*$/.exec(text);
    if (!m) return null;
    const p = this.t.pool;
    let e = p.make(E.Var, this.t.indexOf(m[1]));
    for (const f of m[2].match(/[A-Za-z_]\w*/g) ?? []) e = p.make(E.Field, e, this.t.indexOf(f));
    return this.byType(e, "annotation", 0, 1);
  }

  /** The lock that an expression names, of the family that its declared type is. */
  private byType(raw: number, how: string, at: number, end: number): HeldLock | null {
    const type = this.t.typeOf(raw);
    const lt = type ? this.world.tables.lockTypes.get(this.t.program.names.text(type.name)) : undefined;
    const kind = lt ? (lt.kind === "mutex" ? "other" : lt.kind) : "spinlock";
    const typeName = type ? this.t.program.names.text(type.name) : "";
    const name = /rw_semaphore/.test(typeName)
      ? "down_read"
      : lt?.kind === "mutex"
        ? "mutex_lock"
        : "spin_lock";
    const id = this.lockId(name, kind, name, raw);
    return {
      ...id,
      kind,
      adds: 0,
      how,
      text: this.t.show(raw).replace(/^&/, ""),
      at,
      end,
      through: [],
      shared: false,
      guard: -1,
      entry: true,
    };
  }

  /** All states before each instruction. */
  run(): void {
    const queue: number[] = [];
    const keys = new Map<number, Set<string>>();
    const arrive = (pc: number, s: LockState): void => {
      const here = this.states.get(pc);
      const key = keyOf(s);
      if (!here) {
        this.states.set(pc, [s]);
        keys.set(pc, new Set([key]));
        queue.push(pc);
        return;
      }
      const known = keys.get(pc)!;
      if (known.has(key)) return;
      known.add(key);
      if (here.length >= MOST_STATES) {
        this.capped = true;
        return;
      }
      here.push(s);
      queue.push(pc);
    };
    const done = new Map<number, number>();
    arrive(0, this.entryState());
    let fuel = 40000;
    for (let n = 0; n < queue.length && fuel > 0; n++) {
      const pc = queue[n];
      const here = this.states.get(pc)!;
      for (let i = done.get(pc) ?? 0; i < here.length; i++) {
        fuel--;
        for (const next of this.step(pc, here[i])) arrive(next.pc, next.state);
      }
      done.set(pc, here.length);
    }
    if (fuel <= 0) this.capped = true;
    for (const [pc, list] of this.states) {
      const q = this.flow.base + pc;
      if (pc >= this.flow.length || this.flow.code[q] === I.Return)
        for (const state of list)
          this.exits.push({ state, pc, value: pc >= this.flow.length ? -1 : this.flow.code[q + 1] });
    }
  }

  statesAt(pc: number): readonly LockState[] {
    return this.states.get(pc) ?? [];
  }

  /** Where a state goes from a place, and with what. */
  step(pc: number, s: LockState, events?: LockEvents): Successor[] {
    const { flow } = this;
    if (pc >= flow.length) return [];
    const q = flow.base + pc;
    const c = flow.code;
    switch (c[q]) {
      case I.Jump:
        return [{ pc: c[q + 1], state: s }];
      case I.Branch:
        return this.branch(c[q + 1], c[q + 2], c[q + 3], s);
      case I.Switch: {
        const out: Successor[] = [];
        for (let i = 0; i < c[q + 2]; i++) out.push({ pc: c[q + 4 + 2 * i], state: s });
        return out;
      }
      case I.Return:
        return [];
      case I.Call:
        return this.call(pc, q, s, events);
      case I.GuardEnter:
        return [{ pc: pc + flow.size(pc), state: this.guardEnter(q, s, events) }];
      case I.GuardExit:
        return [{ pc: pc + 2, state: this.guardExit(c[q + 1], s, events) }];
      case I.Assign:
        return [{ pc: pc + 4, state: this.assign(c[q + 1], c[q + 2], s) }];
      default:
        return [{ pc: pc + flow.size(pc), state: s }];
    }
  }

  private assign(target: number, value: number, s: LockState): LockState {
    const p = this.t.pool;
    if (p.kind(target) !== E.Var) return s;
    const known = s.facts.get(value);
    let truth = known ?? 0;
    if (p.kind(value) === E.Int && LOCK_FLAG.test(this.t.text(p.a(target))))
      truth = p.a(value) === 0 ? ZERO : NONZERO;
    if (truth === 0 && !s.facts.has(target)) return s;
    const facts = new Map(s.facts);
    if (truth === 0) facts.delete(target);
    else facts.set(target, truth);
    return { ...s, facts };
  }

  private branch(cond: number, yes: number, no: number, s: LockState): Successor[] {
    const truth = cond === 0 || s.facts.size === 0 ? 0 : this.truth(cond, s);
    if (truth === NONZERO) return [{ pc: yes, state: s }];
    if (truth === ZERO) return [{ pc: no, state: s }];
    return [
      { pc: yes, state: s },
      { pc: no, state: s },
    ];
  }

  private truth(e: number, s: LockState): number {
    const p = this.t.pool;
    const f = s.facts.get(e);
    if (f !== undefined) return f;
    if (p.kind(e) === E.Unary && p.b(e) === Op.Not) {
      const t = this.truth(p.a(e), s);
      return t === 0 ? 0 : t === ZERO ? NONZERO : ZERO;
    }
    if (p.kind(e) === E.Binary) {
      const op = p.c(e);
      const zeroRight = p.kind(p.b(e)) === E.Int && p.a(p.b(e)) === 0;
      if (zeroRight && (op === Op.Eq || op === Op.Ne || op === Op.Lt)) {
        const t = this.truth(p.a(e), s);
        if (t === 0) return 0;
        return (op === Op.Eq) === (t === ZERO) ? NONZERO : ZERO;
      }
    }
    if (p.kind(e) === E.Pure && p.b(e) >= 0 && /^IS_ERR/.test(this.t.text(p.a(e)))) return 0;
    return 0;
  }

  private take(lock: HeldLock, s: LockState, events?: LockEvents): LockState {
    events?.acquired?.(lock, s);
    const i = s.dropped.findIndex((d) => sameLock(d.lock, lock));
    if (i >= 0) return { ...s, dropped: s.dropped.filter((_, k) => k !== i) };
    if (s.held.length >= MOST_HELD || s.held.some((h) => h.at === lock.at && sameLock(h, lock))) return s;
    return { ...s, held: [...s.held, lock] };
  }

  private give(
    lock: LockId,
    pc: number,
    at: number,
    end: number,
    through: Dropped["through"],
    s: LockState,
    events?: LockEvents,
  ): LockState {
    const i = findHeld(s.held, lock);
    if (i >= 0) {
      events?.released?.(s.held[i], at, end, through, s);
      const h = s.held[i];
      const held = s.held.filter((_, k) => k !== i);
      return h.entry ? { ...s, held, dropped: [...s.dropped, { lock, at, end, through }] } : { ...s, held };
    }
    // Taken on another path and not on this one: a way that does not happen, not a lock of the caller.
    if (lock.family === "context" || this.acquireSites.some((a) => a.pc < pc && sameLock(a.lock, lock)))
      return s;
    events?.released?.(lock, at, end, through, s);
    if (s.dropped.length >= 4 || s.dropped.some((d) => sameLock(d.lock, lock))) return s;
    return { ...s, dropped: [...s.dropped, { lock, at, end, through }] };
  }

  private call(pc: number, q: number, s: LockState, events?: LockEvents): Successor[] {
    const { flow } = this;
    const c = flow.code;
    const next = pc + 7 + c[q + 6];
    const at = c[q + 4];
    const end = c[q + 5];
    const result = this.t.pool.make(E.Call, c[q + 1]);
    if (s.facts.has(result)) {
      const facts = new Map(s.facts);
      facts.delete(result);
      s = { ...s, facts };
    }
    const name = this.calledName(q);
    if (name === "") return [{ pc: next, state: s }];
    const l = this.world.primitive(name, this.file, this.fn);
    if (!l) {
      if (this.world.tables.noReturn.has(name)) return [];
      const assertion = this.world.tables.assertions.get(name);
      if (assertion) return [{ pc: next, state: this.assertion(name, q, s) }];
      return this.callee(pc, q, next, s, events);
    }
    const id = this.lockOf(l, q);
    const held = (): HeldLock => ({
      ...id,
      kind: l.kind,
      adds: l.adds,
      how: l.name,
      text: this.lockText(l, q),
      at,
      end,
      through: [],
      shared: isShared(l.name),
      guard: -1,
      entry: false,
    });
    switch (l.op) {
      case "acquire":
        return [{ pc: next, state: this.take(held(), s, events) }];
      case "release":
      case "conditional-release":
        return [{ pc: next, state: this.give(id, pc, at, end, [], s, events) }];
      case "try":
      case "conditional": {
        const nonzero = l.heldWhen === undefined || l.heldWhen === "nonzero" || l.heldWhen === "nonnull";
        const yes = this.take(held(), s, events);
        return [
          { pc: next, state: { ...yes, facts: new Map(s.facts).set(result, nonzero ? NONZERO : ZERO) } },
          { pc: next, state: { ...s, facts: new Map(s.facts).set(result, nonzero ? ZERO : NONZERO) } },
        ];
      }
      case "drop-retake": {
        const here: Dropped = { lock: id, at, end, through: [] };
        // Its result says whether it let go of the lock.
        if (/^cond_resched/.test(l.name)) {
          const tested = (c[q + 3] & 2) !== 0;
          if (tested) {
            const stayed = { ...s, facts: new Map(s.facts).set(result, ZERO) };
            const went = { ...s, facts: new Map(s.facts).set(result, NONZERO) };
            return [
              { pc: next, state: went, retaken: { lock: id, drop: here, retake: here } },
              { pc: next, state: stayed },
            ];
          }
        }
        events?.retaken?.(id, here, here, s, false);
        return [{ pc: next, state: s }];
      }
      default:
        return [{ pc: next, state: s }];
    }
  }

  lockText(l: LockPrimitive, q: number): string {
    if (!l.lock || l.lock.from === "return") return "";
    const c = this.flow.code;
    const arg = c[q + 6] > l.lock.index ? c[q + 7 + l.lock.index] : 0;
    return arg === 0 ? "" : this.t.show(arg).replace(/^[&*]/, "");
  }

  private callee(pc: number, q: number, next: number, s: LockState, events?: LockEvents): Successor[] {
    const effects = this.calleeAt(q);
    if (effects.length === 0) return [{ pc: next, state: s }];
    const c = this.flow.code;
    const at = c[q + 4];
    const end = c[q + 5];
    let state = s;
    let without: LockState | null = null;
    const releases = effects.filter((e) => e.kind === "release");
    for (const e of releases) state = this.give(this.fromEffect(e, q), pc, at, end, e.drop, state, events);
    for (const e of effects) {
      if (e.kind === "retake") {
        const lock = this.fromEffect(e, q);
        events?.retaken?.(
          lock,
          { lock, at, end, through: e.drop },
          { lock, at, end, through: e.take },
          state,
          e.maybe,
        );
      } else if (e.kind === "acquire") {
        const lock = this.fromEffect(e, q);
        if (e.when !== "any") {
          const result = this.t.pool.make(E.Call, c[q + 1]);
          without = { ...state, facts: new Map(state.facts).set(result, e.when === "zero" ? NONZERO : ZERO) };
          state = { ...state, facts: new Map(state.facts).set(result, e.when === "zero" ? ZERO : NONZERO) };
        }
        state = this.take(
          {
            ...lock,
            kind: e.lockKind,
            adds: e.adds,
            how: this.calledName(q),
            text: this.t.pool.kind(lock.term) === 0 ? lock.last : this.t.show(lock.term).replace(/^&/, ""),
            at,
            end,
            through: e.take,
            shared: e.shared,
            guard: -1,
            entry: false,
          },
          state,
          events,
        );
      }
    }
    return without === null
      ? [{ pc: next, state }]
      : [
          { pc: next, state },
          { pc: next, state: without },
        ];
  }

  private assertion(name: string, q: number, s: LockState): LockState {
    if (
      !/assert_held|assert_spin_locked|assert_raw_spin|assert_rq_held|mutex_is_locked|assert_locked/.test(
        name,
      ) &&
      name !== "ASSERT_RTNL"
    )
      return s;
    if (/not_held/.test(name)) return s;
    const c = this.flow.code;
    const raw = c[q + 6] > 0 ? c[q + 7] : 0;
    if (raw === 0 && name !== "ASSERT_RTNL") return s;
    const lock: HeldLock | null =
      name === "ASSERT_RTNL"
        ? {
            term: 0,
            cls: "rtnl_lock",
            last: "",
            family: "named",
            kind: "other",
            adds: 0,
            how: name,
            text: "rtnl",
            at: c[q + 4],
            end: c[q + 5],
            through: [],
            shared: false,
            guard: -1,
            entry: true,
          }
        : this.byType(raw, name, c[q + 4], c[q + 5]);
    if (!lock || findHeld(s.held, lock) >= 0 || s.dropped.some((d) => sameLock(d.lock, lock))) return s;
    if (this.acquireSites.some((a) => sameLock(a.lock, lock))) return s;
    return { ...s, held: [...s.held, lock] };
  }

  /** The lock that a guard takes; null for a class that is none. */
  private guardLock(q: number): { id: LockId; guard: GuardClass; raw: number; cls: string } | null {
    const c = this.flow.code;
    const cls = this.t.text(c[q + 2]);
    const guard = this.world.tables.guards.get(cls);
    if (!guard) return null;
    const raw = guard.takesLock && c[q + 6] > 0 ? c[q + 7] : 0;
    const name = guard.takesLock
      ? /rwsem/.test(cls)
        ? "down_read"
        : guard.adds !== 0
          ? "spin_lock"
          : "mutex_lock"
      : cls === "rcu"
        ? "rcu_read_lock"
        : cls;
    const id = this.lockId(name, guard.kind, cls === "rcu" ? "rcu_read_lock" : cls, raw);
    return { id, guard, raw, cls };
  }

  private guardEnter(q: number, s: LockState, events?: LockEvents): LockState {
    const c = this.flow.code;
    const found = this.guardLock(q);
    if (!found) return s;
    const { id, guard, raw, cls } = found;
    return this.take(
      {
        ...id,
        kind: guard.kind,
        adds: guard.adds,
        how: `guard(${cls})`,
        text: raw === 0 ? "" : this.t.show(raw).replace(/^&/, ""),
        at: c[q + 4],
        end: c[q + 5],
        through: [],
        shared: /read|rcu/.test(cls),
        guard: c[q + 1],
        entry: false,
      },
      s,
      events,
    );
  }

  private guardExit(number: number, s: LockState, events?: LockEvents): LockState {
    const lock = s.held.find((h) => h.guard === number);
    if (!lock) return s;
    events?.released?.(lock, lock.at, lock.end, [], s);
    return { ...s, held: s.held.filter((h) => h !== lock) };
  }
}
