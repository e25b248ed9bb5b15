/**
 * The shape of what we know about the kernel's primitives: the typed view that the loader gives of `kernel/data/*.json`.
 * Facts only, no behaviour: the analysis interprets them. Each entry names its source (a kernel file or document).
 */

/** Bits of the context lattice (SEMANTICS §1.2); `Context` values are unions of them. */
export const Ctx = {
  Preempt: 1 << 0,
  /** Softirqs (bottom halves) disabled. */
  Bh: 1 << 1,
  Irq: 1 << 2,
  Hardirq: 1 << 3,
  Softirq: 1 << 4,
  Nmi: 1 << 5,
  Rcu: 1 << 6,
  PagefaultOff: 1 << 7,
  NonBlock: 1 << 8,
} as const;

/** Bits under which in_interrupt() is true (bottom halves off counts, a plain spinlock does not). */
export const IN_INTERRUPT = Ctx.Bh | Ctx.Hardirq | Ctx.Softirq | Ctx.Nmi;
/** Bits under which a voluntary sleep is a bug; PagefaultOff alone is not one. */
export const ATOMIC =
  Ctx.Preempt | Ctx.Bh | Ctx.Irq | Ctx.Hardirq | Ctx.Softirq | Ctx.Nmi | Ctx.Rcu | Ctx.NonBlock;

/** Names of versions that version-dependent facts are keyed by, oldest first. */
export type KernelVersion = { major: number; minor: number };

/** `context.kind` of a finding (the findings file's contract). */
export type ContextKind =
  | "spinlock"
  | "rwlock"
  | "raw-spinlock"
  | "bit-spinlock"
  | "seqlock"
  | "preempt-off"
  | "irq-off"
  | "softirq-off"
  | "rcu"
  | "hardirq"
  | "softirq"
  | "nmi"
  | "callback"
  | "other";

export interface LockPrimitive {
  name: string;
  op: "acquire" | "release" | "try" | "conditional" | "conditional-release" | "drop-retake" | "none";
  kind: ContextKind;
  /** Ctx bits that the acquire adds and the release removes. 0 for a lock that does not make code atomic (mutex). */
  adds: number;
  /** Where the lock object is: argument index, the returned value, an out-parameter, or none (preempt_disable). */
  lock: { from: "arg" | "out" | "return"; index: number } | null;
  /** try / conditional: the result for which the lock is held. */
  heldWhen?: "nonzero" | "zero" | "nonnull" | "null";
  /** Index of the irq-flags argument of _irqsave/_irqrestore, if any. */
  flagsArg?: number;
  /** Name of the matching release (for an acquire) or acquire (for a release). */
  pair?: string;
  /** Whether the primitive itself may sleep when called (mutex_lock); such a lock never makes code atomic. */
  sleeps?: boolean;
  since?: KernelVersion;
  until?: KernelVersion;
  source: string;
  note?: string;
}

/** A class usable in guard(x), scoped_guard(x, …), CLASS(x, …). */
export interface GuardClass {
  name: string;
  adds: number;
  kind: ContextKind;
  /** _try and _intr forms: held only in the success branch. */
  conditional: boolean;
  /** The constructor itself may sleep (mutex, rwsem, disable_irq …). */
  sleeps: boolean;
  source: string;
}

export type SleepCondition =
  /** Unconditional. */
  | { kind: "always" }
  /** Blocks iff the argument holds __GFP_DIRECT_RECLAIM. */
  | { kind: "gfp"; arg: number }
  /** Blocks iff the argument is non-zero (or zero, with `negate`). */
  | { kind: "arg"; arg: number; negate?: boolean }
  /** Blocks iff the argument has none of these flag names or-ed in (REQ_NOWAIT, RPM_ASYNC …). */
  | { kind: "flag-absent"; arg: number; flags: string[] }
  /** Does nothing when page faults are disabled. */
  | { kind: "pagefault" }
  /** vfree, kvfree: legal where in_interrupt() is true. */
  | { kind: "unless-in-interrupt" }
  /** Only when the last reference goes. */
  | { kind: "last-reference" }
  /** Depends on a property of an object: `what` says which, for the message. */
  | { kind: "object"; what: string; property?: { structs: string[]; field: string; values: string[] } }
  /** Depends on state that cannot be seen. */
  | { kind: "state"; what: string }
  /** Only with this number of arguments (one-argument kvfree_rcu). */
  | { kind: "argc"; count: number }
  /** Releases the lock it is given (argument index, or a named global) around the sleep. */
  | { kind: "drops-lock"; lock: { arg?: number; global?: string }; gfp?: number };

