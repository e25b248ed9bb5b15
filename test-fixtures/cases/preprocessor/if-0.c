// What stands under #if 0 does not exist.
static DEFINE_SPINLOCK(lock);

#if 0
static void helper(void)
{
	msleep(1);
}
#else
static void helper(void)
{
	udelay(1);
}
#endif

void f(void)
{
	spin_lock(&lock);
	helper();
#if 0
	msleep(1);
#endif
	spin_unlock(&lock);
}
