/** The ways of repair, with what each does in a sentence; docs/fixes/ has a page for each (a test keeps them together). */
import type { FixKind } from "./types.js";

export const CATALOGUE: Readonly<Record<FixKind, string>> = {
  earlier: "take the object's insides down where no lock is held, and only assert that under the lock",
  sink: "move the sleeping call to after the unlock, on every way out",
  "dispose-list": "collect on a private list under the lock, dispose of it after the unlock",
  hoist: "allocate or prepare before the lock, with the failure path",
  "drop-retake": "drop the lock, sleep, retake it, look again",
  "defer-work": "let a work item do the sleeping part",
  "defer-rcu": "let a callback after the grace period do it instead of waiting for it",
  variant: "use the twin that does not sleep and promises less",
  delay: "wait busily, for short constant times",
  gfp: "allocate atomically where failure is handled",
  "gfp-parameter": "pass the allocation flags down the chain",
  "lock-type": "make the spinlock a mutex, or the mutex a spinlock",
  "threaded-irq": "make the interrupt handler a threaded one",
  "mark-dead": "mark the object dead under the lock, let its owner free it",
  "one-allocation": "put an array and its header into one allocation: one pointer to swap, one call to free",
  cursor: "take and drop the lock for each element, with a cursor",
  remove: "remove a call that has no business there",
  annotate: "say in the code what was found",
  suppress: "silence the finding with a reason",
};

export const pageOf = (kind: FixKind): string => `docs/fixes/${kind}.md`;