export interface Sleeper {
  name: string;
  group: string;
  condition: SleepCondition;
  /** A chain ends here: readers know the name. Where false, the source is followed and the table is the fallback. */
  boundary: boolean;
  /** An allocation: a finding on it is `gfp-in-atomic` when the condition is gfp. */
  allocation: boolean;
  since?: KernelVersion;
  until?: KernelVersion;
  source: string;
  note?: string;
}

/** A way to hand a function to the kernel that decides the context it will run in. */
export interface Registration {
  /** Function or macro called. */
  name: string;
  /** Which argument is the callback, and the context that it is entered in. `process` callbacks are recorded too: they
   *  prove that the function is not only atomic. */
  callbacks: {
    arg: number;
    context: "hardirq" | "softirq" | "nmi" | "irq-off" | "preempt-off" | "rcu" | "bh-off" | "process";
    what: string;
  }[];
  /** Argument text that switches the context (`HRTIMER_MODE_.*_SOFT`, WQ_BH) when it matches. */
  unless?: { arg: number; matches: string };
  /** Confidence of the context. */
  confidence: "high" | "medium" | "low";
  source: string;
}

/** A field of an ops table (or object) whose functions are entered in a known context. */
export interface OpsField {
  /** Struct tag that has the field; matched by type, never by the field's name alone. */
  struct: string;
  field: string;
  context:
    | "hardirq"
    | "softirq"
    | "nmi"
    | "irq-off"
    | "preempt-off"
    | "rcu"
    | "bh-off"
    | "spinlock"
    | "process";
  /** The lock held on entry, for the message ("uart_port.lock"), if any. */
  lock?: string;
  /** Not atomic where the same initialiser (or an assignment in the same file) gives this field such a value. */
  unless?: { struct?: string; field: string; values: string[] };
  confidence: "high" | "medium" | "low";
  source: string;
}

/** A test of the running context: what its truth proves. Bits certainly set when true, certainly clear when false. */
export interface ContextTest {
  name: string;
  /** At least one of these bits is set when the test is true … */
  trueMeansAny: number;
  /** … and none of these is set when the test is false. */
  falseMeansNone: number;
  /** The sense is turned round (`preemptible()`, `in_task()`). */
  negate?: boolean;
  source: string;
}

export interface KernelTables {
  locks: ReadonlyMap<string, LockPrimitive>;
  guards: ReadonlyMap<string, GuardClass>;
  sleepers: ReadonlyMap<string, Sleeper>;
  /** Names that look like sleepers and are not: never followed. */
  neverSleeps: ReadonlySet<string>;
  /** printk, WARN, BUG, panic …: reporting paths that are never followed (they do not count as sleeping). */
  hardStops: ReadonlySet<string>;
  noReturn: ReadonlySet<string>;
  registrations: ReadonlyMap<string, Registration>;
  /** key `struct.field`. */
  opsFields: ReadonlyMap<string, OpsField>;
  contextTests: ReadonlyMap<string, ContextTest>;
  /** gfp names → may block (true), may not (false); modifiers that say nothing are absent. */
  gfp: ReadonlyMap<string, boolean>;
  /** Type names of locks → whether holding one makes code atomic, and the kind. */
  lockTypes: ReadonlyMap<string, { atomic: boolean; kind: ContextKind | "mutex" }>;
  /** Assertion functions: lockdep_assert_held(arg 0's type decides), assert_spin_locked (always spin), ASSERT_RTNL (process) … */
  assertions: ReadonlyMap<
    string,
    {
      says: "lock-held-by-type" | "spinlock-held" | "process" | "irq-off" | "preempt-off" | "softirq";
      arg?: number;
    }
  >;
}
