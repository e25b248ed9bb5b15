/**
 * What the interpreter met in one function, place by place: the locks held at every instruction, and for every call the
 * functions that it leads to and the ways in which it may sleep. Explanations, hovers and the graph are read from it.
 */
import { E } from "../facts/expr.js";
import { type Flow, I } from "../facts/flow.js";
import { FnFlag } from "../facts/outline.js";
import { ATOMIC } from "../kernel/types.js";
import type { Program } from "../program/program.js";
import type { FnResult } from "./interpret/frame.js";
import type { Observer } from "./observer.js";
import type { PathState, Token } from "./state.js";
import type { LockRef, SleepEntry } from "./summary.js";
import type { Terms } from "./terms.js";

/** Locks held and dropped on one way to a place. */
export interface HeldLocks {
  readonly tokens: readonly Token[];
  /** Locks of the caller that were released here. */
  readonly dropped: readonly LockRef[];
}

/** A lock or context that holds at a place. */
export interface Holding {
  token: Token;
  /** On every way to the place. */
  always: boolean;
}

export interface TracedCall {
  pc: number;
  /** Offsets relative to the function. */
  at: number;
  end: number;
  /** Callee as written: a name, or the text of a pointer's expression. */
  name: string;
  /** The callee is an expression, not a name. */
  pointer: boolean;
  targets: Set<number>;
  via: SleepEntry["via"];
  unresolved: boolean;
  /** Number of functions that the pointer can hold when they were too many to follow. */
  manyTargets: number;
  sleeps: SleepEntry[];
}

export interface FunctionTrace {
  fn: number;
  flow: Flow;
  terms: Terms;
  result: FnResult;
  /** In order of the text. */
  calls: TracedCall[];
  undecided: { at: number; term: number }[];
  /** The ways to an instruction; none when it is not reached. */
  states(pc: number): readonly HeldLocks[];
}

export class TraceBuilder implements Observer {
  private readonly at = new Map<number, Map<string, HeldLocks>>();
  private readonly calls = new Map<number, TracedCall>();
  private readonly open = new Map<string, { at: number; term: number }>();
  private readonly entries = new Map<number, Map<string, SleepEntry>>();

  constructor(
    private readonly fn: number,
    private readonly flow: Flow,
    private readonly terms: Terms,
  ) {
    const c = flow.code;
    for (let pc = 0; pc < flow.length; pc += flow.size(pc)) {
      const q = flow.base + pc;
      if (c[q] !== I.Call) continue;
      const callee = c[q + 2];
      const isName = terms.pool.kind(callee) === E.Var;
      // The two variants of a function by #if have a call each for the same text.
      const known = this.calls.get(c[q + 4]);
      if (known) continue;
      this.calls.set(c[q + 4], {
        pc,
        at: c[q + 4],
        end: c[q + 5],
        name: isName ? terms.text(terms.pool.a(callee)) : terms.show(callee),
        pointer: !isName || terms.isLocal(terms.pool.a(callee)),
        targets: new Set(),
        via: "call",
        unresolved: false,
        manyTargets: 0,
        sleeps: [],
      });
    }
  }

  step(pc: number, state: PathState): void {
    let here = this.at.get(pc);
    if (!here) {
      here = new Map();
      this.at.set(pc, here);
    }
    const key = state.lockKey;
    if (!here.has(key)) here.set(key, { tokens: state.tokens, dropped: state.dropped });
  }

  call(at: number, _end: number, _name: string, targets: readonly number[], via: SleepEntry["via"]): void {
    const call = this.calls.get(at);
    if (!call) return;
    for (const t of targets) call.targets.add(t);
    call.via = via;
  }

  unresolved(at: number): void {
    const call = this.calls.get(at);
    if (call) call.unresolved = true;
  }

  manyTargets(at: number, targets: number): void {
    const call = this.calls.get(at);
    if (call) call.manyTargets = targets;
  }

  sleep(entry: SleepEntry): void {
    let here = this.entries.get(entry.at);
    if (!here) {
      here = new Map();
      this.entries.set(entry.at, here);
    }
    const key = entry.sink.key;
    const old = here.get(key);
    if (!old || entry.length < old.length) here.set(key, entry);
  }

  undecided(at: number, term: number): void {
    this.open.set(`${at}:${term}`, { at, term });
  }

  finish(result: FnResult): FunctionTrace {
    const variants = new Map<number, number[]>();
    const c = this.flow.code;
    for (let pc = 0; pc < this.flow.length; pc += this.flow.size(pc)) {
      const q = this.flow.base + pc;
      if (c[q] !== I.Call) continue;
      const list = variants.get(c[q + 4]);
      if (list) list.push(pc);
      else variants.set(c[q + 4], [pc]);
    }
    for (const [at, entries] of this.entries) {
      const call = this.calls.get(at);
      if (call)
        call.sleeps = [...entries.values()].sort((a, b) => a.length - b.length || a.sink.at - b.sink.at);
    }
    return {
      fn: this.fn,
      flow: this.flow,
      terms: this.terms,
      result,
      calls: [...this.calls.values()].sort((a, b) => a.at - b.at),
      undecided: [...this.open.values()].sort((a, b) => a.at - b.at || a.term - b.term),
      states: (pc) => {
        const q = this.flow.base + pc;
        const same = c[q] === I.Call ? (variants.get(c[q + 4]) ?? [pc]) : [pc];
        const all = new Map<string, HeldLocks>();
        for (const p of same) for (const [key, held] of this.at.get(p) ?? []) all.set(key, held);
        return [...all.values()];
      },
    };
  }
}

/** How a call reaches one of its targets. */
export function viaOf(program: Program, call: TracedCall, target: number): SleepEntry["via"] {
  return call.via === "call" && program.fnFlags(target) & FnFlag.Macro ? "macro" : call.via;
}

/** The contexts that hold where these ways meet, outermost first. */
export function holdings(states: readonly HeldLocks[]): Holding[] {
  const out: Holding[] = [];
  for (const s of states) {
    for (const token of s.tokens) {
      if ((token.adds & ATOMIC) === 0 || out.some((h) => same(h.token, token))) continue;
      out.push({ token, always: states.every((o) => o.tokens.some((t) => same(t, token))) });
    }
  }
  return out.sort((a, b) => a.token.at - b.token.at || a.token.id - b.token.id);
}

/** The same lock from the same place, whatever is known of its name on the way. */
function same(a: Token, b: Token): boolean {
  return a.at === b.at && a.adds === b.adds && a.lock === b.lock;
}

/** The context that a finding would name: the outermost one entered here, else an asserted one. */
export function leading(list: readonly Holding[]): Holding | null {
  return list.find((h) => !h.token.entry) ?? list[0] ?? null;
}

/** Whether a way holds anything that makes it atomic. */
export function isAtomic(s: HeldLocks): boolean {
  return s.tokens.some((t) => (t.adds & ATOMIC) !== 0);
}
