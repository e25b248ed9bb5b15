// cond_resched_lock() gives up the lock before it reschedules.
static DEFINE_SPINLOCK(lock);

void f(struct item *i)
{
	spin_lock(&lock);
	list_for_each_entry(i, &items, node)
		cond_resched_lock(&lock);
	spin_unlock(&lock);
}
