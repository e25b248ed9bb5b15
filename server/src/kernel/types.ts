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

/** A kernel release. Facts that changed are keyed by `since` (the first release they hold for) and `until` (the first they
 *  no longer hold for); most facts have neither. */
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
  /** Whether it takes a lock as its first argument: `guard(mutex)(&l)`; `guard(rcu)()` does not. */
  takesLock: boolean;
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
  /** Blocks iff the argument is non-zero (zero, with `negate`; greater than `above`, where given). */
  | { kind: "arg"; arg: number; negate?: boolean; above?: number }
  /** Blocks iff the argument has none of these flag names or-ed in (REQ_NOWAIT, RPM_ASYNC …). */
  | { kind: "flag-absent"; arg: number; flags: string[] }
  /** Does nothing when page faults are disabled. */
  | { kind: "pagefault" }
  /** vfree, kvfree: legal where in_interrupt() is true. */
  | { kind: "unless-in-interrupt" }
  /** Only when the last reference goes. */
  | { kind: "last-reference" }
  /** Depends on a property of an object: `what` says which, for the message. */
  | { kind: "object"; what: string; property?: ObjectProperty }
  /** Depends on state that cannot be seen. */
  | { kind: "state"; what: string }
  /** Only with this number of arguments (one-argument kvfree_rcu). */
  | { kind: "argc"; count: number }
  /** Releases the lock it is given around the sleep: an argument (`arg`; its member `field`), a named global, whatever the statement passed as
   *  argument `command` releases, or (`rcu`) the RCU read section. With `gfp`, only if that argument may block. */
  | {
      kind: "drops-lock";
      lock: {
        arg?: number;
        field?: string;
        global?: string;
        command?: number;
        rcu?: boolean;
        preempt?: boolean;
      };
      gfp?: number;
    };

/** How a property of an object that decides about sleeping shows in the source. */
export interface ObjectProperty {
  /** A field of one of these structs, set in an initialiser or assignment of the same file, … */
  structs: string[];
  field: string;
  /** … to one of these: compared as text, `*` is any, `/…/` a regular expression. */
  values: string[];
  /** False or absent: with such a value it never sleeps. True: it sleeps with such a value only. */
  only?: boolean;
  /** Calls in the same file that mean the same as such a value (`pm_runtime_irq_safe`), … */
  calls?: string[];
  /** … and calls that mean the contrary (`devm_regmap_init_i2c`). */
  contraryCalls?: string[];
}

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

/** The context that a callback is entered in. `spinlock`: with a spinlock held (irqs may be on). */
export type EntryContext =
  | "hardirq"
  | "softirq"
  | "nmi"
  | "irq-off"
  | "preempt-off"
  | "rcu"
  | "bh-off"
  | "spinlock"
  | "process";

export interface RegisteredCallback {
  arg: number;
  /** The argument is an object (or its address) and the callback is this field of it: `.notifier_call` of a
   *  notifier_block. */
  field?: string;
  context: EntryContext;
  /** What the callback is, for the message: "interrupt handler". */
  what: string;
}

/** A way to hand a function to the kernel that decides the context it will run in. */
export interface Registration {
  /** Function or macro called. */
  name: string;
  /** Which argument is the callback, and the context that it is entered in. `process` callbacks are recorded too: they
   *  prove that the function is not only atomic. Empty for a call that only sets the mode of an object
   *  (`hrtimer_init`): an ops field refers to it by `unlessCall`. */
  callbacks: RegisteredCallback[];
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
  context: EntryContext;
  /** What the callback is, for the message: "timer callback". */
  what: string;
  /** The lock held on entry, for the message ("uart_port.lock"), if any. */
  lock?: string;
  /** Not atomic where the same initialiser (or an assignment in the same file) gives this field such a value: compared
   *  as text, `*` is any, `/…/` a regular expression. */
  unless?: { struct?: string; field: string; values: string[] };
  /** Another context where a call to `name` on the same object (argument `object`, same file) has an argument that
   *  matches: `hrtimer_init(&x->t, CLOCK_MONOTONIC, HRTIMER_MODE_REL_SOFT)`. */
  unlessCall?: { name: string; object: number; arg: number; matches: string; context: EntryContext };
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

/** What a gfp mask returned by a function says: it may block, may not, blocks unless in_interrupt()/in_softirq() at the
 *  call, or is as blocking as one of the arguments. */
export type GfpFunction =
  | { result: "blocking" | "non-blocking" | "by-context" }
  | { result: "argument"; arg: number };

/** What an assertion says about the context: a lock of the type of argument `arg` is held (lockdep_assert_held), a
 *  spinlock is held, the caller is in process context, … */
export interface ContextAssertion {
  says: "lock-held-by-type" | "spinlock-held" | "process" | "irq-off" | "preempt-off" | "softirq" | "rcu";
  arg?: number;
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
  /** gfp names that neither allow nor forbid blocking (`__GFP_ZERO`, `GFP_DMA`): alone they do not block. */
  gfpModifiers: ReadonlySet<string>;
  /** Functions that return a gfp mask. */
  gfpFunctions: ReadonlyMap<string, GfpFunction>;
  /** Functions that are true iff the gfp mask in this argument may block: `gfpflags_allow_blocking`. */
  gfpTests: ReadonlyMap<string, number>;
  /** Type names of locks → whether holding one makes code atomic, and the kind. */
  lockTypes: ReadonlyMap<string, { atomic: boolean; kind: ContextKind | "mutex" }>;
  /** Assertion functions: lockdep_assert_held(arg 0's type decides), assert_spin_locked (always spin), ASSERT_RTNL (process) … */
  assertions: ReadonlyMap<string, ContextAssertion>;
}
