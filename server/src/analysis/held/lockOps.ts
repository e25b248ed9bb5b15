/**
 * What calling a name does to locks, estimated from outlines alone: the order of lock primitives in the text of a function.
 * It tells which functions are worth their flow facts; those decide.
 */
import { Fn, FnFlag } from "../../facts/outline.js";
import type { KernelTables } from "../../kernel/types.js";
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

export class LockOps {
  private ops = new Uint8Array(0);
  private built = false;
  private readonly primitives = new Map<number, number>();

  constructor(
    private readonly program: Program,
    private readonly tables: KernelTables,
  ) {}

  /** The estimate for a name. */
  of(name: number): number {
    this.build();
    return this.ops[name] ?? Op.None;
  }

  isPrimitive(name: number): boolean {
    this.build();
    return this.primitives.has(name);
  }

  /** Files changed: the names that they define are looked at again. */
  edited(fns: Iterable<number>): void {
    if (!this.built) return;
    this.grow();
    for (const fn of fns) {
      if (!this.program.alive(fn)) continue;
      const name = this.program.fnName(fn);
      if (this.primitives.has(name)) continue;
      const op = this.estimate(fn);
      if (op !== Op.None) this.ops[name] = op;
    }
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
    const { program, tables } = this;
    for (const l of tables.locks.values()) {
      const id = program.names.find(l.name);
      if (id <= 0) continue;
      const op =
        l.op === "acquire"
          ? Op.Acquire
          : l.op === "release" || l.op === "conditional-release"
            ? Op.Release
            : l.op === "drop-retake"
              ? Op.Retake
              : l.op === "none"
                ? Op.None
                : Op.Maybe;
      if (op === Op.None) continue;
      this.primitives.set(id, op);
      this.ops[id] = op;
    }
    for (let round = 0; round < ROUNDS; round++) {
      const found: [number, number][] = [];
      for (const f of program.files) {
        if (!f) continue;
        for (const fn of f.fns) {
          const name = program.fnName(fn);
          if (this.ops[name] !== Op.None) continue;
          const op = this.estimate(fn);
          if (op !== Op.None) found.push([name, op]);
        }
      }
      if (found.length === 0) break;
      for (const [name, op] of found) if (this.ops[name] === Op.None) this.ops[name] = op;
    }
  }

  private estimate(fn: number): number {
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
      const op = this.ops[c >> 1];
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
}
