/** Locks that are held whenever a function is entered: what all of its callers agree on. */
import { E } from "../../facts/expr.js";
import { I } from "../../facts/flow.js";
import { FnFlag } from "../../facts/outline.js";
import type { CallGraph } from "../../program/callgraph.js";
import type { Pointers } from "../../program/pointers.js";
import type { Program } from "../../program/program.js";
import { excludes, type HeldLock, sameLock } from "./held.js";
import type { LockEffects } from "./lockEffects.js";
import type { LockFlow } from "./lockFlow.js";

/** Calls upwards that are asked. */
const HIGHEST = 3;
/** With more callers than this nothing is said. */
const MOST_CALLERS = 24;

export class EntryLocks {
  private readonly memo = new Map<number, readonly HeldLock[]>();
  private readonly flows = new Map<number, LockFlow | null>();
  private readonly pointed: ReadonlySet<number>;

  constructor(
    private readonly effects: LockEffects,
    private readonly program: Program,
    private readonly graph: CallGraph,
    pointers: Pointers,
  ) {
    const pointed = new Set<number>();
    for (const [, fns] of pointers.byName()) for (const fn of fns) pointed.add(fn);
    for (const r of pointers.roots) pointed.add(r.fn);
    this.pointed = pointed;
  }

  /** Functions that call this one by its name; null when others may, through pointers, or they are too many. */
  callers(fn: number): number[] | null {
    const { program } = this;
    if (this.pointed.has(fn) || program.fnFlags(fn) & FnFlag.Syscall) return null;
    const out = new Set<number>();
    this.graph.callersOf(program.fnName(fn), (caller) => {
      if (caller === fn || program.fnFlags(caller) & (FnFlag.ObjectMacro | FnFlag.Dead | FnFlag.Prototype))
        return;
      if (
        out.size <= MOST_CALLERS &&
        program.resolve(program.fnName(fn), program.fnFile(caller)).includes(fn)
      )
        out.add(caller);
    });
    return out.size === 0 || out.size > MOST_CALLERS ? null : [...out].sort((a, b) => a - b);
  }

  /** Every function that calls this one by its name. */
  eachCaller(fn: number, each: (caller: number) => void): void {
    const { program } = this;
    const name = program.fnName(fn);
    this.graph.callersOf(name, (caller) => {
      if (caller === fn || program.fnFlags(caller) & (FnFlag.ObjectMacro | FnFlag.Prototype)) return;
      if (program.resolve(name, program.fnFile(caller)).includes(fn)) each(caller);
    });
  }

  /** Gets what `of` needs to answer for these. */
  async prepare(fns: Iterable<number>, signal?: AbortSignal): Promise<void> {
    const all = new Set<number>();
    let level = [...fns];
    for (let i = 0; i < HIGHEST && level.length > 0; i++) {
      const next: number[] = [];
      for (const fn of level)
        for (const caller of this.callers(fn) ?? []) {
          if (all.has(caller)) continue;
          all.add(caller);
          next.push(caller);
        }
      level = next;
    }
    await this.effects.prepare([...all], signal);
  }

  follow(fn: number): LockFlow | null {
    let f = this.flows.get(fn);
    if (f === undefined) {
      f = this.effects.follow(fn);
      this.flows.set(fn, f);
    }
    return f;
  }

  of(fn: number, up = HIGHEST): readonly HeldLock[] {
    const known = this.memo.get(fn);
    if (known) return known;
    if (up === 0) return [];
    this.memo.set(fn, []);
    const callers = this.callers(fn);
    let common: HeldLock[] | null = null;
    for (const caller of callers ?? []) {
      for (const held of this.atCalls(caller, fn, up)) {
        common = common === null ? held : common.filter((h) => held.some((k) => sameClass(h, k)));
        if (common.length === 0) break;
      }
      if (common?.length === 0) break;
    }
    const result = common ?? [];
    if (up === HIGHEST) this.memo.set(fn, result);
    else this.memo.delete(fn);
    return result;
  }

  /** What is held at each call of a function in a caller, the caller's own entry included. */
  atCalls(caller: number, callee: number, up: number): HeldLock[][] {
    const f = this.follow(caller);
    if (!f) return [[]];
    const name = this.program.fnText(callee);
    const out: HeldLock[][] = [];
    const { flow } = f;
    const entered = up > 1 ? this.of(caller, up - 1) : [];
    for (let pc = 0; pc < flow.length; pc += flow.size(pc)) {
      const q = flow.base + pc;
      if (flow.code[q] !== I.Call || f.t.pool.kind(flow.code[q + 2]) !== E.Var || f.calledName(q) !== name)
        continue;
      for (const s of f.statesAt(pc)) {
        const own = s.held.filter(excludes);
        const inherited = entered.filter(
          (h) => !s.dropped.some((d) => sameLock(d.lock, h)) && !own.some((k) => sameClass(k, h)),
        );
        out.push([...own, ...inherited]);
      }
    }
    return out;
  }
}

/** Locks seen from different functions: by class, terms mean nothing there. */
export function sameClass(a: HeldLock, b: HeldLock): boolean {
  if (a.family !== b.family) return false;
  return a.cls !== "" && b.cls !== "" ? a.cls === b.cls : a.last === b.last;
}
