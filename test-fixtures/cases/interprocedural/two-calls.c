// Every call site under the lock is a finding of its own.
static DEFINE_SPINLOCK(lock);

static void helper(int n)
{
	msleep(n);
}

void f(void)
{
	spin_lock(&lock);
	helper(1);
//      ^^^^^^ sleep-in-atomic[high] under spinlock lock: f > helper > msleep
	helper(2);
//      ^^^^^^ sleep-in-atomic[high] under spinlock lock: f > helper > msleep
	spin_unlock(&lock);
}
