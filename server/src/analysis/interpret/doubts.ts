/** What the conditions on a path say of a sleep behind them: what our callers can decide, and doubts that nobody can. */
import { E } from "../../facts/expr.js";
import { TypeFlag } from "../../facts/outline.js";
import { R } from "../reasons.js";
import type { PathState } from "../state.js";
import type { Atom } from "../summary.js";
import { NONZERO, NOTHING_KNOWN } from "../terms.js";
import type { Frame } from "./frame.js";
import type { FlowShape } from "./shape.js";

/** Names of parameters and fields that say in which context something is used. */
const FLAG_NAMES = /sleep|atomic|block|wait|sync\b|can_|locked|in_irq|polled|nowait|gfp|oops/i;

/** What a path has learnt that decides what goes to our callers. */
export interface PathConditions {
  atoms: Atom[];
  gfp: number[];
  reasons: number;
  /** Context bits that cannot be set. */
  absent: number;
}

export class Doubts {
  private readonly flags = new Map<number, boolean>();
  private readonly conditions = new Map<readonly number[], PathConditions>();
  private loopsSeen = 0;

  constructor(
    private readonly frame: Frame,
    private readonly shape: FlowShape,
  ) {}

  /** The doubt about a condition that nothing decides; that a pointer which is passed is NULL is the lesser chance. */
  stateDoubt(a: { term: number; truth: boolean }): number {
    return !a.truth && this.isPointer(a.term) ? R["null-argument"] : R["state-guarded"];
  }

  /** Whether a plain variable or field is declared as a pointer. */
  private isPointer(term: number): boolean {
    if (term <= 0) return false;
    const kind = this.frame.t.pool.kind(term);
    if (kind !== E.Var && kind !== E.Param && kind !== E.Field) return false;
    return ((this.frame.t.typeOf(term)?.flags ?? 0) & TypeFlag.Pointer) !== 0;
  }

  /** Whether a condition on parameters is about the context that the function is used in. */
  flagLike(term: number): boolean {
    let known = this.flags.get(term);
    if (known === undefined) {
      known = this.isFlagLike(term);
      this.flags.set(term, known);
    }
    return known;
  }

  private isFlagLike(term: number): boolean {
    const p = this.frame.world.shared.pool;
    const name = (t: number): string => {
      switch (p.kind(t)) {
        case E.Param:
          return this.frame.t.show(this.frame.t.pool.make(E.Param, p.a(t)));
        case E.Field:
          return this.frame.world.program.names.text(p.b(t));
        case E.Unary:
        case E.Deref:
        case E.Addr:
          return name(p.a(t));
        case E.Binary:
          return `${name(p.a(t))} ${name(p.b(t))}`;
        case E.Var:
          return this.frame.world.program.names.text(p.a(t));
        case E.Pure:
          return p.b(t) >= 0 ? name(p.b(t)) : "";
        default:
          return "";
      }
    };
    return FLAG_NAMES.test(name(term));
  }

  /** What a path says about parameters and contexts, for our callers: the same for every sleep on it. */
  ofPath(s: PathState): PathConditions {
    if (this.loopsSeen !== this.frame.loopConditions.size) {
      this.loopsSeen = this.frame.loopConditions.size;
      this.conditions.clear();
    }
    let c = this.conditions.get(s.facts);
    if (!c) {
      c = this.conditionsOfFacts(s.facts);
      c.absent = this.frame.cond.provenAbsent(s);
      this.conditions.set(s.facts, c);
    }
    return c;
  }

  private conditionsOfFacts(facts: readonly number[]): PathConditions {
    const value: PathConditions = { atoms: [], gfp: [], reasons: 0, absent: 0 };
    const { shared } = this.frame.world;
    for (let i = 0; i < facts.length; i += 2) {
      const term = facts[i];
      const f = facts[i + 1];
      if (value.atoms.length >= 6) break;
      const tested = this.frame.cond.blockingFlagsOf(term, f);
      if (tested !== 0) {
        const g = this.frame.cond.gfp(tested, NOTHING_KNOWN, 0);
        if (g.kind === "parameter") {
          value.gfp.push(...g.terms!);
          continue;
        }
      }
      const t = this.frame.t.toShared(term);
      if (t < 0 || !shared.hasParam(t)) {
        value.reasons |= this.localDoubt(term, f);
        continue;
      }
      if (shared.readsState(t)) {
        // A flag of the object that is about sleeping decides, and cannot be seen; any other state is a condition.
        if (this.flagLike(t)) value.reasons |= R["flag-undecided"];
        else if (!this.frame.loopConditions.has(term)) value.reasons |= R["state-guarded"];
        else continue;
      }
      if (!value.atoms.some((a) => a.term === t)) value.atoms.push({ term: t, truth: f === NONZERO });
    }
    return value;
  }

  /** What a condition that our callers know nothing of makes of a sleep behind it. */
  private localDoubt(term: number, f: number): number {
    const p = this.frame.t.pool;
    if (p.kind(term) === E.Call) {
      return this.shape.puts.get(p.a(term)) === (f === NONZERO) ? R["last-reference"] : 0;
    }
    if (this.frame.loopConditions.has(term) || !this.frame.t.readsMemory(term)) return 0;
    return FLAG_NAMES.test(this.frame.t.lastName(term)) ? R["flag-undecided"] : R["state-guarded"];
  }
}
