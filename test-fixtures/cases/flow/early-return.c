// An error path that unlocks and returns does not unlock the main path.
static DEFINE_SPINLOCK(lock);

int f(struct item *i)
{
	spin_lock(&lock);
	if (!i->ready) {
		spin_unlock(&lock);
		msleep(1);
		return -EAGAIN;
	}
	msleep(2);
//      ^^^^^^ sleep-in-atomic[high] under spinlock lock: f > msleep
	spin_unlock(&lock);
	return 0;
}
