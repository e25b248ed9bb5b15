/** Verdicts on functions by themselves: whether each sleeps always, on a condition, or not at all, as its source says. */
import type { SleepVerdict } from "../engine.js";
import { Fn, FnFlag } from "../facts/outline.js";
import type { Site } from "../findings/types.js";
import type { Program } from "../program/program.js";
import { rankOf } from "./reasons.js";
import { Reporter } from "./report.js";
import type { Solver } from "./solver.js";
import type { SleepEntry } from "./summary.js";

const NO_BODY = FnFlag.Prototype | FnFlag.ObjectMacro | FnFlag.Macro | FnFlag.Dead;

/** Verdicts on every function whose record has one of the flags. */
export async function sleepVerdicts(
  solver: Solver,
  flags: number,
  signal?: AbortSignal,
): Promise<SleepVerdict[]> {
  const { program } = solver;
  const asked: number[] = [];
  for (const file of program.files) {
    if (!file) continue;
    for (const fn of file.fns) {
      const own = program.fnFlags(fn);
      if (own & flags && !(own & NO_BODY)) asked.push(fn);
    }
  }
  await solver.summarise(asked, signal);
  const reporter = new Reporter(solver);
  return asked.map((fn) => {
    const result = solver.results.get(fn);
    const about = { ...functionSite(program, fn), function: program.fnText(fn), flags: program.fnFlags(fn) };
    if (!result) return { ...about, sleeps: "unknown" };
    // What a callback that the caller hands in does is not the function's own doing.
    const ways = result.summary.sleeps.filter((e) => e.sink.viaParam < 0);
    if (ways.length === 0) return { ...about, sleeps: "never" };
    const best = ways.reduce((a, b) => (sureness(b) > sureness(a) ? b : a));
    return { ...about, sleeps: isUnconditional(best) ? "always" : "sometimes", path: reporter.path(best, 0) };
  });
}

/** Where functions and macros of a name have a body. */
export function definitionSites(program: Program, name: string): Site[] {
  const id = program.names.find(name);
  return id < 0 ? [] : program.definitionsOf(id).map((fn) => functionSite(program, fn));
}

function functionSite(program: Program, fn: number): Site {
  return {
    file: program.fnFile(fn).path,
    offset: program.fnColumn(fn, Fn.start),
    endOffset: program.fnColumn(fn, Fn.end),
  };
}

/** No flag, state, context test or guess stands between the call and the sleep, nor does it drop a lock of the caller first. */
function isUnconditional(e: SleepEntry): boolean {
  return (
    e.gfp.length === 0 &&
    e.atoms.length === 0 &&
    e.ctxNone === 0 &&
    e.dropped.length === 0 &&
    rankOf(e.reasons) === 2
  );
}

function sureness(e: SleepEntry): number {
  return (isUnconditional(e) ? 1e6 : 0) + rankOf(e.reasons) * 1e4 - Math.min(e.length, 1000);
}
