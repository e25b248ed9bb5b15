/**
 * The rule stale-cursor over the program: which functions can have such a walk (from outlines), what their flow says, who
 * takes elements off the lists, and what is left to report.
 */
import { E } from "../../facts/expr.js";
import { FnFlag } from "../../facts/outline.js";
import { I } from "../../facts/flow.js";
import { sameLock } from "../held/held.js";
import type { LockEffects } from "../held/lockEffects.js";
import type { LockFlow } from "../held/lockFlow.js";
import { Op } from "../held/lockOps.js";
import type { EntryLocks } from "../held/onEntry.js";
import type { Program } from "../../program/program.js";
import type { ListMacros } from "./listMacros.js";
import { type Removal, Removers } from "./removers.js";
import { type Stale, trackWalk } from "./track.js";
import { callsByNumber, derivation, type Walk, walksOf } from "./walks.js";

export interface RawCursor {
  fn: number;
  stale: Stale;
  /** The list's place is a local variable: the function's own. */
  privateList: boolean;
  removals: Removal[];
  f: LockFlow;
  /** Type and member of the element. */
  type: number;
  member: string;
}

/** Whether the text of a function gives a lock up and takes one later, or calls what does. */
export function isCandidate(program: Program, effects: LockEffects, fn: number): boolean {
  if (program.fnFlags(fn) & (FnFlag.Prototype | FnFlag.ObjectMacro | FnFlag.Macro | FnFlag.Dead)) return false;
  let released = false;
  let taken = false;
  for (const c of program.calls(fn)) {
    if (c & 1) continue;
    const op = effects.ops.of(c >> 1);
    if (op === Op.None) continue;
    if (op === Op.Retake) return true;
    if (op === Op.Release) released = true;
    else if (op === Op.Acquire || op === Op.Maybe) {
      if (released) return true;
      taken = true;
    }
  }
  void taken;
  return false;
}

export function rawCursors(fn: number, f: LockFlow, macros: ListMacros): RawCursor[] {
  const out: RawCursor[] = [];
  for (const walk of walksOf(f, macros)) {
    for (const stale of trackWalk(f, walk)) {
      const { type, member } = elementOf(f, walk);
      out.push({ fn, stale, privateList: isPrivate(f, walk), removals: [], f, type, member });
    }
  }
  return out;
}

/** Struct and list member of the elements. */
export function elementOf(f: LockFlow, walk: Walk): { type: number; member: string } {
  const type = f.t.typeOf(walk.pos);
  const name = type ? f.t.program.names.text(type.name) : "";
  if (walk.member !== "" && !/^(?:list_head|hlist_node|hlist_nulls_node|hlist_bl_node|llist_node|plist_node)$/.test(name))
    return { type: type?.name ?? 0, member: walk.member };
  // The walk is over nodes: the element is what `list_entry` makes of them.
  const calls = callsByNumber(f);
  const { flow } = f;
  for (let pc = walk.from; pc < walk.to && pc < flow.length; pc += flow.size(pc)) {
    const q = flow.base + pc;
    if (flow.code[q] !== I.Assign) continue;
    const d = derivation(f, flow.code[q + 2], calls);
    if (!d || d.from !== walk.pos || f.t.pool.kind(flow.code[q + 2]) !== E.Call) continue;
    const t = f.t.typeOf(flow.code[q + 1]);
    if (t) return { type: t.name, member: d.member || walk.member };
  }
  return { type: type?.name ?? 0, member: walk.member };
}

/** The head is a local variable that is no pointer: elements were moved there. */
function isPrivate(f: LockFlow, walk: Walk): boolean {
  const p = f.t.pool;
  let e = walk.head;
  if (e > 0 && p.kind(e) === E.Addr) {
    e = p.a(e);
    return p.kind(e) === E.Var && f.t.isLocal(p.a(e));
  }
  return false;
}

/** Removals that nothing the walk keeps holds off. */
export function unhindered(raw: RawCursor, entry: EntryLocks): Removal[] {
  const kept = [...raw.stale.kept, ...entry.of(raw.fn).filter((h) => !sameLock(h, raw.stale.lock) && !(h.cls !== "" && h.cls === raw.stale.lock.cls))];
  return raw.removals.filter((r) => !r.held.some((h) => kept.some((k) => h.cls !== "" && h.cls === k.cls && h.family === k.family)));
}

export { Removers };
