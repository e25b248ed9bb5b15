// Both branches of an #if in a function are analysed, each by itself.
static DEFINE_SPINLOCK(lock);

void unlock_in_both(void)
{
	spin_lock(&lock);
#ifdef CONFIG_SMP
	spin_unlock(&lock);
#else
	spin_unlock(&lock);
#endif
	msleep(1);
}

void sleep_in_else(struct item *i)
{
	spin_lock(&lock);
#ifdef CONFIG_FAST_PATH
	use(i);
#else
	msleep(2);
//      ^^^^^^ sleep-in-atomic[medium] under spinlock lock: sleep_in_else > msleep
#endif
	spin_unlock(&lock);
}
