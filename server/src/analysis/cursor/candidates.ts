/** Which functions can have a walk that gives its lock up, from their outlines; and what the elements of a walk are. */
import { E } from "../../facts/expr.js";
import { I } from "../../facts/flow.js";
import { FnFlag } from "../../facts/outline.js";
import type { Program } from "../../program/program.js";
import type { LockEffects } from "../held/lockEffects.js";
import type { LockFlow } from "../held/lockFlow.js";
import { Op } from "../held/lockOps.js";
import { callsByNumber, derivation, type Walk } from "./walks.js";

/** Whether the text of a function gives a lock up and takes one later, or calls what does. */
export function isCandidate(program: Program, effects: LockEffects, fn: number): boolean {
  if (program.fnFlags(fn) & (FnFlag.Prototype | FnFlag.ObjectMacro | FnFlag.Macro | FnFlag.Dead))
    return false;
  let released = false;
  for (const c of program.calls(fn)) {
    if (c & 1) continue;
    const op = effects.ops.of(c >> 1);
    if (op === Op.Retake) return true;
    if (op === Op.Release) released = true;
    else if (released && (op === Op.Acquire || op === Op.Maybe)) return true;
  }
  return false;
}

const NODE = /^(?:list_head|hlist_node|hlist_nulls_node|hlist_bl_node|llist_node|plist_node)$/;

/** Struct and list member of the elements. */
export function elementOf(f: LockFlow, walk: Walk): { type: number; member: string } {
  const type = f.t.typeOf(walk.pos);
  const name = type ? f.t.program.names.text(type.name) : "";
  if (walk.member !== "" && !NODE.test(name)) return { type: type?.name ?? 0, member: walk.member };
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
export function isPrivate(f: LockFlow, walk: Walk): boolean {
  const p = f.t.pool;
  const e = walk.head;
  if (f.file.header) return false;
  if (e <= 0 || p.kind(e) !== E.Addr || p.kind(p.a(e)) !== E.Var) return false;
  const name = p.a(p.a(e));
  // `LIST_HEAD(victims);` in a function declares what no outline has as a variable.
  return f.t.isLocal(name) || f.t.program.globalHome(f.t.global(name), f.file) !== f.file.path;
}
