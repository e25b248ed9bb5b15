// The kernel's own annotations count as sleeping, without a look at their bodies.
static DEFINE_SPINLOCK(lock);

void f(void)
{
	spin_lock(&lock);
	might_sleep();
//      ^^^^^^^^^^^ sleep-in-atomic[high] under spinlock lock: f > might_sleep
	cond_resched();
//      ^^^^^^^^^^^^ sleep-in-atomic[high] under spinlock lock: f > cond_resched
	spin_unlock(&lock);
	might_sleep();
}
