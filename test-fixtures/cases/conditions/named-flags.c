// A flag that is given by name is known to be set in a callee that asks for it.
static DEFINE_SPINLOCK(lock);

static int send(struct dev *d, int flags)
{
	if (flags & CMD_ASYNC)
		return queue(d);
	msleep(1);
	return 0;
}

void f(struct dev *d)
{
	spin_lock(&lock);
	send(d, CMD_ASYNC);
	send(d, CMD_ASYNC | CMD_HUGE);
	send(d, 0);
//      ^^^^ sleep-in-atomic[high] under spinlock lock: f > send > msleep
	spin_unlock(&lock);
}
