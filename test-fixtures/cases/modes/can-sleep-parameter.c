// A parameter that says whether sleeping is allowed is followed with its constant.
static DEFINE_SPINLOCK(lock);

static int wait_ready(struct dev *d, bool can_sleep)
{
	while (!d->ready) {
		if (can_sleep)
			msleep(1);
		else
			udelay(10);
	}
	return 0;
}

void f(struct dev *d)
{
	spin_lock(&lock);
	wait_ready(d, false);
	wait_ready(d, true);
//      ^^^^^^^^^^ sleep-in-atomic[high] under spinlock lock: f > wait_ready > msleep
	wait_ready(d, 0);
	spin_unlock(&lock);
	wait_ready(d, true);
}
