// A helper that holds the lock depending on its result does so for its caller's branches.
static DEFINE_SPINLOCK(lock);

static bool grab(struct item *i)
{
	spin_lock(&lock);
	if (i->dead) {
		spin_unlock(&lock);
		return false;
	}
	return true;
}

void f(struct item *i)
{
	if (!grab(i)) {
		msleep(1);
		return;
	}
	msleep(2);
//      ^^^^^^ sleep-in-atomic[high] under spinlock lock: f > msleep
	spin_unlock(&lock);
}
