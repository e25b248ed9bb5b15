/** The result of a function's run: its summary and raw findings, sorted and cut to size. */
import { Fn } from "../../facts/outline.js";
import { buildEffects, type Exit } from "../effects.js";
import { compareEntries } from "./entries.js";
import type { FnResult, Frame } from "./frame.js";
import type { Sleeping } from "./sleeping.js";

/** Most entries of a summary, paths of a finding. */
export const MOST_ENTRIES = 16;
export const MOST_PATHS = 16;

/** Puts the result together when no path is left to run. */
export function finish(frame: Frame, sleeping: Sleeping, exits: readonly Exit[]): FnResult {
  const { result } = frame;
  const compare = compareEntries(frame.world);
  const all = [...sleeping.entries.values()].sort(compare);
  const sleeps = all.slice(0, MOST_ENTRIES);
  const annots = annotationKinds(frame);
  const effects = buildEffects(exits, frame.t, frame.fn, annots, frame.takenNames);
  result.callees = [...frame.callees];
  result.summary = {
    sleeps,
    more: all.length - sleeps.length,
    effects,
    noReturn: exits.length === 0 && result.capped === 0,
  };
  for (const f of sleeping.raw.values()) {
    const list = [...sleeping.rawEntries.get(f)!.values()].sort(compare);
    f.entries = list.slice(0, MOST_PATHS);
    f.more = list.length - f.entries.length;
    f.maybeHeld = sleeping.bareAt.has(f.at);
    result.findings.push(f);
  }
  result.findings.sort(
    (a, b) =>
      a.at - b.at || a.context.at - b.context.at || (a.callee < b.callee ? -1 : a.callee > b.callee ? 1 : 0),
  );
  return result;
}

/** Bits: 1 acquires, 2 releases, by annotation of the definition or a prototype. */
function annotationKinds(frame: Frame): number {
  const { program } = frame.world;
  let bits = 0;
  for (const fn of [frame.fn, ...program.prototypesOf(program.fnName(frame.fn))]) {
    const o = program.fnFile(fn).outline;
    const first = program.fnColumn(fn, Fn.annotFirst);
    for (let i = first; i < first + program.fnColumn(fn, Fn.annotCount); i++) {
      const kind = o.annots[i * 2];
      if (kind === 1) bits |= 1;
      if (kind === 2) bits |= 2;
    }
  }
  return bits;
}
