// in_interrupt() knows of bottom halves that are off, and knows nothing of a plain spinlock.
static DEFINE_SPINLOCK(lock);

static void *make(void)
{
	return kmalloc(64, in_interrupt() ? GFP_ATOMIC : GFP_KERNEL);
}

void bottom_halves_off(void)
{
	spin_lock_bh(&lock);
	make();
	spin_unlock_bh(&lock);
}

void plain(void)
{
	spin_lock(&lock);
	make();
//      ^^^^ gfp-in-atomic[medium] under spinlock lock: plain > make > kmalloc
	spin_unlock(&lock);
}
