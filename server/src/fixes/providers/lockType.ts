/**
 * A lock of another type: a spinlock that is never taken where sleeping is forbidden becomes a mutex, a mutex whose sections
 * never sleep becomes a spinlock. Edits of every user in the tree, after all of them have been looked at.
 */
import type { Definition } from "../../code.js";
import type { HeldLock } from "../../engine.js";
import type { LockIdentity, LockUsers } from "../../findings/lockUsers.js";
import type { Finding } from "../../findings/types.js";
import { maySleep } from "../callers.js";
import { type LockChange, MUTEX_TO_SPINLOCK, retype, SPINLOCK_TO_MUTEX } from "../lockEdits.js";
import type { Fix, FixSource } from "../types.js";
import { whoUses } from "../whoUses.js";

/** Locks with more users than this are not retyped: nobody reviews such a change. */
const MOST_FUNCTIONS = 24;

export async function lockTypeFixes(finding: Finding, source: FixSource): Promise<Fix[]> {
  if (finding.rule === "stale-cursor") return [];
  const out: Fix[] = [];
  const outer = await spinlockOf(finding, source);
  if (outer) out.push(...(await toMutex(outer, source)));
  out.push(...(await toSpinlock(finding, source)));
  return out;
}

/** The spinlock that makes the place atomic, when it alone does. */
async function spinlockOf(finding: Finding, source: FixSource): Promise<LockUsers | null> {
  const { kind, lockClass } = finding.context;
  if (kind !== "spinlock" || !lockClass) return null;
  // Most locks are taken in an interrupt somewhere: what is near tells most of them, and costs little.
  if (await isTakenAtomic(finding, lockClass, source)) return null;
  const [lock, ...more] = source.engine.findLocks(lockClass).locks;
  if (!lock || more.length > 0 || lock.type !== "spinlock_t") return null;
  return whoUses(lock, source);
}

/** Whether a function of the finding's file that takes the lock was seen to be entered atomic, or takes it under another. */
async function isTakenAtomic(finding: Finding, lockClass: string, source: FixSource): Promise<boolean> {
  const text = source.read(finding.file);
  const name = lockClass.slice(Math.max(lockClass.lastIndexOf("."), lockClass.lastIndexOf(":")) + 1);
  const takes = new RegExp(`lock\\w*\\s*\\([^;]*\\b${name}\\b`);
  const near = source.code
    .functionsIn(finding.file)
    .filter((d) => d.kind === "function" && takes.test(text?.slice(d.bodyStart, d.end) ?? ""))
    .sort((a, b) => likely(b, finding) - likely(a, finding));
  for (const def of near) {
    const locks = await source.locksOf(def);
    const taken = locks?.calls.flatMap((c) => c.after).filter((h) => h.lockClass === lockClass && !h.onEntry);
    if (!taken || taken.length === 0) continue;
    if (locks?.calls.some((c) => isNested(c.after, lockClass))) return true;
    const most = source.quick ? QUICK_CALLERS : MOST_CALLERS;
    if ((await source.engine.enteredAtomic(def.file, def.nameStart, most, source.signal)) !== "no")
      return true;
  }
  return false;
}

const QUICK_CALLERS = 24;
const MOST_CALLERS = 600;

const likely = (d: Definition, finding: Finding): number =>
  Number(/irq|isr|intr|timer|timeout|tasklet|xmit|poll|complet|callback|handler|_cb\b|bh\b/.test(d.name)) *
    2 +
  Number(d.name === finding.function);

/** Whether another atomic context is held outside of the lock. */
const isNested = (held: readonly HeldLock[], cls: string): boolean => {
  const at = held.findIndex((h) => h.lockClass === cls);
  return at > 0 && held.slice(0, at).some((h) => h.atomic);
};

async function toMutex(users: LockUsers, source: FixSource): Promise<Fix[]> {
  const name = shortName(users.lock);
  const takers = users.functions;
  if (takers.length === 0 || takers.length > MOST_FUNCTIONS) return [];
  const nested = takers.find((f) => f.sections.some((s) => s.atomic));
  if (nested) return [];
  const functions = takers.map((t) => t.function);
  if (await enteredAtomic(functions, source)) return [];
  return make(users, SPINLOCK_TO_MUTEX, source, {
    id: "spinlock-to-mutex",
    title: `Make ${name} a mutex`,
    preconditions: [
      `looked at all ${takers.length} functions of the tree that take it: none takes it under another lock that forbids sleeping`,
      "none of them was seen to be entered in atomic context: no callback of an interrupt, timer or softirq, no caller with a spinlock",
    ],
    losses: [
      "The sections can be preempted and sleep: whoever waits for the lock sleeps too.",
      "It can no longer be taken in interrupt context, by code that comes later.",
    ],
    warnings: [
      "Calls through function pointers that were not resolved may come in atomic context.",
      ...(users.relying.length > 0 ? [relyingText(users)] : []),
    ],
  });
}

