// A call that reaches several sleeping sites is one finding with a path to each, shortest first.
static DEFINE_SPINLOCK(lock);

static void deeper(void)
{
	down_read(&sem);
}

static void helper(void)
{
	deeper();
	mutex_lock(&m);
}

void f(void)
{
	spin_lock(&lock);
	helper();
//      ^^^^^^ sleep-in-atomic[high] under spinlock lock: f > helper > mutex_lock
//      or f > helper > deeper > down_read
	spin_unlock(&lock);
}
