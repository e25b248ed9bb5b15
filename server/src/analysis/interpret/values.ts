/** What is left of two values where two paths meet. */
import { E, type ExprPool, Op } from "../../facts/expr.js";

/**
 * A term for "one of these two": kept only for small values such as flags, where it is worth something. With a condition
 * that tells the two paths apart it is a choice by that condition.
 */
export function either(p: ExprPool, a: number, b: number, telling: number): number {
  if (a === b) return a;
  if (a === 0 || b === 0) return 0;
  if (isSmall(p, a) && isSmall(p, b)) {
    if (telling !== 0) return telling > 0 ? p.make(E.Cond, telling, a, b) : p.make(E.Cond, -telling, b, a);
    return a < b ? p.make(E.Cond, 0, a, b) : p.make(E.Cond, 0, b, a);
  }
  // One more alternative that is already in there changes nothing.
  return isAmong(p, b, a) ? a : isAmong(p, a, b) ? b : 0;
}

function isSmall(p: ExprPool, e: number): boolean {
  const k = p.kind(e);
  return k === E.Int || k === E.Var || k === E.Param || (k === E.Binary && p.c(e) === Op.Or);
}

/** Whether a choice between values has this one among them. */
function isAmong(p: ExprPool, value: number, choice: number): boolean {
  return p.kind(choice) === E.Cond && p.a(choice) === 0 && (p.b(choice) === value || p.c(choice) === value);
}
