// Places are right after characters that take several bytes, and after tabs.
static DEFINE_SPINLOCK(lock);

void f(void)
{
	spin_lock(&lock);
	/* größer → länger */	msleep(1);	/* ∞ */
//                              ^^^^^^ sleep-in-atomic[high] under spinlock lock: f > msleep
	spin_unlock(&lock);
}
