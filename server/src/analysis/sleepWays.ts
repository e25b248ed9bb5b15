/** How a function may sleep for its callers, in a form that can be compared with what it was before an edit. */
import type { SleepWay } from "../engine.js";
import { confidenceOf } from "./reasons.js";
import type { Solver } from "./solver.js";
import type { LockRef } from "./summary.js";
import { sharedWording, termText } from "./termText.js";

/** Summarise the function first. The state of an object is no condition that callers could be told apart by. */
export function sleepWays(solver: Solver, fn: number): SleepWay[] {
  const wording = sharedWording(solver.program, solver.shared, fn);
  const isState = (term: number): boolean => /->|\.|\*|\[/.test(termText(wording, term));
  return solver.summaryOf(fn).sleeps.map((e) => ({
    conditions: [
      ...e.gfp.map((term) => `gfp ${term}`),
      ...e.atoms.filter((a) => !isState(a.term)).map((a) => `${a.truth ? "" : "!"}${a.term}`),
      ...e.dropped.map((l) => `dropped ${lockKey(l)}`),
      ...(e.sink.viaParam >= 0 ? [`calls parameter ${e.sink.viaParam}`] : []),
    ],
    ctxNone: e.ctxNone,
    confidence: confidenceOf(e.reasons),
  }));
}

const lockKey = (l: LockRef): string => `${l.kind} ${l.cls || l.last}`;
