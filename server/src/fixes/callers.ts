/** What an edit can mean for those who call the functions that it changes. */
import type { CodeView, Definition } from "../code.js";
import type { Engine, SleepWay } from "../engine.js";

/** Callers of callers that are looked at. */
const LEVELS = 3;

/** Whether a call of this name in a file may sleep. */
export async function maySleep(
  name: string,
  file: string,
  engine: Engine,
  signal?: AbortSignal,
): Promise<boolean> {
  const { tables } = engine.code;
  const lock = tables.locks.get(name);
  if (lock) return lock.sleeps === true;
  if (tables.sleepers.has(name)) return true;
  if (tables.neverSleeps.has(name) || tables.hardStops.has(name)) return false;
  for (const def of engine.code.resolve(name, file)) {
    const ways = await engine.waysToSleep(def.file, def.nameStart, { signal });
    if (ways === null || ways.length > 0) return true;
  }
  return false;
}

/** A finding of low confidence becomes another when it is shown by default. */
const RANK = { low: 0, medium: 1, high: 1 } as const;

/** Whether every caller that sleeps through the function now could sleep through it before. */
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

/** The functions that call these, some levels up; null where there are more than so many. */
export function callersUp(grown: readonly Definition[], code: CodeView, most: number): Definition[] | null {
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
        if (out.size > most) return null;
      }
    }
    level = next;
  }
  return [...out.values()];
}
