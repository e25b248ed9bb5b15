/**
 * What a function does to its caller's lock context, from the states in which it returns. Where paths with the same result
 * disagree, the lower lock count is believed (a lock that is held on some paths only is far more often a path that cannot
 * happen than a way of returning), unless the function is annotated.
 */
import { E } from "../facts/expr.js";
import { spins } from "./locks.js";
import type { PathState, Token } from "./state.js";
import type { AcquireRef, Effect, LockRef } from "./summary.js";
import { NONZERO, type Terms, ZERO } from "./terms.js";

export interface Exit {
  state: PathState;
  /** The returned value, -1 for none. */
  value: number;
}

interface Group {
  acquires: AcquireRef[];
  releases: readonly LockRef[];
  zero: boolean;
  nonzero: boolean;
  unknown: boolean;
  key: string;
}

export function buildEffects(
  exits: readonly Exit[],
  t: Terms,
  fn: number,
  annotated: number,
  taken: ReadonlySet<string> = new Set(),
): readonly Effect[] {
  if (exits.every((x) => x.state.dropped.length === 0 && !x.state.tokens.some((k) => !k.entry))) return [];
  const groups = new Map<string, Group>();
  for (const x of exits) {
    t.returned = x.value > 0 ? x.value : -1;
    const acquires = x.state.tokens.filter((k) => !k.entry && k.guard < 0).map((k) => acquireRef(k, t, fn));
    const releases = x.state.dropped;
    t.returned = -1;
    const key = `${acquires.map((a) => `${a.term}:${a.kind}:${a.adds}:${a.term < 0 ? a.last : ""}`).join(",")}|${releases.map((r) => `${r.term}:${r.kind}:${r.adds}:${r.last}`).join(",")}`;
    let g = groups.get(key);
    if (!g) {
      g = { acquires, releases, zero: false, nonzero: false, unknown: false, key };
      groups.set(key, g);
    }
    const truth = x.value < 0 ? 0 : truthOf(x.value, x.state, t);
    if (truth === ZERO) g.zero = true;
    else if (truth === NONZERO) g.nonzero = true;
    else g.unknown = true;
  }
  const list = [...groups.values()];
  if (list.length === 1) return nonEmpty([effect(list[0], "any")]);
  // Does the result tell the groups apart?
  const zero = list.filter((g) => g.zero);
  const nonzero = list.filter((g) => g.nonzero);
  const unknown = list.filter((g) => g.unknown);
  if (unknown.length === 0 && zero.length === 1 && nonzero.length === 1 && zero[0] !== nonzero[0]) {
    return nonEmpty([effect(zero[0], "zero"), effect(nonzero[0], "nonzero")]);
  }
  // A helper's result handed on: unknown in one group, known in the other.
  if (unknown.length === 1 && zero.length + nonzero.length === 1) {
    const known = zero[0] ?? nonzero[0];
    if (known !== unknown[0])
      return nonEmpty([
        effect(known, zero[0] ? "zero" : "nonzero"),
        effect(unknown[0], zero[0] ? "nonzero" : "zero"),
      ]);
  }
  if (annotated & 1) {
    const holding = list.filter((g) => g.acquires.length > 0);
    if (holding.length > 0) return nonEmpty([effect(best(holding), "any")]);
  }
  // A lock that nobody can name, released on some paths only: those that cannot be told from the others here. So is one
  // that the function takes as well, unless it says that it returns without: the paths are ours that do not add up.
  const named = (r: LockRef): boolean => r.term >= 0 || r.last !== "" || !spins(r.kind);
  const released = list.filter((g) =>
    g.releases.some((r) => named(r) && ((annotated & 2) !== 0 || !taken.has(r.last))),
  );
  if (released.length > 0)
    return nonEmpty([
      effect(
        best(released.map((g) => ({ ...g, acquires: fewest(list).acquires.length === 0 ? [] : g.acquires }))),
        "any",
      ),
    ]);
  return nonEmpty([effect(fewest(list), "any")]);
}

/** The one that does most: takes or gives back the most locks. */
function best(list: readonly Group[]): Group {
  const size = (g: Group): number => g.acquires.length + g.releases.length;
  return [...list].sort((a, b) => size(b) - size(a) || (a.key < b.key ? -1 : 1))[0];
}

function fewest(list: readonly Group[]): Group {
  return [...list].sort((a, b) => a.acquires.length - b.acquires.length || (a.key < b.key ? -1 : 1))[0];
}

function effect(g: Group, ret: Effect["ret"]): Effect {
  return { ret, acquires: g.acquires, releases: g.releases };
}

function nonEmpty(list: Effect[]): readonly Effect[] {
  return list.some((e) => e.acquires.length > 0 || e.releases.length > 0) ? list : [];
}

function truthOf(v: number, s: PathState, t: Terms): number {
  const p = t.pool;
  if (p.kind(v) === E.Int) return p.a(v) === 0 ? ZERO : NONZERO;
  if (p.kind(v) === E.Addr || p.kind(v) === E.Str) return NONZERO;
  if (p.kind(v) === E.Pure && t.text(p.a(v)) === "ERR_PTR") return NONZERO;
  if (p.kind(v) === E.Unary) {
    // -EINVAL and friends.
    const a = p.a(v);
    if (p.kind(a) === E.Var && /^E[A-Z0-9]+$/.test(t.text(p.a(a)))) return NONZERO;
  }
  if (p.kind(v) === E.Var && /^(IRQ_HANDLED|E[A-Z]{3,})$/.test(t.text(p.a(v)))) return NONZERO;
  return s.fact(v);
}

function acquireRef(k: Token, t: Terms, fn: number): AcquireRef {
  return {
    term: k.key > 0 ? t.toShared(k.key) : -1,
    adds: k.adds,
    kind: k.kind,
    cls: k.cls,
    last: k.last,
    how: k.how,
    text: k.lock,
    chain: [{ fn, at: k.at, end: k.end }, ...k.through],
  };
}
