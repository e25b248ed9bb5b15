/** The list walks of one function: loop macros, and loops that are written out with `->next` or `list_entry`. */
import { E } from "../../facts/expr.js";
import { CallFlag, I } from "../../facts/flow.js";
import { TypeFlag } from "../../facts/outline.js";
import type { LockFlow } from "../held/lockFlow.js";
import type { ListMacros } from "./listMacros.js";

export interface Walk {
  /** Loop macro, or the text of the step. */
  name: string;
  macro: boolean;
  /** Places of the loop: [from, to). A way that comes back to `from` begins the next round. */
  from: number;
  to: number;
  /** Where a round begins. */
  inside: number;
  /** Variables whose validity the step to the next element rests on. */
  pos: number;
  next: number;
  /** Steps that are written out: place of the assignment and the variable that it goes on from. */
  steps: { pc: number; from: number; at: number; text: string }[];
  /** List head as a term, 0 if not known. */
  head: number;
  /** Name of the list member in the element, "" if not known. */
  member: string;
  rcu: boolean;
  /** What is marked: offsets relative to the function. */
  at: number;
  end: number;
}

const ENTRY =
  /^(?:list_entry|list_entry_rcu|list_next_entry|hlist_entry|hlist_entry_safe|hlist_nulls_entry|container_of|list_first_entry|llist_entry)$/;
const NEXT_FIELD =
  /^(?:next|\w*_next|next_\w+|link|\w*_link|forw|fwd|flink|sibling|chain|hash_?next|nxt|pnext|Next\w*)$/i;

/** The variable at the root of an expression: `p` of `&p->a.b[1]`. */
export function rootVar(f: LockFlow, e: number): number {
  const p = f.t.pool;
  for (let x = e, n = 0; x > 0 && n < 12; n++) {
    switch (p.kind(x)) {
      case E.Var:
        return x;
      case E.Addr:
      case E.Deref:
      case E.Field:
      case E.Index:
        x = p.a(x);
        break;
      case E.Cast:
        x = p.b(x);
        break;
      default:
        return 0;
    }
  }
  return 0;
}

/** Calls by number: the place of each in the flow. */
export function callsByNumber(f: LockFlow): Map<number, number> {
  const out = new Map<number, number>();
  const { flow } = f;
  for (let pc = 0; pc < flow.length; pc += flow.size(pc)) {
    const q = flow.base + pc;
    if (flow.code[q] === I.Call) out.set(flow.code[q + 1], q);
  }
  return out;
}

/** What a value comes from when it is an element: the variable, and whether it is the one after it. */
export function derivation(
  f: LockFlow,
  v: number,
  calls: Map<number, number>,
): { from: number; step: boolean; member: string } | null {
  const p = f.t.pool;
  while (p.kind(v) === E.Cast) v = p.b(v);
  if (p.kind(v) === E.Var) return { from: v, step: false, member: "" };
  if (p.kind(v) === E.Field) {
    const from = rootVar(f, v);
    if (from === 0 || !NEXT_FIELD.test(f.t.text(p.b(v)))) return null;
    return { from, step: true, member: f.t.text(p.b(v)) };
  }
  if (p.kind(v) !== E.Call) return null;
  const q = calls.get(p.a(v));
  if (q === undefined) return null;
  const name = f.calledName(q);
  if (!ENTRY.test(name)) return null;
  const args = f.argsOf(q);
  if (args.length === 0) return null;
  const from = rootVar(f, args[0]);
  if (from === 0) return null;
  const memberArg = args[name === "list_next_entry" ? 1 : 2] ?? 0;
  const member = memberArg > 0 && p.kind(memberArg) === E.Var ? f.t.text(p.a(memberArg)) : "";
  const isNext =
    name === "list_next_entry" || (p.kind(args[0]) === E.Field && f.t.text(p.b(args[0])) === "next");
  return { from, step: isNext, member };
}

