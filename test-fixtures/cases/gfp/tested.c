// Code behind gfpflags_allow_blocking() runs for flags that block.
static DEFINE_SPINLOCK(lock);

static void reserve(gfp_t gfp)
{
	if (gfpflags_allow_blocking(gfp))
		mutex_lock(&m);
	might_sleep_if(gfp & __GFP_DIRECT_RECLAIM);
}

void f(void)
{
	spin_lock(&lock);
	reserve(GFP_ATOMIC);
	reserve(GFP_KERNEL);
//      ^^^^^^^ sleep-in-atomic[high] under spinlock lock: f > reserve > mutex_lock
//      or f > reserve > might_sleep_if
	spin_unlock(&lock);
}
