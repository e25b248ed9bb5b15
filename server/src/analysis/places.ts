/** Where the instructions of flow facts stand in the text, and which states hold at a place of it. */
import { type Flow, I } from "../facts/flow.js";
import type { FunctionTrace, HeldLocks } from "./trace.js";

/** Offset of an instruction relative to its function, -1 where it has none. */
export function offsetOf(flow: Flow, pc: number): number {
  const c = flow.code;
  const q = flow.base + pc;
  switch (c[q]) {
    case I.Call:
    case I.GuardEnter:
      return c[q + 4];
    case I.Assign:
      return c[q + 3];
    case I.Return:
      return c[q + 2];
    default:
      return -1;
  }
}

/** Every instruction, in order. */
export function* instructions(flow: Flow): Iterable<number> {
  for (let pc = 0; pc < flow.length; pc += flow.size(pc)) yield pc;
}

/**
 * The ways to a stretch of text (offsets relative to the function): before and after each of its calls and guards; where
 * nothing of it matters to the analysis, after what stands before it.
 */
export function statesIn(trace: FunctionTrace, from: number, to: number): readonly HeldLocks[] {
  const { flow } = trace;
  const out = new Set<HeldLocks>();
  let before = -1;
  let beforeAt = -1;
  for (const pc of instructions(flow)) {
    const at = offsetOf(flow, pc);
    if (at < 0) continue;
    if (at >= from && at < to) {
      for (const s of trace.states(pc)) out.add(s);
      const op = flow.code[flow.base + pc];
      if (op === I.Call || op === I.GuardEnter) for (const s of trace.states(pc + flow.size(pc))) out.add(s);
    } else if (at < from && at >= beforeAt) {
      before = pc;
      beforeAt = at;
    }
  }
  if (out.size > 0) return [...out];
  return before < 0 ? trace.states(0) : statesAfter(trace, before);
}

/** The ways on from an instruction. */
export function statesAfter(trace: FunctionTrace, pc: number): readonly HeldLocks[] {
  const { flow } = trace;
  const after = trace.states(pc + flow.size(pc));
  return after.length > 0 ? after : trace.states(pc);
}
