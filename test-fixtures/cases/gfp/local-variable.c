// Flags are followed through local variables.
static DEFINE_SPINLOCK(lock);

void f(bool wait)
{
	gfp_t blocking = GFP_KERNEL;
	gfp_t nonblocking = GFP_ATOMIC;
	gfp_t changed = GFP_KERNEL;
	gfp_t masked = GFP_KERNEL;
	gfp_t either = GFP_ATOMIC;
	void *p;

	changed = GFP_NOWAIT;
	masked &= ~__GFP_DIRECT_RECLAIM;
	if (wait)
		either = GFP_KERNEL;
	spin_lock(&lock);
	p = kmalloc(64, blocking);
//          ^^^^^^^ gfp-in-atomic[high] under spinlock lock: f > kmalloc
	p = kmalloc(64, nonblocking);
	p = kmalloc(64, changed);
	p = kmalloc(64, masked);
	p = kmalloc(64, either);
//          ^^^^^^^ gfp-in-atomic[medium] under spinlock lock: f > kmalloc
	spin_unlock(&lock);
}