/** The mutex at the end of the chain as a spinlock: where nothing in its sections sleeps. */
async function toSpinlock(finding: Finding, source: FixSource): Promise<Fix[]> {
  const { kind, how } = finding.context;
  // In an interrupt, or with interrupts off, a plain spinlock deadlocks with its own holder.
  if (!["spinlock", "rwlock", "raw-spinlock", "rcu", "preempt-off"].includes(kind) || /irq|_bh/.test(how))
    return [];
  if (kind === "raw-spinlock") return [];
  const seen = new Set<string>();
  const out: Fix[] = [];
  for (const path of finding.paths) {
    if (!/^mutex_lock(?:_nested)?$/.test(path.sleep.call)) continue;
    const { locks } = await source.engine.lockAt(path.sleep.file, path.sleep.offset);
    const lock = locks[0];
    if (locks.length !== 1 || lock.type !== "mutex" || seen.has(lock.cls)) continue;
    seen.add(lock.cls);
    const users = await whoUses(lock, source);
    if (!users || users.functions.length > MOST_FUNCTIONS) continue;
    const sleeper = await sleeperIn(users, source);
    if (sleeper !== null) continue;
    out.push(
      ...make(users, MUTEX_TO_SPINLOCK, source, {
        id: "mutex-to-spinlock",
        title: `Make ${shortName(lock)} a spinlock`,
        preconditions: [
          `looked at all ${users.functions.length} functions of the tree that take it: nothing that is called with it held was seen to sleep`,
        ],
        losses: [
          "Its sections cannot be preempted, and whoever waits for it spins: they must stay short.",
          "Nothing may be added to them that sleeps.",
        ],
        warnings: [
          "Where it is also taken in interrupt or softirq context, the _irqsave or _bh forms are needed.",
          ...(users.relying.length > 0 ? [relyingText(users)] : []),
        ],
      }),
    );
  }
  return out;
}

function make(
  users: LockUsers,
  change: LockChange,
  source: FixSource,
  words: Pick<Fix, "id" | "title" | "preconditions" | "losses" | "warnings">,
): Fix[] {
  const made = retype(users, change, source);
  const places = users.mentions
    .filter((m) => change.calls.get(m.call) !== m.call)
    .map((m) => `${m.function}(): ${m.call}`);
  if ("why" in made) {
    return [
      {
        ...words,
        kind: "lock-type",
        applicability: "sketch",
        edits: [],
        sketch: [
          `${change.type.from} ${shortName(users.lock)} -> ${change.type.to}, in:`,
          ...new Set(places),
        ].join("\n"),
        missing: [made.why],
      },
    ];
  }
  return [{ ...words, kind: "lock-type", applicability: "needs-review", edits: made.edits }];
}

/** Whether any of these functions was seen to run where sleeping is forbidden, or may be for all that was looked at. */
async function enteredAtomic(
  functions: readonly LockUsers["functions"][number]["function"][],
  source: FixSource,
): Promise<boolean> {
  const most = source.quick ? QUICK_CALLERS : MOST_CALLERS;
  for (const fn of functions)
    if ((await source.engine.enteredAtomic(fn.file, fn.site.offset, most, source.signal)) !== "no")
      return true;
  return false;
}

/** A call in the sections that may sleep, null for none; in a hurry also one that would take long to tell. */
async function sleeperIn(users: LockUsers, source: FixSource): Promise<string | null> {
  const { tables } = source.code;
  const calls = new Map<string, string>();
  for (const f of users.functions)
    for (const s of f.sections) for (const call of s.calls) calls.set(call.name, f.function.file);
  const names = [...calls.keys()];
  const known = names.find((name) => tables.sleepers.has(name) || tables.locks.get(name)?.sleeps === true);
  if (known !== undefined) return known;
  const left = names.filter(
    (n) =>
      !tables.locks.has(n) && !tables.neverSleeps.has(n) && !tables.hardStops.has(n) && source.code.has(n),
  );
  if (source.quick && left.length > QUICK_CALLEES) return left[0];
  for (const name of left)
    if (await maySleep(name, calls.get(name)!, source.engine, source.signal)) return name;
  return null;
}

/** Callees whose sleeping is worked out between two keystrokes. */
const QUICK_CALLEES = 4;

export const shortName = (lock: LockIdentity): string =>
  lock.cls.startsWith("struct ")
    ? lock.cls.slice("struct ".length)
    : lock.cls.slice(lock.cls.lastIndexOf(":") + 1);

export function relyingText(users: LockUsers): string {
  const names = users.relying.slice(0, 5).map((r) => `${r.function.name}()`);
  const left = users.relying.length - names.length;
  return `These rely on it being held: ${names.join(", ")}${left > 0 ? ` and ${left} more` : ""}.`;
}
