/** What is left of two values where two paths meet. */
import { E, type ExprPool, Op } from "../../facts/expr.js";

/**
 * A term for "one of these two": kept only for small values such as flags, where it is worth something. With a condition
 * that tells the two paths apart it is a choice by that condition.
 */
export function either(p: ExprPool, a: number, b: number, telling: number): number {
  if (a === b) return a;
  if (a === 0 || b === 0) return 0;
  const small = (e: number): boolean => {
    const k = p.kind(e);
    return k === E.Int || k === E.Var || k === E.Param || (k === E.Binary && p.c(e) === Op.Or);
  };
  if (telling !== 0 && small(a) && small(b))
    return telling > 0 ? p.make(E.Cond, telling, a, b) : p.make(E.Cond, -telling, b, a);
  const [x, y] = a < b ? [a, b] : [b, a];
  if (small(x) && small(y)) return p.make(E.Cond, 0, x, y);
  // One more alternative that is already in there changes nothing.
  for (const [c, o] of [
    [a, b],
    [b, a],
  ]) {
    if (p.kind(c) === E.Cond && p.a(c) === 0 && (p.b(c) === o || p.c(c) === o)) return c;
  }
  return 0;
}
