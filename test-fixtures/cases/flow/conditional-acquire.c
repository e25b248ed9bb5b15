// Functions that take the lock only with the last reference hold it on that branch.
static DEFINE_SPINLOCK(lock);

void put(struct item *i)
{
	if (!atomic_dec_and_lock(&i->refs, &lock)) {
		msleep(1);
		return;
	}
	msleep(2);
//      ^^^^^^ sleep-in-atomic[high] under spinlock lock: put > msleep
	spin_unlock(&lock);
}
