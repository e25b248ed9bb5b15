// A file's own function with the name of a primitive does what its body says.
static DEFINE_SPINLOCK(lock);

static void msleep(int n)
{
	udelay(n);
}

void f(void)
{
	spin_lock(&lock);
	msleep(1);
	spin_unlock(&lock);
}
