/**
 * Cheap over-approximations from the control flow alone, before a function is interpreted: at which depths of lock
 * primitives its calls stand and it returns. Conditions are ignored, so that nothing real is missed.
 */
import { E } from "../facts/expr.js";
import { type Flow, HEADER, I } from "../facts/flow.js";

/** Depths -4 … 11 as bits of an integer; bit 4 is depth 0. */
const ZERO_DEPTH = 1 << 4;
const ABOVE = 0xffe0;
const ALL = 0xffff;

export interface Depths {
  /** Some return leaves locks taken or dropped. */
  unbalanced: boolean;
  /** Calls that may stand under a lock: callee's name index in the flow, -1 for a call through a pointer. */
  under: Set<number>;
}

/**
 * `op` gives what a called name does: 1 acquires, -1 releases, 2 may do either or neither, 3 asserts or enters for good,
 * 0 nothing. Functions whose context is given on entry start under it.
 */
export function depths(flow: Flow, op: (name: string) => number, entered: boolean): Depths {
  const c = flow.code;
  const under = new Set<number>();
  const masks = new Map<number, number>();
  const queue: number[] = [];
  let unbalanced = false;
  const ops = new Int8Array(flow.names.length).fill(127);
  const exprAt = (e: number): number => HEADER + e * 4;
  const arrive = (pc: number, mask: number): void => {
    const old = masks.get(pc) ?? 0;
    if ((old | mask) !== old) {
      masks.set(pc, old | mask);
      queue.push(pc);
    }
  };
  arrive(0, entered ? ZERO_DEPTH << 1 : ZERO_DEPTH);
  while (queue.length > 0) {
    let pc = queue.pop()!;
    let mask = masks.get(pc)!;
    run: while (pc < flow.length) {
      const q = flow.base + pc;
      switch (c[q]) {
        case I.Jump:
          arrive(c[q + 1], mask);
          break run;
        case I.Branch:
          arrive(c[q + 2], mask);
          arrive(c[q + 3], mask);
          break run;
        case I.Switch:
          for (let i = 0; i < c[q + 2]; i++) arrive(c[q + 4 + 2 * i], mask);
          break run;
        case I.Return:
          if (mask & ~(entered ? ZERO_DEPTH << 1 : ZERO_DEPTH)) unbalanced = true;
          break run;
        case I.GuardEnter:
          mask = (mask | (mask << 1)) & ALL;
          break;
        case I.GuardExit:
          mask = (mask | (mask >> 1)) & ALL;
          break;
        case I.Call: {
          const at = exprAt(c[q + 2]);
          const name = c[at] === E.Var ? c[at + 1] : -1;
          if (mask & ABOVE) under.add(name);
          if (name >= 0) {
            let o = ops[name];
            if (o === 127) {
              o = op(flow.text(name));
              ops[name] = o;
            }
            if (o === 1) mask = (mask << 1) & ALL;
            else if (o === -1) mask = (mask >> 1) | (mask & 1);
            else if (o === 2) mask = (mask | (mask << 1) | (mask >> 1)) & ALL;
            else if (o === 3) mask = (mask | (ZERO_DEPTH << 1)) & ALL;
          }
          break;
        }
      }
      pc += flow.size(pc);
    }
  }
  return { unbalanced, under };
}
