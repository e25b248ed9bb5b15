/** The result of a function's run: its summary and raw findings, sorted and cut to size. */
import { Fn } from "../../facts/outline.js";
import { buildEffects, type Exit } from "../effects.js";
import type { RawFinding, SleepEntry } from "../summary.js";
import type { World } from "../world.js";
import { compareEntries } from "./entries.js";
import type { FnResult, Frame } from "./frame.js";
import type { Sleeping } from "./sleeping.js";

/** Most entries of a summary, paths of a finding. */
export const MOST_ENTRIES = 16;
export const MOST_PATHS = 16;

const NONE: readonly never[] = [];
const NO_FINDINGS: RawFinding[] = [];

/** What is kept, in the least memory: lists that grew have room for sixteen more. */
function settled(entries: SleepEntry[], { shared }: World): SleepEntry[] {
  for (const e of entries) {
    if (e.gfp.length > 0) e.gfp = e.gfp.slice();
    if (e.atoms.length > 0) e.atoms = shared.settled(e.atoms);
    if (e.dropped.length > 0) e.dropped = e.dropped.slice();
  }
  return entries;
}

/** Puts the result together when no path is left to run. */
export function finish(frame: Frame, sleeping: Sleeping, exits: readonly Exit[]): FnResult {
  const { result } = frame;
  const compare = compareEntries(frame.world);
  const all = [...sleeping.entries.values()].sort(compare);
  const sleeps = settled(all.slice(0, MOST_ENTRIES), frame.world);
  const annots = annotationKinds(frame);
  const effects = buildEffects(exits, frame.t, frame.fn, annots, frame.takenNames);
  result.callees = frame.callees.size === 0 ? NONE : [...frame.callees];
  result.summary = {
    sleeps: sleeps.length === 0 ? NONE : sleeps,
    more: all.length - sleeps.length,
    effects,
    noReturn: exits.length === 0 && result.capped === 0,
  };
  for (const f of sleeping.raw.values()) {
    const list = [...sleeping.rawEntries.get(f)!.values()].sort(compare);
    f.entries = settled(list.slice(0, MOST_PATHS), frame.world);
    f.more = list.length - f.entries.length;
    f.maybeHeld = sleeping.bareAt.has(f.at);
    result.findings.push(f);
  }
  if (result.findings.length === 0) result.findings = NO_FINDINGS;
  else
    result.findings.sort(
      (a, b) =>
        a.at - b.at ||
        a.context.at - b.context.at ||
        (a.callee < b.callee ? -1 : a.callee > b.callee ? 1 : 0),
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
