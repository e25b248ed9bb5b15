/**
 * The abstract state of one path: the locks held (as tokens in the order of taking), the caller's locks that were dropped,
 * and what the path knows. Paths that hold the same locks are joined; paths that differ in them are kept apart.
 */
import type { ContextKind } from "../kernel/types.js";
import type { Knowledge } from "./terms.js";
import type { LockRef, Step } from "./summary.js";

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

export class PathState implements Knowledge {
  constructor(
    public tokens: readonly Token[],
    public dropped: readonly LockRef[],
    public env: Map<number, number>,
    public facts: Map<number, number>,
  ) {}

  static entry(): PathState {
    return new PathState([], [], new Map(), new Map());
  }

  clone(): PathState {
    return new PathState(this.tokens, this.dropped, new Map(this.env), new Map(this.facts));
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
    return `${this.tokens.map((t) => t.id).join(",")}|${this.dropped.map((d) => `${d.term}:${d.kind}:${d.adds}:${d.last}`).join(",")}`;
  }

  /** Joins another path's knowledge into this one; true if anything was lost. `either` makes a term for "one of the two". */
  joinKnowledge(other: PathState, either: (a: number, b: number) => number): boolean {
    let changed = false;
    for (const [e, f] of this.facts) {
      if (other.facts.get(e) !== f) {
        this.facts.delete(e);
        changed = true;
      }
    }
    for (const [e, v] of this.env) {
      const w = other.env.get(e);
      if (w === v) continue;
      const u = w === undefined ? 0 : either(v, w);
      if (u !== v) {
        this.env.set(e, u);
        changed = true;
      }
    }
    for (const e of other.env.keys()) {
      if (!this.env.has(e)) {
        this.env.set(e, 0);
        changed = true;
      }
    }
    return changed;
  }
}
