/**
 * What functions do to locks of their callers, for locks of every kind: taken, released, or given up and taken again.
 * Worked out on demand, a few levels down, for names that the outlines say may do something.
 */
import { E } from "../../facts/expr.js";
import type { Flow } from "../../facts/flow.js";
import { FnFlag } from "../../facts/outline.js";
import type { ContextKind, KernelTables, LockPrimitive } from "../../kernel/types.js";
import type { CallGraph } from "../../program/callgraph.js";
import type { Program, SourceFile } from "../../program/program.js";
import type { FlowStore } from "../flowStore.js";
import type { Step } from "../summary.js";
import type { SharedTerms } from "../terms.js";
import { type Dropped, excludes, type LockId, sameLock } from "./held.js";
import { LockFlow } from "./lockFlow.js";
import { LockOps, Op } from "./lockOps.js";

/** Calls below a function that are followed for what they do to locks. */
const DEEPEST = 3;

export interface CalleeEffect {
  kind: "acquire" | "release" | "retake";
  lock: LockId;
  /** Term in the shared pool, -1 if it cannot be said from outside. */
  term: number;
  lockKind: ContextKind;
  adds: number;
  shared: boolean;
  /** Where it is given up and where taken, outermost call first. */
  drop: readonly Step[];
  take: readonly Step[];
  /** On some ways through the function only. */
  maybe: boolean;
  /** Of an acquire: the result with which the lock is held; "any" where it always is. */
  when: "any" | "zero" | "nonzero";
}

/** What following locks needs to know of the rest. */
export interface HeldContext {
  readonly program: Program;
  readonly tables: KernelTables;
  readonly shared: SharedTerms;
  primitive(name: string, from: SourceFile, self: number): LockPrimitive | null;
  effectsOfName(name: string, from: SourceFile, self: number): readonly CalleeEffect[];
}

const NONE: readonly CalleeEffect[] = [];

/** Of an answer that went as deep as it may, and would be another with more levels. */
const CUT = Number.POSITIVE_INFINITY;

interface Known {
  effects: readonly CalleeEffect[];
  /** Levels that the answer took: with as many or more it is the same. */
  height: number;
}

export class LockEffects implements HeldContext {
  readonly ops: LockOps;
  /** Answers that the number of levels did not limit. */
  private readonly whole = new Map<number, Known>();
  /** Those that it did, by function and level: what a function does must not depend on who asked first, and from where. */
  private readonly cut = new Map<number, readonly CalleeEffect[]>();
  /** Those that lacked flow facts, good until more are had. */
  private readonly lacking = new Map<number, Known>();
  private levels = DEEPEST;
  private height = 0;
  /** How often something was asked of a function whose facts were not fetched: answers made of that are not kept. */
  unknown = 0;

  constructor(
    readonly program: Program,
    readonly tables: KernelTables,
    readonly shared: SharedTerms,
    private readonly flows: FlowStore,
    private readonly graph: CallGraph,
  ) {
    this.ops = new LockOps(program, tables, graph);
  }

  /**
   * These functions changed, with the names of them and of those that are gone; `touched` ones mean something else now.
   * Answers every function whose locks may be others for it: those, and those that call them as far as callees are
   * followed.
   */
  edited(touched: Iterable<number>, fns: Iterable<number>, names: Iterable<number>): Set<number> {
    this.whole.clear();
    this.cut.clear();
    this.lacking.clear();
    const out = new Set(touched);
    for (const name of this.ops.edited(fns, names)) this.graph.callersOf(name, (fn) => out.add(fn));
    let level = [...out];
    for (let n = 0; n < DEEPEST && level.length > 0; n++) {
      const next: number[] = [];
      // Who called what is gone is touched by its name.
      for (const fn of level) if (this.program.alive(fn)) this.addCallers(fn, out, next);
      level = next;
    }
    return out;
  }

  /** Functions that ask what this one does to locks. */
  private addCallers(fn: number, out: Set<number>, next: number[]): void {
    const { program } = this;
    const name = program.fnName(fn);
    if (this.ops.of(name) === Op.None) return;
    const file = program.fnFile(fn);
    // Only in its own file does a function stand before the primitive of its name.
    const primitive = this.tables.locks.has(program.names.text(name));
    this.graph.callersOf(name, (caller) => {
      if (out.has(caller)) return;
      const from = program.fnFile(caller);
      if ((primitive && from !== file) || !program.resolve(name, from).includes(fn)) return;
      out.add(caller);
      next.push(caller);
    });
  }

