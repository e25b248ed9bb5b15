/** How a function may sleep for its callers, in a form that can be compared with what it was before an edit. */
import type { SleepWay } from "../engine.js";
import { confidenceOf } from "./reasons.js";
import type { Solver } from "./solver.js";
import type { LockRef } from "./summary.js";

/** Null where the function's facts could not be had. Summarise it first. */
export function sleepWays(solver: Solver, fn: number): SleepWay[] | null {
  if (!solver.flows.get(fn)) return null;
  return solver.summaryOf(fn).sleeps.map((e) => ({
    conditions: [
      ...e.gfp.map((term) => `gfp ${term}`),
      ...e.atoms.map((a) => `${a.truth ? "" : "!"}${a.term}`),
      ...e.dropped.map((l) => `dropped ${lockKey(l)}`),
      ...(e.viaParam >= 0 ? [`calls parameter ${e.viaParam}`] : []),
    ],
    ctxNone: e.ctxNone,
    confidence: confidenceOf(e.reasons),
  }));
}

const lockKey = (l: LockRef): string => `${l.kind} ${l.cls || l.last}`;
