/**
 * Matching releases to the locks that are held. The text of a lock expression decides nearly always (SEMANTICS §2.7: in
 * 30 of 31,250 functions no release has the text of the acquire); after that its last name, then its kind alone.
 */
import { Ctx } from "../kernel/types.js";
import type { Token } from "./state.js";

/** What is known of a lock that is released or dropped. */
export interface Wanted {
  key: number;
  raw: number;
  last: string;
  /** Class, when known: locks of two known classes are never the same. */
  cls?: string;
  adds: number;
  kind: Token["kind"];
}

/** Numbers for ways of holding a lock. */
export function tokenNumbers(): (at: number, key: number, adds: number) => number {
  const ids = new Map<string, number>();
  return (at, key, adds) => {
    const k = `${at}:${key}:${adds}`;
    let n = ids.get(k);
    if (n === undefined) {
      n = ids.size + 1;
      ids.set(k, n);
    }
    return n;
  };
}

const SPINNING = new Set(["spinlock", "raw-spinlock", "rwlock", "seqlock", "bit-spinlock", "other"]);

/** A lock that spins: taken for another one of the kind where neither can be named. */
export function spins(kind: Token["kind"]): boolean {
  return SPINNING.has(kind);
}

function sameFamily(a: Token["kind"], b: Token["kind"]): boolean {
  return a === b || (SPINNING.has(a) && SPINNING.has(b));
}

/** Index of the token that this lock is, the latest first; -1 if none is held. */
export function findToken(tokens: readonly Token[], w: Wanted): number {
  if (tokens.length === 0) return -1;
  const find = (ok: (t: Token) => boolean): number => {
    for (let i = tokens.length - 1; i >= 0; i--) if (ok(tokens[i])) return i;
    return -1;
  };
  if (w.key > 0) {
    const i = find((t) => t.key === w.key && sameFamily(t.kind, w.kind));
    if (i >= 0) return i;
  }
  if (w.raw > 0) {
    const i = find((t) => t.raw === w.raw && sameFamily(t.kind, w.kind));
    if (i >= 0) return i;
  }
  const other = (t: Token): boolean => w.cls !== undefined && w.cls !== "" && t.cls !== "" && t.cls !== w.cls;
  if (w.last !== "") {
    const i = find((t) => t.last === w.last && sameFamily(t.kind, w.kind) && !other(t));
    if (i >= 0) return i;
    // A lock that could not be named when it was taken, or cannot be now.
    const loose = find(
      (t) => (t.last === "" || t.last === "ptl") && SPINNING.has(t.kind) && sameFamily(t.kind, w.kind),
    );
    if (loose >= 0) return loose;
    // Exactly one lock of the kind is held and this is a release of one: it must be it.
    const same = tokens.filter((t) => sameFamily(t.kind, w.kind));
    if (same.length === 1 && !other(same[0]) && (w.cls === undefined || w.cls === "" || same[0].cls === ""))
      return tokens.indexOf(same[0]);
    return -1;
  }
  // No lock object: preempt_enable, local_irq_restore, rcu_read_unlock, or a lock that cannot be named.
  const exact = find((t) => t.kind === w.kind && t.last === "" && t.adds === w.adds);
  if (exact >= 0) return exact;
  const byKind = find((t) => t.kind === w.kind);
  if (byKind >= 0) return byKind;
  return SPINNING.has(w.kind) ? find((t) => SPINNING.has(t.kind)) : -1;
}

/**
 * The tokens left after a release, or null when no such lock is held. Bits that the release does not give back stay: a
 * plain unlock of a lock taken with _irqsave leaves interrupts off.
 */
export function releaseToken(tokens: readonly Token[], w: Wanted): readonly Token[] | null {
  const i = findToken(tokens, w);
  if (i < 0) {
    // local_irq_enable or local_bh_enable after an unlock that left them off, or the other way round.
    const bit = w.adds & (Ctx.Irq | Ctx.Bh);
    if (bit !== 0 && (w.kind === "irq-off" || w.kind === "softirq-off")) {
      const k = tokens.findIndex((t) => (t.adds & bit) !== 0);
      if (k >= 0) {
        const t = tokens[k];
        const rest = t.adds & ~bit;
        return rest === 0
          ? tokens.filter((_, n) => n !== k)
          : tokens.map((x, n) => (n === k ? { ...t, adds: rest } : x));
      }
    }
    return null;
  }
  const t = tokens[i];
  const out = tokens.filter((_, n) => n !== i);
  const left = t.adds & ~w.adds & (Ctx.Irq | Ctx.Bh);
  if (left !== 0) {
    const kind = left & Ctx.Irq ? "irq-off" : "softirq-off";
    out.push({ ...t, id: t.id + 0x100000, key: 0, raw: 0, adds: left, kind, last: "", guard: -1 });
  }
  const extra = w.adds & ~t.adds & (Ctx.Irq | Ctx.Bh);
  if (extra !== 0) {
    // spin_lock after local_irq_save, then spin_unlock_irqrestore: the latter gives back both.
    const k = out.findIndex(
      (x) => x.last === "" && (x.adds & extra) !== 0 && (x.kind === "irq-off" || x.kind === "softirq-off"),
    );
    if (k >= 0) out.splice(k, 1);
  }
  return out;
}
