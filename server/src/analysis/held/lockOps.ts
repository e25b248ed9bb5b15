/**
 * What calling a name does to locks, estimated from outlines alone: the order of lock primitives in the text of a function.
 * It tells which functions are worth their flow facts; those decide.
 *
 * Wrappers are found in rounds: what calls a primitive first, then what calls those, and so on. The round in which a name
 * got its estimate is kept with it, so that an edit is followed round by round through the names that it concerns and
 * comes to what a fresh start comes to.
 */
import { Fn, FnFlag } from "../../facts/outline.js";
import type { KernelTables, LockPrimitive } from "../../kernel/types.js";
import type { CallGraph } from "../../program/callgraph.js";
import type { Program } from "../../program/program.js";

export const Op = {
  None: 0,
  /** Leaves a lock held that was not. */
  Acquire: 1,
  Release: 2,
  /** Gives a lock of the caller up and takes it again. */
  Retake: 3,
  /** Either, depending on a result. */
  Maybe: 4,
} as const;

/** Wrappers of wrappers are followed this far. */
const ROUNDS = 3;
/** Functions longer than this in calls do not wrap a lock. */
const LONGEST_WRAPPER = 60;

/** An estimate with the round that it was made in: primitives are of round 0. */
const OP_BITS = 3;
const OP_MASK = (1 << OP_BITS) - 1;

/** The names that have an estimate, with it and its round. */
export interface LockOpsImage {
  names: Int32Array;
  ops: Uint8Array;
}

export class LockOps {
  /** By name: the estimate, and above its bits the round; 0 for none. */
  private ops = new Uint8Array(0);
  private built = false;
  /** Primitives that no text has named yet: their names have no numbers. */
  private unnamed: LockPrimitive[] = [];

  constructor(
    private readonly program: Program,
    private readonly tables: KernelTables,
    private readonly graph: CallGraph,
  ) {}

  /** The estimate for a name. */
  of(name: number): number {
    this.build();
    return (this.ops[name] ?? 0) & OP_MASK;
  }

  /** What is known of a name after a round. */
  private after(round: number, name: number): number {
    const packed = this.ops[name] ?? 0;
    return packed >> OP_BITS <= round ? packed & OP_MASK : Op.None;
  }

  /**
   * These functions changed, are new or are gone, and these are their names, those of what is gone included. Answers the
   * names whose estimate has changed, those of wrappers included.
   */
  edited(fns: Iterable<number>, names: Iterable<number>): number[] {
    // What was never asked has told nobody anything.
    if (!this.built) return [];
    this.grow();
    const before = new Map<number, number>();
    const work = new Set(names);
    const changedFns = new Set(fns);
    // Where no definition told anything, those that did not change still do not: a name like `probe` has hundreds of them.
    const silent = new Set([...work].filter((name) => this.of(name) === Op.None));
    const remember = (name: number): void => {
      if (!before.has(name)) before.set(name, this.ops[name]);
    };
    // Those who call what changed in a round are looked at in all later ones.
    const follow = (changed: readonly number[]): void => {
      for (const name of changed)
        this.callingNames(name, (caller) => {
          work.add(caller);
          silent.delete(caller);
        });
    };
    const { unnamed } = this;
    this.unnamed = [];
    follow(this.namePrimitives(unnamed, remember));
    for (let round = 1; round <= ROUNDS; round++) {
      const changed: number[] = [];
      for (const name of work) {
        if (this.after(round - 1, name) !== Op.None) continue;
        remember(name);
        const op = this.estimateOf(name, round - 1, silent.has(name) ? changedFns : null);
        this.ops[name] = op === Op.None ? 0 : (round << OP_BITS) | op;
        const old = before.get(name)!;
        if (op !== (old >> OP_BITS <= round ? old & OP_MASK : Op.None)) changed.push(name);
      }
      follow(changed);
    }
    return [...before].filter(([name, old]) => (old & OP_MASK) !== this.of(name)).map(([name]) => name);
  }

  private grow(): void {
    if (this.ops.length >= this.program.names.count) return;
    const bigger = new Uint8Array(this.program.names.count + 4096);
    bigger.set(this.ops);
    this.ops = bigger;
  }

