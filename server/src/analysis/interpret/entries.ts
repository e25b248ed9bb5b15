/** Ways of sleeping as they go into a summary or a finding: which of two is better, in what order they stand. */
import { Fn } from "../../facts/outline.js";
import { rankOf } from "../reasons.js";
import type { SleepEntry } from "../summary.js";
import type { World } from "../world.js";

/** The chain of a callback entry ends at the call of the parameter: puts the callback's own entry behind it. */
export function relink(e: SleepEntry, inner: SleepEntry): SleepEntry {
  const sink = { ...inner.sink, key: e.sink.key };
  const next = e.next === null ? inner : relink(e.next, inner);
  return { ...e, saved: -1, via: e.next === null ? "pointer" : e.via, next, sink };
}

export function passes(e: SleepEntry, fn: number): boolean {
  for (let x: SleepEntry | null = e; x; x = x.next) if (x.fn === fn) return true;
  return false;
}

export function dedupe(list: readonly number[]): readonly number[] {
  return list.length < 2 ? list : [...new Set(list)];
}

/** Keeps the better of two entries with the same sleeping call: surer, fewer conditions, shorter. */
export function keep(map: Map<string, SleepEntry>, e: SleepEntry): void {
  const { key } = e.sink;
  const old = map.get(key);
  if (!old || better(e, old)) map.set(key, e);
}

/** How much must hold for an entry to sleep. */
export function conditionsOf(e: SleepEntry): number {
  return e.gfp.length * 2 + e.atoms.length + e.dropped.length * 2 + (e.ctxNone !== 0 ? 1 : 0);
}

function better(a: SleepEntry, b: SleepEntry): boolean {
  return (
    (rankOf(b.reasons) - rankOf(a.reasons) ||
      a.dropped.length - b.dropped.length ||
      conditionsOf(a) - conditionsOf(b) ||
      a.length - b.length ||
      a.at - b.at) < 0
  );
}

export function compareEntries(world: World): (a: SleepEntry, b: SleepEntry) => number {
  const { program } = world;
  // While an edit is worked in, an entry may still lead to a function that is gone.
  const path = (e: SleepEntry): string => (program.alive(e.sink.fn) ? program.fnFile(e.sink.fn).path : "");
  const place = (e: SleepEntry): number =>
    (program.alive(e.sink.fn) ? program.fnColumn(e.sink.fn, Fn.start) : 0) + e.sink.at;
  return (a, b) => {
    const quick = rankOf(b.reasons) - rankOf(a.reasons) || a.length - b.length;
    if (quick !== 0) return quick;
    const pa = path(a);
    const pb = path(b);
    return (pa < pb ? -1 : pa > pb ? 1 : 0) || place(a) - place(b) || a.at - b.at;
  };
}
