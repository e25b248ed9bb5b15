/** The rule gfp-in-atomic: an allocation whose gfp flags let it block, in atomic context. */
import { COMMON_LIMITS, configurationOf } from "./common.js";
import type { Rule } from "./rule.js";

const before = `struct entry {
	struct list_head list;
	int key;
};

static LIST_HEAD(entries);
static DEFINE_SPINLOCK(entries_lock);

static struct entry *entry_make(int key, gfp_t gfp)
{
	struct entry *e = kmalloc(sizeof(*e), gfp);

	if (e)
		e->key = key;
	return e;
}

int entry_add(int key)
{
	struct entry *e;

	spin_lock(&entries_lock);
	e = entry_make(key, GFP_KERNEL);
	if (e)
		list_add(&e->list, &entries);
	spin_unlock(&entries_lock);
	return e ? 0 : -ENOMEM;
}
`;

export const gfpInAtomic: Rule = {
  id: "gfp-in-atomic",
  title: "an allocation whose gfp flags let it block, in atomic context",
  severity: "error",
  what: [
    "Reports a call that ends in an allocation which may block to reclaim memory, in any atomic context (lock, callback, RCU, " +
      "interrupts or preemption off). Only `__GFP_DIRECT_RECLAIM` decides: `GFP_KERNEL`, `GFP_NOFS`, `GFP_NOIO` and " +
      "`GFP_USER` hold it, `GFP_ATOMIC` and `GFP_NOWAIT` do not.",
    "Flags are followed as values: through constants and masks, local variables, choices (`a ? b : c`) and parameters of any " +
      "number of functions. A call that can end in an allocation or in another sleep is reported as what else it is.",
  ],
  whyBad: [
    "Under memory pressure the allocation starts reclaim, which waits for I/O and takes locks: the task sleeps in atomic " +
      "context, as with any other sleep. While memory is plentiful nothing happens, so tests pass.",
  ],
  example: {
    code: before,
    finding: {
      line: 23,
      column: 6,
      confidence: "high",
      message:
        "entry_add() calls entry_make(), which sleeps in kmalloc(), while holding spinlock entries_lock",
    },
    repaired: before.replace("entry_make(key, GFP_KERNEL)", "entry_make(key, GFP_ATOMIC)"),
  },
  repair: [
    "Allocate before the lock is taken, and free what is not needed after the unlock.",
    "Use `GFP_ATOMIC` (or `GFP_NOWAIT`) if failing is dealt with: such allocations fail more often, and GFP_ATOMIC uses reserves.",
    "Pass the flags as a parameter, so that each caller says what its context allows.",
  ],
  limits: [
    ...COMMON_LIMITS,
    "Flags that are computed in ways that are not followed (arithmetic, arrays, a field set elsewhere) make the finding " +
      "`gfp-undecided`, at low confidence.",
  ],
  configuration: configurationOf("gfp-in-atomic"),
};