  primitive(name: string, from: SourceFile, self: number): LockPrimitive | null {
    const l = this.tables.locks.get(name);
    if (!l) return null;
    // A static function of this file hides a primitive of the same name.
    if (!from.header) {
      const id = this.program.names.find(name);
      const own = id < 0 ? [] : this.program.resolve(id, from);
      if (
        own.length > 0 &&
        own[0] !== self &&
        this.program.fnFile(own[0]) === from &&
        this.program.fnFlags(own[0]) & FnFlag.Static
      )
        return null;
    }
    return l;
  }

  /** Functions whose flow facts are needed to know what these do to locks. */
  needed(fns: Iterable<number>): number[] {
    const out = new Set<number>();
    let work = [...fns];
    for (let level = 0; level < DEEPEST && work.length > 0; level++) {
      const next: number[] = [];
      for (const fn of work) {
        const file = this.program.fnFile(fn);
        for (const c of this.program.calls(fn)) {
          if (
            c & 1 ||
            this.ops.of(c >> 1) === Op.None ||
            this.primitive(this.program.names.text(c >> 1), file, fn)
          )
            continue;
          for (const g of this.program.resolve(c >> 1, file)) {
            if (out.has(g) || !this.hasBody(g)) continue;
            out.add(g);
            next.push(g);
          }
        }
      }
      work = next;
    }
    return [...out];
  }

  async prepare(fns: readonly number[], signal?: AbortSignal): Promise<void> {
    this.lacking.clear();
    await this.flows.fetch([...fns, ...this.needed(fns)], signal);
  }

  /** Gets the facts of these alone, for who looks at their texts and not at what their callees do. */
  async fetch(fns: Iterable<number>, signal?: AbortSignal): Promise<void> {
    this.lacking.clear();
    await this.flows.fetch(fns, signal);
  }

  flowOf(fn: number): Flow | null {
    return this.flows.get(fn) ?? null;
  }

  /** The locks of a function, followed; null where its text could not be had. */
  follow(fn: number): LockFlow | null {
    const flow = this.flows.get(fn);
    if (flow === undefined) this.unknown++;
    if (!flow) return null;
    const f = new LockFlow(this, fn, flow);
    f.run();
    return f;
  }

  private hasBody(fn: number): boolean {
    return (this.program.fnFlags(fn) & (FnFlag.Prototype | FnFlag.ObjectMacro | FnFlag.Dead)) === 0;
  }

  effectsOfName(name: string, from: SourceFile, self: number): readonly CalleeEffect[] {
    const id = this.program.names.find(name);
    if (id <= 0 || this.ops.of(id) === Op.None) return NONE;
    if (this.levels === 0) {
      this.height = CUT;
      return NONE;
    }
    for (const fn of this.program.resolve(id, from)) {
      if (fn === self || !this.hasBody(fn)) continue;
      const e = this.effectsOf(fn);
      if (e.length > 0) return e;
    }
    return NONE;
  }

  /** The functions that a name means in a file, as far as they have bodies. */
  bodies(name: string, from: SourceFile): number[] {
    const id = this.program.names.find(name);
    return id <= 0 ? [] : this.program.resolve(id, from).filter((fn) => this.hasBody(fn));
  }

  /** What a function does to locks of its callers, with as many levels below it as are left. */
  effectsOf(fn: number): readonly CalleeEffect[] {
    const { levels } = this;
    const atLevel = fn * (DEEPEST + 1) + levels;
    const whole = this.whole.get(fn);
    const known = whole && whole.height <= levels ? whole : this.lacking.get(atLevel);
    if (known) {
      this.height = Math.max(this.height, known.height);
      return known.effects;
    }
    const cut = this.cut.get(atLevel);
    if (cut) {
      this.height = CUT;
      return cut;
    }
    const flow = this.flows.get(fn);
    if (flow === undefined) this.unknown++;
    if (!flow) {
      this.height = Math.max(this.height, 1);
      return NONE;
    }
    const { height, unknown } = this;
    this.levels = levels - 1;
    this.height = 0;
    const effects = this.make(fn, flow);
    const made = { effects, height: this.height + 1 };
    this.levels = levels;
    this.height = Math.max(height, made.height);
    if (unknown !== this.unknown) this.lacking.set(atLevel, made);
    else if (made.height === CUT) this.cut.set(atLevel, effects);
    else this.whole.set(fn, made);
    return effects;
  }