  private build(): void {
    if (this.built) return;
    this.built = true;
    this.grow();
    let frontier = this.namePrimitives([...this.tables.locks.values()], () => {});
    // Only who calls something with an estimate can get one; in later rounds, only who calls what got it in the last.
    for (let round = 1; round <= ROUNDS && frontier.length > 0; round++) {
      const work = new Set<number>();
      for (const name of frontier) this.callingNames(name, (caller) => work.add(caller));
      frontier = [];
      for (const name of work) {
        if (this.after(round - 1, name) !== Op.None) continue;
        const op = this.estimateOf(name, round - 1);
        if (op === Op.None) continue;
        this.ops[name] = (round << OP_BITS) | op;
        frontier.push(name);
      }
    }
  }

  /** Enters primitives that have numbers by now, and keeps the others for later; answers the names. */
  private namePrimitives(primitives: readonly LockPrimitive[], before: (name: number) => void): number[] {
    const out: number[] = [];
    for (const l of primitives) {
      const op = opOf(l);
      if (op === Op.None) continue;
      const id = this.program.names.find(l.name);
      if (id <= 0) {
        this.unnamed.push(l);
        continue;
      }
      before(id);
      this.ops[id] = op;
      out.push(id);
    }
    return out;
  }

  private callingNames(name: number, each: (caller: number) => void): void {
    this.graph.callersOf(name, (fn) => each(this.program.fnName(fn)));
  }

  /** What the first of a name's definitions that tells does, by what was known after a round; `only`: of these. */
  private estimateOf(name: number, round: number, only: ReadonlySet<number> | null = null): number {
    for (const fn of this.program.definitionsOf(name)) {
      if (only && !only.has(fn)) continue;
      const op = this.estimate(fn, round);
      if (op !== Op.None) return op;
    }
    return Op.None;
  }

  private estimate(fn: number, round: number): number {
    const { program } = this;
    if (program.fnFlags(fn) & (FnFlag.Prototype | FnFlag.ObjectMacro | FnFlag.Dead)) return Op.None;
    if (program.fnColumn(fn, Fn.callCount) > LONGEST_WRAPPER && program.fnColumn(fn, Fn.annotCount) === 0)
      return Op.None;
    let first = 0;
    let last = 0;
    let depth = 0;
    let maybe = false;
    for (const c of program.calls(fn)) {
      if (c & 1) continue;
      const op = this.after(round, c >> 1);
      if (op === Op.None) continue;
      if (op === Op.Retake) {
        if (depth <= 0) return Op.Retake;
        continue;
      }
      if (op === Op.Maybe) {
        maybe = true;
        depth++;
        continue;
      }
      if (first === 0) first = op;
      last = op;
      depth += op === Op.Acquire ? 1 : -1;
    }
    if (first === 0) return maybe && depth > 0 ? Op.Maybe : Op.None;
    if (first === Op.Release && last === Op.Acquire) return Op.Retake;
    if (depth > 0 && first === Op.Acquire && last === Op.Acquire) return Op.Acquire;
    if (depth < 0 && first === Op.Release && last === Op.Release) return Op.Release;
    return Op.None;
  }

  // ---- image ----------------------------------------------------------------------------------------------------

  save(): LockOpsImage {
    this.build();
    const names: number[] = [];
    for (let name = 0; name < this.ops.length; name++) if (this.ops[name] !== 0) names.push(name);
    return { names: Int32Array.from(names), ops: Uint8Array.from(names, (name) => this.ops[name]) };
  }

  restore(image: LockOpsImage): void {
    this.built = true;
    this.grow();
    image.names.forEach((name, i) => {
      this.ops[name] = image.ops[i];
    });
    // Flow facts give names numbers too, between a build and an edit: those that were not primitives of the image are new.
    const known = new Set(image.names);
    this.unnamed = [...this.tables.locks.values()].filter((l) => {
      const id = this.program.names.find(l.name);
      return opOf(l) !== Op.None && (id <= 0 || !known.has(id) || this.ops[id] >> OP_BITS !== 0);
    });
  }
}

function opOf(l: LockPrimitive): number {
  switch (l.op) {
    case "acquire":
      return Op.Acquire;
    case "release":
    case "conditional-release":
      return Op.Release;
    case "drop-retake":
      return Op.Retake;
    case "none":
      return Op.None;
    default:
      return Op.Maybe;
  }
}
