// Code that constants rule out is not run.
static DEFINE_SPINLOCK(lock);

void f(void)
{
	spin_lock(&lock);
	if (0)
		msleep(1);
	while (0)
		msleep(2);
	if (1)
		use(&lock);
	else
		msleep(3);
	spin_unlock(&lock);
}
