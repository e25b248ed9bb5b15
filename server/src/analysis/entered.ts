/**
 * Contexts in which a function is entered: callers that hold a lock when they call it, found upwards through any number of
 * calls, and callbacks that the kernel enters atomic. Breadth first, so that the shortest chains come first.
 */

import type { CallerContext } from "../findings/explain.js";
import type { ChainStep } from "../findings/types.js";
import { ATOMIC } from "../kernel/types.js";
import type { CallbackRoot } from "../program/pointers.js";
import type { Demand } from "./demand.js";
import { otherwiseOfCallback, otherwiseOfToken } from "./otherwise.js";
import { R } from "./reasons.js";
import type { Reporter } from "./report.js";
import type { Token } from "./state.js";
import { heldContext, type LockRef } from "./summary.js";
import { holdings, isAtomic, leading, viaOf } from "./trace.js";

export interface EnteredLimits {
  /** Callers looked at in all. */
  callers: number;
  /** Longest chain. */
  depth: number;
  /** Contexts told. */
  contexts: number;
}

export interface Entered {
  contexts: CallerContext[];
  seen: number;
  left: number;
}

interface Item {
  fn: number;
  chain: ChainStep[];
  /** Locks of callers that are released on the way down. */
  dropped: readonly LockRef[];
}

export async function enteredIn(
  demand: Demand,
  reporter: Reporter,
  fn: number,
  limits: EnteredLimits,
): Promise<Entered> {
  const { pointers } = demand.solver;
  const out: CallerContext[] = [];
  const seen = new Set<number>([fn]);
  const roots = new Map<number, CallbackRoot[]>();
  for (const r of pointers.roots) {
    const list = roots.get(r.fn);
    if (list) list.push(r);
    else roots.set(r.fn, [r]);
  }
  let level: Item[] = [{ fn, chain: [], dropped: [] }];
  let looked = 0;
  let left = 0;
  for (let depth = 0; level.length > 0 && out.length < limits.contexts; depth++) {
    for (const item of level) {
      for (const root of roots.get(item.fn) ?? []) {
        if ((root.bits & ATOMIC) === 0 || out.length >= limits.contexts) continue;
        out.push({
          context: { kind: root.kind, site: reporter.registered(root), how: root.how },
          from: "callback",
          chain: item.chain,
          maybe: root.confidence === "low",
          otherwise: otherwiseOfCallback(root),
        });
      }
    }
    if (depth >= limits.depth) {
      for (const item of level) left += demand.callersOf(item.fn).filter((c) => !seen.has(c.fn)).length;
      break;
    }
    const calls: { item: Item; caller: number }[] = [];
    for (const item of level) {
      for (const { fn: caller } of demand.callersOf(item.fn)) {
        if (seen.has(caller)) continue;
        if (looked >= limits.callers) {
          left++;
          continue;
        }
        looked++;
        seen.add(caller);
        calls.push({ item, caller });
      }
    }
    await demand.prepare(calls.map((c) => c.caller));
    const next: Item[] = [];
    for (const { item, caller } of calls) {
      const bare = callsOf(demand, reporter, caller, item, out, limits.contexts);
      if (bare) next.push(bare);
    }
    level = next;
  }
  return { contexts: out, seen: looked, left };
}

/** Tells the contexts in which one caller calls; the item to go on with when it also calls with none of its own. */
function callsOf(
  demand: Demand,
  reporter: Reporter,
  caller: number,
  item: Item,
  out: CallerContext[],
  most: number,
): Item | null {
  const { program } = demand.solver;
  const trace = demand.trace(caller);
  if (!trace) return null;
  let bare: Item | null = null;
  for (const call of trace.calls) {
    if (!call.targets.has(item.fn)) continue;
    const states = trace.states(call.pc).map((s) => ({
      tokens: s.tokens.filter((t) => !item.dropped.some((d) => releases(d, t))),
      dropped: s.dropped,
    }));
    if (states.length === 0) continue;
    const step: ChainStep = {
      ...reporter.site(caller, call.at, call.end),
      function: program.fnText(caller),
      via: viaOf(program, call, item.fn),
    };
    const chain = [step, ...item.chain];
    const top = leading(holdings(states));
    if (top && out.length < most) {
      out.push({
        context: reporter.context(caller, heldContext(top.token)),
        from: "caller",
        chain,
        maybe: !states.every(isAtomic),
        otherwise: otherwiseOfToken(top.token),
      });
    }
    const free = states.filter((s) => !isAtomic(s));
    if (free.length > 0 && bare === null) {
      const dropped = free.every((s) => s.dropped.length > 0) ? free[0].dropped : [];
      bare = { fn: caller, chain, dropped: [...item.dropped, ...dropped] };
    }
  }
  return bare;
}

/** Whether a lock that was dropped on the way down is this one, as far as names tell. */
function releases(d: LockRef, t: Token): boolean {
  if (d.cls !== "" && t.cls !== "") return d.cls === t.cls;
  if (d.last !== "" && t.last !== "") return d.last === t.last;
  return d.kind === t.kind;
}

export const isAsserted = (t: Token): boolean => t.entry || (t.reasons & (R.assertion | R.annotation)) !== 0;
