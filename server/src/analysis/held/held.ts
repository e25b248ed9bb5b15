/**
 * Locks of every kind as one path of a function holds them, sleeping ones included: what the questions about lists and
 * about the users of a lock are asked of. The check for sleeps has its own state, which knows atomic contexts alone.
 */
import type { ContextKind, LockPrimitive } from "../../kernel/types.js";
import type { Step } from "../summary.js";
import type { Terms } from "../terms.js";

/** A lock object as far as it can be told apart from others. */
export interface LockId {
  /** Its place as a term of the function (0: no object, or not known). */
  term: number;
  /** `struct foo.lock`, `fs/super.c:sb_lock`, the primitive for a lock without an object (`rtnl_lock`), or "". */
  cls: string;
  /** Last name of the expression. */
  last: string;
  /** Primitives of one family take and release the same kind of lock. */
  family: Family;
}

export type Family = "spin" | "mutex" | "rwsem" | "rcu" | "srcu" | "context" | "named";

export interface HeldLock extends LockId {
  kind: ContextKind;
  adds: number;
  /** Primitive or wrapper that took it; as written in the source. */
  how: string;
  text: string;
  at: number;
  end: number;
  /** From a callee that took it to the acquire. */
  through: readonly Step[];
  /** Shared with other readers. */
  shared: boolean;
  /** The guard that releases it, -1 for none. */
  guard: number;
  /** Held on entry: asserted or annotated. */
  entry: boolean;
}

/** A lock that was given up here and where. */
export interface Dropped {
  lock: LockId;
  at: number;
  end: number;
  through: readonly Step[];
}

/** What one way through a function holds. Immutable: steps make new ones. */
export interface LockState {
  readonly held: readonly HeldLock[];
  /** Locks of the caller that were released and not taken again. */
  readonly dropped: readonly Dropped[];
  /** Truths of results of conditional acquires and of flags about locks: term → 1 zero, 2 not zero. */
  readonly facts: ReadonlyMap<number, number>;
}

export const NOTHING: LockState = { held: [], dropped: [], facts: new Map() };

const keys = new WeakMap<LockState, string>();

/** States with the same key are joined. */
export function keyOf(s: LockState): string {
  const known = keys.get(s);
  if (known !== undefined) return known;
  const key = makeKey(s);
  keys.set(s, key);
  return key;
}

function makeKey(s: LockState): string {
  let key = "";
  for (const h of s.held) key += `${h.at}.${h.term}.${h.cls},`;
  key += "|";
  for (const d of s.dropped) key += `${d.lock.term}.${d.lock.cls}.${d.lock.last},`;
  if (s.facts.size > 0)
    key += `|${[...s.facts]
      .sort((a, b) => a[0] - b[0])
      .map(([t, f]) => `${t}:${f}`)
      .join()}`;
  return key;
}

export function familyOf(name: string, kind: ContextKind, hasObject: boolean): Family {
  if (/srcu_|rcu_read_lock_trace|rcu_read_unlock_trace/.test(name)) return "srcu";
  if (kind === "rcu" || /^rcu_read_/.test(name)) return "rcu";
  if (!hasObject)
    return /^(preempt|local_|migrate|get_cpu|put_cpu|kmap|kunmap|pagefault|kernel_)/.test(name) ||
      kind === "irq-off" ||
      kind === "softirq-off" ||
      kind === "preempt-off"
      ? "context"
      : "named";
  if (kind !== "other") return "spin";
  if (/^(down_|up_)(read|write)|mmap_|percpu_(down|up)|inode_(un)?lock|filemap_invalidate/.test(name))
    return "rwsem";
  return "mutex";
}

/** Contexts without a lock exclude nobody but the own CPU: they protect no list. */
export const excludes = (l: LockId): boolean => l.family !== "context";

/** The primitive that names a lock without an object, or whose argument is not the lock itself. */
export function baseName(l: LockPrimitive): string {
  const name = l.op === "release" || l.op === "conditional-release" ? (l.pair ?? l.name) : l.name;
  return name
    .replace(
      /_(interruptible|killable|nested|nest_lock|io|irqsave|irq|bh|shared|slow|fast|wait|timeout)\b/g,
      "",
    )
    .replace(/_trylock/, "_lock")
    .replace(/^refcount_dec_and_/, "");
}

/** Whether two ways to name a lock can mean the same one. */
export function sameLock(a: LockId, b: LockId): boolean {
  if (a.family !== b.family) return false;
  if (a.term > 0 && a.term === b.term) return true;
  if (a.cls !== "" && b.cls !== "")
    return a.cls === b.cls && (a.term === 0 || b.term === 0 || a.last === b.last);
  return a.last === b.last && (a.last !== "" || a.family === "rcu" || a.family === "srcu");
}

/** Index of the lock that a release means, the latest first; -1 for none. */
export function findHeld(held: readonly HeldLock[], l: LockId): number {
  for (let i = held.length - 1; i >= 0; i--) {
    const h = held[i];
    if (h.family === l.family && h.term > 0 && h.term === l.term) return i;
  }
  for (let i = held.length - 1; i >= 0; i--) if (sameLock(held[i], l)) return i;
  // One lock of the family is held and either has no name: it must be it.
  if (l.family === "spin" || l.family === "mutex") {
    const same = held.filter((h) => h.family === l.family);
    if (same.length === 1 && (l.last === "" || same[0].last === "" || l.cls === "" || same[0].cls === ""))
      return held.indexOf(same[0]);
  }
  return -1;
}

/** The lock that an argument or the lack of one names. */
export function lockIdOf(
  t: Terms,
  name: string,
  kind: ContextKind,
  base: string,
  raw: number,
  value: number,
  isLockType: (type: string) => boolean,
): LockId {
  if (raw === 0) return { term: 0, cls: base, last: "", family: familyOf(name, kind, false) };
  const family = familyOf(name, kind, true);
  const last = t.lastName(raw);
  const type = t.typeOf(raw);
  const typeName = type ? t.program.names.text(type.name) : "";
  // inode_lock(inode), lock_sock(sk): the object stands for the lock in it.
  if (typeName !== "" && !isLockType(typeName)) {
    const direct = t.lockClass(raw, value);
    const tag = t.program.names.text(t.program.structName(type!.name, t.file));
    if (!/^(spin|raw_spin|read|write|mutex|down|up|rt_mutex|ww_mutex)/.test(name))
      return { term: value, cls: `struct ${tag}:${base}`, last, family };
    return { term: value, cls: direct, last, family };
  }
  return { term: value, cls: t.lockClass(raw, value), last, family };
}

export const isShared = (name: string): boolean =>
  /(^|_)(read_lock|read_trylock|down_read|rcu_read|shared)|^read_lock/.test(name);
