// Braces that an #if opens twice and code closes once do not derail the functions after it.
static DEFINE_SPINLOCK(lock);

void ragged(struct item *i)
{
#ifdef CONFIG_A
	if (i->a) {
#else
	if (i->b) {
#endif
		use(i);
	}
}

void after(void)
{
	spin_lock(&lock);
	msleep(1);
//      ^^^^^^ sleep-in-atomic[high] under spinlock lock: after > msleep
	spin_unlock(&lock);
}