export function walksOf(f: LockFlow, macros: ListMacros): Walk[] {
  const { flow, t } = f;
  const c = flow.code;
  const calls = callsByNumber(f);
  const out: Walk[] = [];
  const heads = new Map<number, number>();
  const macroHeads = new Set<number>();
  for (let pc = 0; pc < flow.length; pc += flow.size(pc)) {
    const q = flow.base + pc;
    const back = (target: number): void => {
      if (target <= pc) heads.set(target, Math.max(heads.get(target) ?? 0, pc + flow.size(pc)));
    };
    if (c[q] === I.Jump) back(c[q + 1]);
    else if (c[q] === I.Branch) {
      back(c[q + 2]);
      back(c[q + 3]);
    } else if (c[q] === I.Call && c[q + 3] & CallFlag.Loop) {
      let head = pc + flow.size(pc);
      if (head < flow.length && c[flow.base + head] === I.Jump) head = c[flow.base + head + 1];
      const h = flow.base + head;
      if (head >= flow.length || c[h] !== I.Branch || c[h + 1] !== 0) continue;
      macroHeads.add(head);
      const name = f.calledName(q);
      const roles = macros.of(name, f.file);
      if (!roles) continue;
      const args = f.argsOf(q);
      const pos = args[roles.pos] ?? 0;
      const next = roles.next < 0 ? 0 : (args[roles.next] ?? 0);
      // A cursor that is not the function's own is there for those who remove elements to see.
      if (!isOwn(f, pos) || (next > 0 && !isOwn(f, next))) continue;
      const memberArg = typeof roles.member === "number" && roles.member >= 0 ? (args[roles.member] ?? 0) : 0;
      const member = typeof roles.member === "string" ? roles.member : memberArg > 0 ? t.show(memberArg) : "";
      out.push({
        name,
        macro: true,
        from: head,
        to: c[h + 3],
        inside: c[h + 2],
        pos,
        next,
        steps: [],
        head: roles.head < 0 ? 0 : (args[roles.head] ?? 0),
        member: lastPart(member),
        rcu: roles.rcu,
        at: c[q + 4],
        end: c[q + 4] + name.length,
      });
    }
  }
  for (const [from, to] of heads) {
    if (macroHeads.has(from)) continue;
    const walk = written(f, from, to, calls);
    if (walk) out.push(walk);
  }
  return out;
}

const isOwn = (f: LockFlow, e: number): boolean =>
  e > 0 &&
  f.t.pool.kind(e) === E.Var &&
  (f.t.isLocal(f.t.pool.a(e)) ||
    f.t.isParam(e) ||
    f.t.program.globalVar(f.t.global(f.t.pool.a(e)), f.file) === null);

const lastPart = (member: string): string => member.slice(member.lastIndexOf(".") + 1);

function written(f: LockFlow, from: number, to: number, calls: Map<number, number>): Walk | null {
  const { flow, t } = f;
  const c = flow.code;
  const p = t.pool;
  const assigns: {
    pc: number;
    target: number;
    d: { from: number; step: boolean; member: string };
    at: number;
  }[] = [];
  for (let pc = from; pc < to; pc += flow.size(pc)) {
    const q = flow.base + pc;
    if (c[q] !== I.Assign || p.kind(c[q + 1]) !== E.Var) continue;
    const d = derivation(f, c[q + 2], calls);
    if (!d) continue;
    if (d.step && p.kind(c[q + 2]) === E.Field && !sameType(f, d.from, c[q + 2])) continue;
    assigns.push({ pc, target: c[q + 1], d, at: c[q + 3] });
  }
  const steps: Walk["steps"] = [];
  let pos = 0;
  let next = 0;
  let member = "";
  for (const a of assigns) {
    if (a.d.step && a.target === a.d.from) {
      steps.push({ pc: a.pc, from: a.d.from, at: a.at, text: stepText(f, a.d) });
      pos ||= a.d.from;
      member ||= a.d.member;
    } else if (a.d.step) {
      // The next one is kept aside, and gone on to later.
      const later = assigns.find((b) => !b.d.step && b.target === a.d.from && b.d.from === a.target);
      if (!later) continue;
      steps.push({
        pc: later.pc,
        from: a.target,
        at: later.at,
        text: `${t.show(later.target)} = ${t.show(a.target)}`,
      });
      pos ||= a.d.from;
      next ||= a.target;
      member ||= a.d.member;
    }
  }
  if (steps.length === 0 || !isOwn(f, pos) || (next > 0 && !isOwn(f, next))) return null;
  return {
    name: steps[0].text,
    macro: false,
    from,
    to,
    inside: from,
    pos,
    next,
    steps,
    head: 0,
    member,
    rcu: false,
    at: steps[0].at,
    end: steps[0].at + 1,
  };
}

function stepText(f: LockFlow, d: { from: number; member: string }): string {
  return `${f.t.show(d.from)}->${d.member || "next"}`;
}

/** A pointer in an element to another of its kind: what a list is linked by. */
function sameType(f: LockFlow, from: number, value: number): boolean {
  const a = f.t.typeOf(from);
  const b = f.t.typeOf(value);
  // Nodes of the kernel's lists, where their header was not read.
  if (a && !b) return /^(?:list_head|hlist_node|llist_node)$/.test(f.t.program.names.text(a.name));
  if (!a || !b || !(b.flags & TypeFlag.Pointer)) return false;
  const tag = (type: number): number => f.t.program.structName(type, f.file);
  return tag(a.name) === tag(b.name);
}
