// vfree() defers its work where in_interrupt() is true: with bottom halves off, not under a plain spinlock.
static DEFINE_SPINLOCK(lock);

void deferred(void *p)
{
	spin_lock_bh(&lock);
	vfree(p);
	kvfree(p);
	spin_unlock_bh(&lock);
}

void sleeping(void *p)
{
	spin_lock(&lock);
	vfree(p);
//      ^^^^^ sleep-in-atomic[high] under spinlock lock: sleeping > vfree
	kvfree(p);
//      ^^^^^^ sleep-in-atomic[medium, maybe-vmalloc] under spinlock lock: sleeping > kvfree
	spin_unlock(&lock);
}
