// A trylock holds the lock on its success branch only.
static DEFINE_SPINLOCK(lock);

void positive(void)
{
	if (spin_trylock(&lock)) {
		msleep(1);
//              ^^^^^^ sleep-in-atomic[high] under spinlock lock: positive > msleep
		spin_unlock(&lock);
	} else {
		msleep(2);
	}
	msleep(3);
}

int negative(void)
{
	if (!spin_trylock(&lock))
		return -EBUSY;
	msleep(1);
//      ^^^^^^ sleep-in-atomic[high] under spinlock lock: negative > msleep
	spin_unlock(&lock);
	return 0;
}

void through_variable(void)
{
	int got = spin_trylock(&lock);

	if (!got) {
		msleep(1);
		return;
	}
	msleep(2);
//      ^^^^^^ sleep-in-atomic[high] under spinlock lock: through_variable > msleep
	spin_unlock(&lock);
}
