/** What a join of two paths makes of values that differ, at one place of one function. */
import { E } from "../../facts/expr.js";
import type { JoinRules, PathState } from "../state.js";
import { NONZERO } from "../terms.js";
import type { Frame } from "./frame.js";
import { either } from "./values.js";

export class Joining implements JoinRules {
  private pc = 0;
  private telling = 0;

  constructor(
    private readonly frame: Frame,
    /** Throws away what is known of a value, and what other places than its holder have of it. */
    readonly forget: (value: number, holder: number, s: PathState) => void,
  ) {}

  /** The rules for joining these two states at this place. */
  at(pc: number, mine: PathState, theirs: PathState): this {
    this.pc = pc;
    this.telling = this.tellingFact(mine, theirs);
    return this;
  }

  either(a: number, b: number): number {
    return either(this.frame.t.pool, a, b, this.telling);
  }

  initial(place: number): number {
    return this.frame.t.initial(place);
  }

  unknown(place: number): number {
    return this.frame.t.pool.make(E.Unknown, -1 - this.pc, place);
  }

  holder(v: number): number {
    const { pool } = this.frame.t;
    return pool.kind(v) === E.Unknown && pool.a(v) === -1 - this.pc ? pool.b(v) : -1;
  }

  truth(v: number, x: PathState): number {
    return this.frame.cond.truth(v, x, x.bits);
  }

  /** A condition on parameters that was true on one of two paths and false on the other: positive when true on the first. */
  private tellingFact(x: PathState, y: PathState): number {
    if (x.facts === y.facts) return 0;
    const { t, world } = this.frame;
    const { facts } = x;
    for (let i = 0; i < facts.length; i += 2) {
      const e = facts[i];
      const f = facts[i + 1];
      const g = y.fact(e);
      if (g === 0 || g === f) continue;
      const shared = t.toShared(e);
      if (shared >= 0 && world.shared.hasParam(shared)) return f === NONZERO ? e : -e;
    }
    return 0;
  }
}