  private make(fn: number, flow: Flow): readonly CalleeEffect[] {
    const f = new LockFlow(this, fn, flow);
    f.run();
    const out: CalleeEffect[] = [];
    const exits = f.exits;
    if (exits.length === 0) return NONE;
    const step = (at: number, end: number): Step => ({ fn, at, end });
    const termOf = (l: LockId): number => (l.term > 0 ? f.t.toShared(l.term) : -1);
    const sayable = (l: LockId): boolean => l.term === 0 || termOf(l) >= 0 || l.cls !== "";
    for (const x of exits) {
      for (const h of x.state.held) {
        if (
          h.entry ||
          h.guard >= 0 ||
          !sayable(h) ||
          out.some((e) => e.kind === "acquire" && sameLock(e.lock, h))
        )
          continue;
        const every = exits.every((y) => y.state.held.some((k) => sameLock(k, h)));
        // A lock that is held on some ways, and nothing says on which, is most likely held on one that does not happen.
        const when = every ? "any" : resultOf(f, h);
        if (when === null) continue;
        out.push({
          kind: "acquire",
          lock: h,
          term: termOf(h),
          lockKind: h.kind,
          adds: h.adds,
          shared: h.shared,
          drop: [],
          take: [step(h.at, h.end), ...h.through],
          maybe: !every,
          when,
        });
      }
      for (const d of x.state.dropped) {
        if (!sayable(d.lock) || out.some((e) => e.kind === "release" && sameLock(e.lock, d.lock))) continue;
        if (!exits.every((y) => y.state.dropped.some((k) => sameLock(k.lock, d.lock)))) continue;
        out.push({
          kind: "release",
          lock: d.lock,
          term: termOf(d.lock),
          lockKind: "other",
          adds: 0,
          shared: false,
          drop: [step(d.at, d.end), ...d.through],
          take: [],
          maybe: false,
          when: "any",
        });
      }
    }
    this.addRetakes(f, out, step, termOf);
    return out.length === 0 ? NONE : out;
  }

  /** Locks of the caller that are given up and taken again on the way. */
  private addRetakes(
    f: LockFlow,
    out: CalleeEffect[],
    step: (at: number, end: number) => Step,
    termOf: (l: LockId) => number,
  ): void {
    const add = (lock: LockId, drop: Dropped, take: Dropped, maybe: boolean): void => {
      if (!excludes(lock) || out.some((e) => e.kind === "retake" && sameLock(e.lock, lock))) return;
      if (lock.term > 0 && termOf(lock) < 0 && lock.cls === "") return;
      out.push({
        kind: "retake",
        lock,
        term: termOf(lock),
        lockKind: "other",
        adds: 0,
        shared: false,
        drop: [step(drop.at, drop.end), ...drop.through],
        take: [step(take.at, take.end), ...take.through],
        maybe,
        when: "any",
      });
    };
    const { flow } = f;
    for (let pc = 0; pc < flow.length; pc += flow.size(pc)) {
      for (const s of f.statesAt(pc)) {
        const ways = f.step(pc, s, {
          acquired: (lock, before) => {
            // The same object: `unlock(a->root)` and `lock(b->root)` hand over from one to another.
            const d = before.dropped.find(
              (x) =>
                sameLock(x.lock, lock) && x.lock.term === lock.term && (lock.term > 0 || lock.last === ""),
            );
            if (d) add(d.lock, d, { lock, at: lock.at, end: lock.end, through: lock.through }, true);
          },
          retaken: (lock, drop, take, before, maybe) => {
            // Only of a lock that is not our own.
            if (!before.held.some((h) => !h.entry && sameLock(h, lock))) add(lock, drop, take, maybe);
          },
        });
        for (const { retaken } of ways)
          if (retaken && !s.held.some((h) => !h.entry && sameLock(h, retaken.lock)))
            add(retaken.lock, retaken.drop, retaken.retake, true);
      }
    }
  }
}

/** The result of a function with which it holds a lock that it does not always hold; null where none tells. */
function resultOf(f: LockFlow, lock: LockId): "zero" | "nonzero" | null {
  const p = f.t.pool;
  const truth = (value: number, facts: ReadonlyMap<number, number>): "zero" | "nonzero" | "" => {
    if (value < 0) return "";
    if (p.kind(value) === E.Int) return p.a(value) === 0 ? "zero" : "nonzero";
    if (p.kind(value) === E.Unary || p.kind(value) === E.Addr) return "nonzero";
    const fact = facts.get(value);
    return fact === 1 ? "zero" : fact === 2 ? "nonzero" : "";
  };
  const held = new Set<string>();
  const free = new Set<string>();
  for (const x of f.exits)
    (x.state.held.some((k) => sameLock(k, lock)) ? held : free).add(truth(x.value, x.state.facts));
  if (held.size !== 1 || [...held][0] === "") {
    // What is handed on: known where the lock is not held.
    if (held.size === 1 && free.size === 1 && !free.has("")) return free.has("zero") ? "nonzero" : "zero";
    return null;
  }
  const result = [...held][0] as "zero" | "nonzero";
  return free.has(result) ? null : result;
}
