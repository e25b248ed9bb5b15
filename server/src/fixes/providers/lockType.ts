/**
 * A lock of another type: a spinlock that is never taken where sleeping is forbidden becomes a mutex, a mutex whose sections
 * never sleep becomes a spinlock. Edits of every user in the tree, after all of them have been looked at.
 */
import type { Engine, InspectingEngine } from "../../engine.js";
import type { LockIdentity, LockUsers } from "../../findings/lockUsers.js";
import type { Finding } from "../../findings/types.js";
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
  const [lock, ...more] = source.engine.findLocks(lockClass).locks;
  if (!lock || more.length > 0 || lock.type !== "spinlock_t") return null;
  return whoUses(lock, source);
}

async function toMutex(users: LockUsers, source: FixSource): Promise<Fix[]> {
  const name = shortName(users.lock);
  const takers = users.functions;
  if (takers.length === 0 || takers.length > MOST_FUNCTIONS) return [];
  const nested = takers.find((f) => f.sections.some((s) => s.atomic));
  if (nested) return [];
  const entered = await enteredAtomic(
    takers.map((t) => t.function),
    source.engine,
  );
  if (entered !== "none") return [];
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

/** Whether any of these functions was seen to run where sleeping is forbidden; `unknown` where it cannot be asked. */
async function enteredAtomic(
  functions: readonly LockUsers["functions"][number]["function"][],
  engine: Engine,
): Promise<"none" | "some" | "unknown"> {
  const inspecting = engine as Partial<InspectingEngine>;
  if (typeof inspecting.explain !== "function") return "unknown";
  for (const fn of functions) {
    const explanation = await (engine as InspectingEngine).explain({ function: fn });
    if (explanation.callers.length > 0) return "some";
  }
  return "none";
}

/** The first call in the sections that may sleep, null for none. */
async function sleeperIn(users: LockUsers, source: FixSource): Promise<string | null> {
  const { tables } = source.code;
  const inspecting = source.engine as Partial<InspectingEngine>;
  for (const f of users.functions) {
    for (const s of f.sections) {
      for (const call of s.calls) {
        const sleeper = tables.sleepers.get(call.name);
        const lock = tables.locks.get(call.name);
        if (sleeper || lock?.sleeps) return call.name;
        if (tables.neverSleeps.has(call.name) || tables.hardStops.has(call.name)) continue;
        if (typeof inspecting.explain !== "function") return call.name;
        for (const fn of source.code.resolve(call.name, f.function.file)) {
          const [ref] = (inspecting as InspectingEngine).find(fn.name, fn.file);
          if (!ref) continue;
          const { sleeps } = await (inspecting as InspectingEngine).explain({ function: ref });
          if (sleeps.verdict === "may") return call.name;
        }
      }
    }
  }
  return null;
}

export const shortName = (lock: LockIdentity): string =>
  lock.cls.startsWith("struct ")
    ? lock.cls.slice("struct ".length)
    : lock.cls.slice(lock.cls.lastIndexOf(":") + 1);

export function relyingText(users: LockUsers): string {
  const names = users.relying.slice(0, 5).map((r) => `${r.function.name}()`);
  const left = users.relying.length - names.length;
  return `These rely on it being held: ${names.join(", ")}${left > 0 ? ` and ${left} more` : ""}.`;
}
