/** The functions that a function calls or hands on, as far as they can matter for sleeping. */
import { E } from "../facts/expr.js";
import { type Flow, I } from "../facts/flow.js";
import { FnFlag } from "../facts/outline.js";
import type { KernelTables } from "../kernel/types.js";
import type { Program } from "../program/program.js";
import type { TableNames } from "./tableNames.js";

/** Whether a definition has statements: prototypes and object-like macros have none. */
export function hasBody(program: Program, fn: number): boolean {
  return (program.fnFlags(fn) & (FnFlag.Prototype | FnFlag.ObjectMacro)) === 0;
}

/** Functions that this one calls or hands on, as far as they matter. */
export function calleesOf(
  fn: number,
  flow: Flow,
  program: Program,
  { tables, tableNames }: { tables: KernelTables; tableNames: TableNames },
  reaches: (fn: number) => boolean,
  /** Is told which of them are called with a function in hand. */
  handed?: (fn: number) => void,
): number[] {
  const file = program.fnFile(fn);
  const out: number[] = [];
  const seen = new Set<number>();
  const add = (f: number): void => {
    if (!seen.has(f)) {
      seen.add(f);
      out.push(f);
    }
  };
  /** A chain ends at a name of which the tables say all that there is to say. */
  const ends = (id: number): boolean => {
    if (!tableNames.has(id)) return false;
    const text = program.names.text(id);
    return (
      tables.hardStops.has(text) ||
      tables.neverSleeps.has(text) ||
      tables.noReturn.has(text) ||
      tables.locks.has(text) ||
      tables.sleepers.get(text)?.boundary === true
    );
  };
  const addName = (id: number, always: boolean): void => {
    if (ends(id)) return;
    for (const f of program.resolve(id, file)) {
      if (hasBody(program, f)) {
        if (always) handed?.(f);
        if (always || reaches(f)) add(f);
      } else for (const c of program.calls(f)) if ((c & 1) === 0 && c >> 1 !== id) addName(c >> 1, always);
    }
  };
  const c = flow.code;
  const pool = flow.pool();
  const terms = new Map<number, boolean>();
  const functionArg = (e: number): number => {
    let x = e;
    if (x > 0 && pool.kind(x) === E.Addr) x = pool.a(x);
    if (x > 0 && pool.kind(x) === E.Cast) x = pool.b(x);
    return x > 0 && pool.kind(x) === E.Var ? flow.names[pool.a(x)] : 0;
  };
  for (let pc = 0; pc < flow.length; pc += flow.size(pc)) {
    const q = flow.base + pc;
    if (c[q] === I.Call) {
      const callee = c[q + 2];
      let handsOn = false;
      for (let i = 0; i < c[q + 6]; i++) {
        const name = functionArg(c[q + 7 + i]);
        if (name === 0 || terms.has(c[q + 7 + i])) {
          handsOn ||= terms.get(c[q + 7 + i]) === true;
          continue;
        }
        const isFn = program
          .resolve(name, file)
          .some((f) => hasBody(program, f) && !(program.fnFlags(f) & FnFlag.Macro));
        terms.set(c[q + 7 + i], isFn);
        if (isFn) {
          handsOn = true;
          addName(name, false);
        }
      }
      if (pool.kind(callee) === E.Var) addName(flow.names[pool.a(callee)], handsOn);
    } else if (c[q] === I.Assign) {
      const name = functionArg(c[q + 2]);
      if (name !== 0 && pool.kind(c[q + 1]) === E.Var) {
        if (
          program.resolve(name, file).some((f) => !(program.fnFlags(f) & (FnFlag.Macro | FnFlag.ObjectMacro)))
        )
          addName(name, false);
      }
    }
  }
  return out;
}
