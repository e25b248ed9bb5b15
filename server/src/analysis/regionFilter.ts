/** Tells functions that cannot have a finding of their own from those that must be interpreted. */
import { E } from "../facts/expr.js";
import { type Flow, HEADER, I } from "../facts/flow.js";
import { Fn, FnFlag } from "../facts/outline.js";
import type { KernelTables } from "../kernel/types.js";
import type { Program } from "../program/program.js";
import type { LockWrappers } from "./lockWrappers.js";
import { depths } from "./prefilter.js";
import type { TableNames } from "./tableNames.js";

export class RegionFilter {
  constructor(
    private readonly program: Program,
    private readonly tables: KernelTables,
    private readonly tableNames: TableNames,
    private readonly wrappers: LockWrappers,
    /** Whether a sleep can be reached from a function, by names. */
    private readonly reaches: (fn: number) => boolean,
  ) {}

  /** Whether a function that can sleep is passed on as an argument. */
  private handsOn(fn: number, flow: Flow): boolean {
    const c = flow.code;
    const file = this.program.fnFile(fn);
    for (let pc = 0; pc < flow.length; pc += flow.size(pc)) {
      const q = flow.base + pc;
      if (c[q] !== I.Call) continue;
      for (let i = 0; i < c[q + 6]; i++) {
        let at = HEADER + c[q + 7 + i] * 4;
        if (c[at] === E.Addr) at = HEADER + c[at + 1] * 4;
        if (c[at] !== E.Var) continue;
        if (
          this.program
            .resolve(flow.names[c[at + 1]], file)
            .some((f) => this.reaches(f) && (this.program.fnFlags(f) & FnFlag.Macro) === 0)
        )
          return true;
      }
    }
    return false;
  }

  /** Whether counting locks is enough to know where one is held: every lock is released as it was taken. */
  private countable(flow: Flow): boolean {
    const c = flow.code;
    const locks = new Map<number, { taken: Set<string>; given: Set<string> }>();
    for (let pc = 0; pc < flow.length; pc += flow.size(pc)) {
      const q = flow.base + pc;
      if (c[q] === I.GuardEnter) return false;
      if (c[q] !== I.Call) continue;
      const at = HEADER + c[q + 2] * 4;
      if (c[at] !== E.Var) continue;
      const text = flow.text(c[at + 1]);
      const l = this.tableNames.has(flow.names[c[at + 1]]) ? this.tables.locks.get(text) : undefined;
      if (!l || l.adds === 0) {
        if (this.wrappers.wrapper(flow.names[c[at + 1]]) !== undefined) return false;
        continue;
      }
      if (l.op !== "acquire" && l.op !== "release") return false;
      const arg = l.lock === null ? 0 : l.lock.from === "arg" ? (c[q + 7 + l.lock.index] ?? 0) : -1;
      if (arg < 0) return false;
      let entry = locks.get(arg);
      if (!entry) {
        // The caller's lock, given back before it is taken: what is held is not what was taken here.
        if (l.op === "release") return false;
        entry = { taken: new Set(), given: new Set() };
        locks.set(arg, entry);
      }
      if (l.op === "acquire") entry.taken.add(l.pair ?? text);
      else entry.given.add(text);
    }
    for (const l of locks.values())
      if (l.taken.size !== l.given.size || [...l.taken].some((n) => !l.given.has(n))) return false;
    return true;
  }

  /** Whether anything that a function calls while it may hold a lock can sleep. */
  mayReport(fn: number, flow: Flow): boolean {
    const { program, tables } = this;
    const file = program.fnFile(fn);
    if (!this.countable(flow) || this.handsOn(fn, flow)) return true;
    for (const name of depths(flow, (n) => this.wrappers.opOfText(n), program.fnColumn(fn, Fn.annotCount) > 0)
      .under) {
      if (name < 0) return true;
      const id = flow.names[name];
      if (this.tableNames.has(id)) {
        const text = flow.text(name);
        if (tables.hardStops.has(text) || tables.neverSleeps.has(text)) continue;
        const lock = tables.locks.get(text);
        if (lock?.sleeps || tables.sleepers.has(text)) return true;
        if (lock) continue;
      }
      // A local variable that holds a function.
      if (program.definitionsOf(id).length === 0) return true;
      for (const f of program.resolve(id, file))
        if (this.reaches(f) || (this.program.fnFlags(f) & (FnFlag.Prototype | FnFlag.ObjectMacro)) !== 0)
          return true;
    }
    return false;
  }
}
