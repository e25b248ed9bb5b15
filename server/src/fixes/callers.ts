/** What an edit can mean for those who call the functions that it changes. */
import type { CodeView, Definition } from "../code.js";
import type { SleepWay } from "../engine.js";

/** Callers of callers that are looked at, and how many functions in all: more is no answer between two keystrokes. */
const LEVELS = 3;
const MOST = 60;
const RANK = { low: 0, medium: 1, high: 2 } as const;

/** Whether every caller that sleeps through the function now could sleep through it before, and as surely. */
export function saysNoMore(before: readonly SleepWay[] | null, after: readonly SleepWay[] | null): boolean {
  if (after === null || before === null) return before === after;
  return after.every((way) =>
    before.some(
      (old) =>
        (old.ctxNone & ~way.ctxNone) === 0 &&
        RANK[old.confidence] >= RANK[way.confidence] &&
        old.conditions.every((c) => way.conditions.includes(c)),
    ),
  );
}

/** The functions that call these, some levels up; null where there are too many to look at. */
export function callersUp(grown: readonly Definition[], code: CodeView): Definition[] | null {
  const out = new Map<string, Definition>();
  let level = [...grown];
  for (let i = 0; i < LEVELS && level.length > 0; i++) {
    const next: Definition[] = [];
    for (const def of level) {
      for (const caller of code.callersOf(def.name)) {
        const key = `${caller.file}:${caller.start}`;
        if (out.has(key) || (caller.file === def.file && caller.start === def.start)) continue;
        if (!code.resolve(def.name, caller.file).some((d) => d.file === def.file && d.start === def.start))
          continue;
        out.set(key, caller);
        next.push(caller);
        if (out.size > MOST) return null;
      }
    }
    level = next;
  }
  return [...out.values()];
}
