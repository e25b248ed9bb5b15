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

/** What is held on entry of a function, and the callers that were looked at for it. */
interface Entered {
  held: readonly HeldLock[];
  callers: readonly number[];
}

/** Functions that an answer rests on. */
export interface Grounds {
  /** Whose locks were followed. */
  followed: Set<number>;
  /** Whose callers were asked for. */
  asked: Set<number>;
}

export class EntryLocks {
  /** By function and levels upwards that are left: an answer must not depend on what was asked before. */
  private readonly memo = new Map<number, Entered>();
  private readonly flows = new Map<number, LockFlow | null>();
  private rootFns: Set<number> | null = null;

  constructor(
    private readonly effects: LockEffects,
    private readonly program: Program,
    private readonly graph: CallGraph,
    private readonly pointers: Pointers,
  ) {}

  /** Whether something may call a function other than by its name. */
  isPointed(fn: number): boolean {
    this.rootFns ??= new Set(this.pointers.roots.map((r) => r.fn));
    return this.rootFns.has(fn) || this.pointers.fieldsOf(fn).length > 0;
  }

  /** Functions that call this one by its name; null when others may, through pointers, or they are too many. */
  callers(fn: number): number[] | null {
    const { program } = this;
    if (this.isPointed(fn) || program.fnFlags(fn) & FnFlag.Syscall) return null;
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
    return out.size === 0 || out.size > MOST_CALLERS
      ? null
      : [...out].sort((a, b) => program.comparePlaces(a, b));
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
      const { unknown } = this.effects;
      f = this.effects.follow(fn);
      // Without the facts of it and its callees it is not the last word.
      if (unknown === this.effects.unknown) this.flows.set(fn, f);
    }
    return f;
  }

  of(fn: number, up = HIGHEST): readonly HeldLock[] {
    return this.entered(fn, up).held;
  }

  private entered(fn: number, up: number): Entered {
    const key = fn * (HIGHEST + 1) + up;
    const known = this.memo.get(key);
    if (known) return known;
    const { unknown } = this.effects;
    const callers = this.callers(fn) ?? [];
    let common: HeldLock[] | null = null;
    let n = 0;
    while (n < callers.length && common?.length !== 0) {
      for (const held of this.atCalls(callers[n++], fn, up)) {
        common = common === null ? held : common.filter((h) => held.some((k) => sameClass(h, k)));
        if (common.length === 0) break;
      }
    }
    const made: Entered = { held: common ?? [], callers: callers.slice(0, n) };
    if (unknown === this.effects.unknown) this.memo.set(key, made);
    return made;
  }

  /** Adds what `of` rests on for a function. */
  addGrounds(fn: number, out: Grounds, up = HIGHEST): void {
    if (up === 0) return;
    out.asked.add(fn);
    for (const caller of this.entered(fn, up).callers) {
      out.followed.add(caller);
      this.addGrounds(caller, out, up - 1);
    }
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
