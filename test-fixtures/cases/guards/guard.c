// A guard holds its lock to the end of its block.
static DEFINE_SPINLOCK(lock);

void to_the_end(struct item *i)
{
	guard(spinlock)(&lock);
	msleep(1);
//      ^^^^^^ sleep-in-atomic[high] under spinlock lock: to_the_end > msleep
}

void inner_block(struct item *i)
{
	if (i->old) {
		guard(spinlock_irqsave)(&lock);
		list_del(&i->node);
	}
	msleep(1);
}

void sleeping_guard(struct item *i)
{
	guard(mutex)(&i->m);
	msleep(1);
}

void rcu(struct item *i)
{
	guard(rcu)();
	msleep(1);
//      ^^^^^^ sleep-in-atomic[high] under rcu: rcu > msleep
}
