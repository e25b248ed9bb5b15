/** The rule sleep-in-atomic: a call that may sleep while the function itself has made sleeping illegal. */
import { COMMON_LIMITS, configurationOf } from "./common.js";
import type { Rule } from "./rule.js";

const before = `struct session {
	spinlock_t lock;
	struct mutex table_lock;
	int state;
};

static void session_update(struct session *s)
{
	mutex_lock(&s->table_lock);
	s->state++;
	mutex_unlock(&s->table_lock);
}

void session_kick(struct session *s)
{
	spin_lock(&s->lock);
	session_update(s);
	spin_unlock(&s->lock);
}
`;

export const sleepInAtomic: Rule = {
  id: "sleep-in-atomic",
  title: "a call that may sleep while a spinlock is held or sleeping is otherwise forbidden",
  severity: "error",
  what: [
    "Reports a call from which a sleep can be reached while the calling function is in atomic context: it (or a function that " +
      "it called and that returned so) holds a spinlock, rwlock, raw or bit spinlock or a seqlock's write side, has " +
      "disabled preemption, softirqs or interrupts, or is in an RCU read-side section.",
    "Sleeps are mutexes, semaphores and other sleeping locks, waits, delays that schedule, copies from and to user " +
      "memory, and everything that leads to one of them. The chain of calls from the lock to the sleep is shown; the call " +
      "reported is the one in the function that entered the context, or in the one that asserts it " +
      "(`lockdep_assert_held`, `__must_hold`).",
  ],
  whyBad: [
    "A task that sleeps with a spinlock held leaves the CPU to another task, which may spin on the same lock for ever: the " +
      "machine hangs. With interrupts or preemption off the scheduler is entered in a state that it does not expect " +
      '("BUG: scheduling while atomic"). In an RCU section the grace period ends too early, or memory is freed in use.',
    "Most such calls sleep rarely (a contended mutex, memory pressure, a page not present), so tests pass.",
  ],
  example: {
    code: before,
    finding: {
      line: 17,
      column: 2,
      confidence: "high",
      message:
        "session_kick() calls session_update(), which sleeps in mutex_lock(), while holding spinlock s->lock",
    },
    repaired: before.replace(
      "\tspin_lock(&s->lock);\n\tsession_update(s);\n\tspin_unlock(&s->lock);",
      "\tsession_update(s);",
    ),
  },
  repair: [
    "Move the call out of the region: collect under the lock what is needed, unlock, then call.",
    "Defer the work: `schedule_work()`, or a list that is emptied after the unlock.",
    "Make the lock a mutex, if it is never taken in interrupt or softirq context.",
    "Use the variant that does not sleep (`mutex_trylock()`, `udelay()`, `copy_from_user_nofault()`), if its failure can be dealt with.",
  ],
  limits: [
    ...COMMON_LIMITS,
    "Two names for one lock are two locks: an unlock through another pointer is matched by the lock's type and name.",
    "Kernels with PREEMPT_RT, where spinlocks sleep, have no rules of their own.",
  ],
  configuration: configurationOf("sleep-in-atomic"),
};
