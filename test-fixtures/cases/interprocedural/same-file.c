// A sleep several calls below the lock is found at the call under the lock, with the whole chain.
static DEFINE_SPINLOCK(lock);

static void third(void)
{
	msleep(1);
}

static void second(void)
{
	third();
}

static void first(void)
{
	second();
}

void top(void)
{
	first();
	spin_lock(&lock);
	first();
//      ^^^^^ sleep-in-atomic[high] under spinlock lock: top > first > second > third > msleep
	spin_unlock(&lock);
	first();
}
