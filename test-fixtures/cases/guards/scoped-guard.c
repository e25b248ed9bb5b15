// A scoped guard holds its lock for one statement.
static DEFINE_SPINLOCK(lock);

int f(struct item *i)
{
	scoped_guard(spinlock_irq, &lock) {
		if (i->dead)
			return -ENODEV;
		msleep(1);
//              ^^^^^^ sleep-in-atomic[high] under spinlock lock: f > msleep
	}
	msleep(2);

	scoped_guard(mutex, &i->m)
		msleep(3);
	return 0;
}
