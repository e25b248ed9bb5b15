// A callback that takes a lock of its own is told once a call, for what makes it atomic first.
static DEFINE_SPINLOCK(lock);

static void expired(struct timer_list *t)
{
	spin_lock(&lock);
	use(t);
	spin_unlock(&lock);
	msleep(1);
//      ^^^^^^ sleep-in-atomic-callback[medium, registered-callback] under softirq: expired > msleep
}

void start(struct dev *d)
{
	timer_setup(&d->timer, expired, 0);
}
