/**
 * The abstract state of one path: the locks held (as tokens in the order of taking), the caller's locks that were dropped,
 * and what the path knows. Paths that hold the same locks are joined; paths that differ in them are kept apart.
 */
import type { ContextKind } from "../kernel/types.js";
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

const NONE: ReadonlyMap<number, number> = new Map();

export class PathState implements Knowledge {
  /** Maps are shared between clones until one of them writes. */
  private ownsEnv = false;
  private ownsFacts = false;
  /** How often other paths were joined into this one. */
  joins = 0;
  private keyOf: { tokens: readonly Token[]; dropped: readonly LockRef[]; key: string } | null = null;

  private constructor(
    public tokens: readonly Token[],
    public dropped: readonly LockRef[],
    public env: ReadonlyMap<number, number>,
    public facts: ReadonlyMap<number, number>,
  ) {}

  static entry(): PathState {
    return new PathState([], [], NONE, NONE);
  }

  clone(): PathState {
    const s = new PathState(this.tokens, this.dropped, this.env, this.facts);
    s.keyOf = this.keyOf;
    this.ownsEnv = false;
    this.ownsFacts = false;
    return s;
  }

  private ownEnv(): Map<number, number> {
    if (!this.ownsEnv) {
      this.env = new Map(this.env);
      this.ownsEnv = true;
    }
    return this.env as Map<number, number>;
  }

  private ownFacts(): Map<number, number> {
    if (!this.ownsFacts) {
      this.facts = new Map(this.facts);
      this.ownsFacts = true;
    }
    return this.facts as Map<number, number>;
  }

  setEnv(place: number, value: number): void {
    if (this.env.get(place) !== value) this.ownEnv().set(place, value);
  }

  setFact(term: number, truth: number): void {
    if (this.facts.get(term) !== truth) this.ownFacts().set(term, truth);
  }

  /** Forgets the facts about terms of which this holds. */
  forget(about: (term: number) => boolean): void {
    if (this.facts.size === 0) return;
    let doomed: number[] | null = null;
    for (const f of this.facts.keys()) if (about(f)) (doomed ??= []).push(f);
    if (doomed) for (const f of doomed) this.ownFacts().delete(f);
  }

  /** Throws away all that is known of values; true if there was anything. */
  forgetAll(): boolean {
    let any = this.facts.size > 0;
    this.facts = NONE;
    this.ownsFacts = false;
    for (const [k, v] of this.env) {
      if (v !== 0) {
        any = true;
        this.ownEnv().set(k, 0);
      }
    }
    return any;
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
    let changed = false;
    const mine = this.facts;
    const held = this.env;
    /** Values that stand for whichever it is, made by this join: what was known of them is about an earlier round. */
    const fresh: { place: number; value: number; truth: number }[] = [];
    if (held !== other.env) {
      const joined = (e: number, v: number, w: number): number => {
        if (v === w) return v;
        const u = v === 0 || w === 0 ? 0 : how.either(v, w);
        if (u !== 0) return u;
        const unknown = how.unknown(e);
        if (unknown !== v) {
          const t = v === 0 ? 0 : how.truth(v, this);
          const truth = t !== 0 && w !== 0 && how.truth(w, other) === t ? t : 0;
          fresh.push({ place: e, value: unknown, truth });
        }
        return unknown;
      };
      const next: [number, number][] = [];
      for (const [e, v] of held) {
        const u = joined(e, v, other.env.get(e) ?? how.initial(e));
        if (u !== v) next.push([e, u]);
      }
      for (const [e, w] of other.env) if (!held.has(e)) next.push([e, joined(e, how.initial(e), w)]);
      for (const [e, u] of next) {
        if (held.get(e) !== u && (held.has(e) || u !== how.initial(e) || u === 0)) changed = true;
        this.ownEnv().set(e, u);
      }
    }
    if (mine !== other.facts) {
      for (const [e, f] of mine) {
        if (other.facts.get(e) === f || this.trueOfOther(e, f, other, how)) continue;
        this.ownFacts().delete(e);
        changed = true;
      }
    }
    for (const { place, value, truth } of fresh) {
      how.forget(value, place, this);
      if (truth !== 0) this.setFact(value, truth);
    }
    return changed;
  }

  /** Whether a fact about a value that stands for whichever a place holds is true of what the other path holds there. */
  private trueOfOther(e: number, f: number, other: PathState, how: JoinRules): boolean {
    for (const [place, v] of this.env) {
      if (v !== e || how.unknown(place) !== e) continue;
      const w = other.env.get(place) ?? how.initial(place);
      return w !== 0 && how.truth(w, other) === f;
    }
    return false;
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
  /** ZERO, NONZERO or 0 when not known. */
  truth(value: number, s: PathState): number;
  /** Throws away what is known of a value, and what other places than its holder have of it. */
  forget(value: number, holder: number, s: PathState): void;
}
