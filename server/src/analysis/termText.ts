/** Terms as C text for people: in a function's own pool or in the one that all summaries share. */
import { E, type ExprPool, OP_BY_TEXT, Op } from "../facts/expr.js";
import { Fn, TYPED_STRIDE, Typed } from "../facts/outline.js";
import type { Program } from "../program/program.js";
import type { SharedTerms, Terms } from "./terms.js";

/** What a pool's numbers stand for. */
export interface Wording {
  readonly pool: ExprPool;
  name(index: number): string;
  param(index: number): string;
  /** Name of the function called by a call number, where that is known. */
  call?(index: number): string;
}

const TEXT_OF_OP: ReadonlyMap<number, string> = new Map([...OP_BY_TEXT].map(([text, op]) => [op, text]));

/** A term as it might be written; `…` stands for what is not known. */
export function termText(w: Wording, e: number, depth = 6): string {
  const p = w.pool;
  if (e <= 0 || depth === 0) return "…";
  const inner = (t: number): string => {
    const text = termText(w, t, depth - 1);
    const k = p.kind(t);
    return k === E.Binary || k === E.Cond ? `(${text})` : text;
  };
  switch (p.kind(e)) {
    case E.Int:
      return String(p.a(e));
    case E.Str:
      return '"…"';
    case E.Var:
      return w.name(p.a(e));
    case E.Param:
      return w.param(p.a(e));
    case E.Addr:
      return `&${inner(p.a(e))}`;
    case E.Deref:
      return `*${inner(p.a(e))}`;
    case E.Field: {
      // Objects are reached by a pointer in nearly all kernel code; a variable's own fields are told by their &.
      const base = p.a(e);
      const arrow = p.kind(base) !== E.Field && p.kind(base) !== E.Index;
      return `${inner(base)}${arrow ? "->" : "."}${w.name(p.b(e))}`;
    }
    case E.Index:
      return `${inner(p.a(e))}[${termText(w, p.b(e), depth - 1)}]`;
    case E.Call:
      return w.call ? `${w.call(p.a(e))}()` : "…()";
    case E.Unary: {
      const op = p.b(e);
      return `${op === Op.Not ? "!" : op === Op.Compl ? "~" : "-"}${inner(p.a(e))}`;
    }
    case E.Binary:
      return `${inner(p.a(e))} ${TEXT_OF_OP.get(p.c(e)) ?? "?"} ${inner(p.b(e))}`;
    case E.Cond:
      return p.a(e) === 0
        ? `${inner(p.b(e))} or ${inner(p.c(e))}`
        : `${inner(p.a(e))} ? ${inner(p.b(e))} : ${inner(p.c(e))}`;
    case E.Cast:
      return inner(p.b(e));
    case E.Pure:
      return `${w.name(p.a(e))}(${p.b(e) < 0 ? "" : termText(w, p.b(e), depth - 1)})`;
    case E.Pair:
      return `${termText(w, p.a(e), depth - 1)}, ${termText(w, p.b(e), depth - 1)}`;
    default:
      return "…";
  }
}

/** Words for shared terms of a function: its parameters have the names that its definition gives them. */
export function sharedWording(program: Program, shared: SharedTerms, fn: number): Wording {
  const o = program.fnFile(fn).outline;
  const first = program.fnColumn(fn, Fn.paramFirst);
  const count = program.fnColumn(fn, Fn.paramCount);
  return {
    pool: shared.pool,
    name: (i) => program.names.text(i),
    param: (i) =>
      (i < count ? program.names.text(o.params[(first + i) * TYPED_STRIDE + Typed.name]) : "") ||
      `argument ${i + 1}`,
  };
}

/** Words for the terms of a function while it is run. */
export function ownWording(terms: Terms, program: Program, fn: number): Wording {
  return {
    ...sharedWording(program, terms.shared, fn),
    pool: terms.pool,
    name: (i) => terms.text(i),
  };
}
