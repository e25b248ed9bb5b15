// The finding stands in the function that took the lock, not in its callers or callees.
static DEFINE_SPINLOCK(lock);

static void helper(void)
{
	msleep(1);
}

static void owner(void)
{
	spin_lock(&lock);
	helper();
//      ^^^^^^ sleep-in-atomic[high] under spinlock lock: owner > helper > msleep
	spin_unlock(&lock);
}

void caller(void)
{
	owner();
}
