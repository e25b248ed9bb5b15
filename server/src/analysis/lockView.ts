/** The locks of one function place by place, as those need it who rewrite its sections: at calls, at exits. Plain data. */
import type { FunctionLocks, HeldLock, LocksAtCall } from "../engine.js";
import { I } from "../facts/flow.js";
import { Fn } from "../facts/outline.js";
import { ATOMIC } from "../kernel/types.js";
import type { Demand } from "./demand.js";
import { instructions, offsetOf } from "./places.js";
import type { Token } from "./state.js";
import type { FunctionTrace, HeldLocks } from "./trace.js";

export async function functionLocks(demand: Demand, fn: number): Promise<FunctionLocks | null> {
  await demand.prepare([fn]);
  const trace = demand.trace(fn);
  if (!trace) return null;
  const start = demand.solver.program.fnColumn(fn, Fn.start);
  const calls: LocksAtCall[] = trace.calls.map((call) => {
    const after = trace.states(call.pc + trace.flow.size(call.pc));
    return {
      name: call.name,
      offset: start + call.at,
      endOffset: start + call.end,
      before: held(trace.states(call.pc), start),
      after: held(after, start),
      returns: after.length > 0,
    };
  });
  return { calls, exits: exits(trace, start), parsed: (trace.flow.flags & 1) === 0 };
}

function held(states: readonly HeldLocks[], start: number): HeldLock[] {
  const out = new Map<string, HeldLock>();
  for (const state of states) {
    for (const token of state.tokens) {
      const key = `${token.at}:${token.lock}:${token.adds}`;
      if (out.has(key)) continue;
      const everywhere = states.every((s) => s.tokens.some((t) => same(t, token)));
      out.set(key, {
        lock: token.lock,
        lockClass: token.cls,
        kind: token.kind,
        how: token.how,
        offset: start + token.at,
        endOffset: start + token.end,
        atomic: (token.adds & ATOMIC) !== 0,
        onEntry: token.entry,
        guard: token.guard >= 0,
        always: everywhere,
      });
    }
  }
  return [...out.values()].sort((a, b) => a.offset - b.offset);
}

const same = (a: Token, b: Token): boolean => a.at === b.at && a.lock === b.lock && a.adds === b.adds;

/** What is held or was given back at each way out, in a form that no edit elsewhere changes; sorted, each once. */
function exits(trace: FunctionTrace, start: number): FunctionLocks["exits"] {
  const ways = new Map<string, number[]>();
  for (const pc of instructions(trace.flow)) {
    if (trace.flow.code[trace.flow.base + pc] !== I.Return) continue;
    for (const state of trace.states(pc)) {
      const locks = state.tokens
        .filter((t) => t.guard < 0)
        .map((t) => `${t.entry ? "entry" : "holds"} ${t.kind} ${t.cls || t.lock}`);
      const dropped = state.dropped.map((d) => `dropped ${d.kind} ${d.cls || d.last}`);
      const text = [...locks, ...dropped].sort().join("; ");
      const at = start + Math.max(0, offsetOf(trace.flow, pc));
      const list = ways.get(text);
      if (list) list.push(at);
      else ways.set(text, [at]);
    }
  }
  return [...ways]
    .map(([locks, offsets]) => ({ locks, offsets: [...new Set(offsets)].sort((a, b) => a - b) }))
    .sort((a, b) => (a.locks < b.locks ? -1 : 1));
}
