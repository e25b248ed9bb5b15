// schedule_preempt_disabled() gives one level of preempt_disable() back around the sleep; a lock stays.
static DEFINE_SPINLOCK(lock);

void park(void)
{
	preempt_disable();
	schedule_preempt_disabled();
	preempt_enable();
}

void park_locked(void)
{
	spin_lock(&lock);
	schedule_preempt_disabled();
//      ^^^^^^^^^^^^^^^^^^^^^^^^^ sleep-in-atomic[high] under spinlock lock: park_locked > schedule_preempt_disabled
	spin_unlock(&lock);
}
