/**
 * The abstract state of one path: the locks held (as tokens in the order of taking), the caller's locks that were dropped,
 * and what the path knows. Paths that hold the same locks are joined; paths that differ in them are kept apart.
 */
import type { ContextKind } from "../kernel/types.js";
import { Environment, Places } from "./environment.js";
import type { LockRef, Step } from "./summary.js";
import type { Knowledge } from "./terms.js";

export interface Token {
  /** Number of this way of holding, the same for the same acquire site, lock and bits: paths are joined by it. */
  id: number;
  /** The lock's place as a value term (0: unknown or none) and as written. */
  key: number;
  raw: number;
  adds: number;
  kind: ContextKind;
  how: string;
  lock: string;
  cls: string;
  last: string;
  at: number;
  end: number;
  through: readonly Step[];
  reasons: number;
  /** Held on entry (asserted or annotated): the caller's, not ours. */
  entry: boolean;
  /** Guard that releases it at scope exit, or -1. */
  guard: number;
}

const NO_FACTS: readonly number[] = [];

export class PathState implements Knowledge {
  /** How often other paths were joined into this one. */
  joins = 0;
  private keyOf: { tokens: readonly Token[]; dropped: readonly LockRef[]; key: string } | null = null;
  /** Counts changes since the state came to a place; `ran` is its value when the place was last run from it. */
  version = 0;
  ran = -1;

  private constructor(
    public tokens: readonly Token[],
    public dropped: readonly LockRef[],
    private readonly env: Environment,
    /** Never changed in place: the same array is the same knowledge. */
    public facts: readonly number[],
  ) {}

  static entry(): PathState {
    return new PathState([], [], Environment.empty(new Places()), NO_FACTS);
  }

  clone(): PathState {
    const s = new PathState(this.tokens, this.dropped, this.env.clone(), this.facts);
    s.keyOf = this.keyOf;
    return s;
  }

  stored(place: number): number | undefined {
    return this.env.get(place);
  }

  /** All places that the path has assigned, with their values. */
  eachStored(tell: (place: number, value: number) => void): void {
    this.env.each(tell);
  }

  setEnv(place: number, value: number): void {
    this.env.set(place, value);
  }

  fact(term: number): number {
    return factIn(this.facts, term);
  }

  setFact(term: number, truth: number): void {
    const { facts } = this;
    for (let i = 0; i < facts.length; i += 2) {
      if (facts[i] !== term) continue;
      if (facts[i + 1] === truth) return;
      const copy = facts.slice();
      copy[i + 1] = truth;
      this.facts = copy;
      return;
    }
    const copy = facts.slice();
    copy.push(term, truth);
    this.facts = copy;
  }

  /** Forgets the facts about terms of which this holds. */
  forget(about: (term: number) => boolean): void {
    const { facts } = this;
    let left: number[] | null = null;
    for (let i = 0; i < facts.length; i += 2) {
      if (about(facts[i])) left ??= facts.slice(0, i);
      else left?.push(facts[i], facts[i + 1]);
    }
    if (left) this.facts = left;
  }

  /** Throws away all that is known of values; true if there was anything. */
  forgetAll(): boolean {
    const any = this.facts.length > 0;
    this.facts = NO_FACTS;
    return this.env.forgetAll() || any;
  }

  /** Context bits entered in this function (asserted ones included). */
  get bits(): number {
    let b = 0;
    for (const t of this.tokens) b |= t.adds;
    return b;
  }

  /** What decides whether two paths are joined. */
  get lockKey(): string {
    if (this.tokens.length === 0 && this.dropped.length === 0) return "";
    const k = this.keyOf;
    if (k && k.tokens === this.tokens && k.dropped === this.dropped) return k.key;
    let key = "";
    for (const t of this.tokens) key += `${t.id},`;
    key += "|";
    for (const d of this.dropped) key += `${d.term}:${d.kind}:${d.adds}:${d.last},`;
    this.keyOf = { tokens: this.tokens, dropped: this.dropped, key };
    return key;
  }

  /**
   * Joins another path's knowledge into this one; true if anything was lost. A place whose values differ holds what `how`
   * makes of them; a fact about such a value stays where it is true of either.
   */
  joinKnowledge(other: PathState, how: JoinRules): boolean {
    const mine = this.facts;
    /** Values that stand for whichever it is, made by this join: what was known of them is about an earlier round. */
    const fresh: { place: number; value: number; truth: number }[] = [];
    let changed = this.env.join(
      other.env,
      (place) => how.initial(place),
      (place, v, w) => {
        if (v === w) return v;
        const u = v === 0 || w === 0 ? 0 : how.either(v, w);
        if (u !== 0) return u;
        const unknown = how.unknown(place);
        if (unknown !== v) {
          const t = v === 0 ? 0 : how.truth(v, this);
          const truth = t !== 0 && w !== 0 && how.truth(w, other) === t ? t : 0;
          fresh.push({ place, value: unknown, truth });
        }
        return unknown;
      },
    );
    if (mine !== other.facts) {
      this.forget((e) => {
        const f = factIn(mine, e);
        return factIn(other.facts, e) !== f && !this.trueOfOther(e, f, other, how);
      });
      if (this.facts !== mine) changed = true;
    }
    for (const { place, value, truth } of fresh) {
      how.forget(value, place, this);
      if (truth !== 0) this.setFact(value, truth);
    }
    return changed;
  }

  /** Whether a fact about a value that stands for whichever a place holds is true of what the other path holds there. */
  private trueOfOther(e: number, f: number, other: PathState, how: JoinRules): boolean {
    const place = how.holder(e);
    if (place < 0 || this.stored(place) !== e) return false;
    const w = other.stored(place) ?? how.initial(place);
    return w !== 0 && how.truth(w, other) === f;
  }
}

/** What a join of two paths asks for. */
export interface JoinRules {
  /** A term for "one of these two", 0 when there is none worth having. */
  either(a: number, b: number): number;
  /** What a place holds that a path has not assigned: a parameter's own value; 0: nothing known. */
  initial(place: number): number;
  /** A value that stands for whichever it is: later branches may prove something of it. */
  unknown(place: number): number;
  /** The place for which `unknown` made this value at this join, -1 for other values. */
  holder(value: number): number;
  /** ZERO, NONZERO or 0 when not known. */
  truth(value: number, s: PathState): number;
  /** Throws away what is known of a value, and what other places than its holder have of it. */
  forget(value: number, holder: number, s: PathState): void;
}

/** Truth of a term among facts: ZERO, NONZERO, or 0 when nothing is known of it. */
function factIn(facts: readonly number[], term: number): number {
  for (let i = 0; i < facts.length; i += 2) if (facts[i] === term) return facts[i + 1];
  return 0;
}
