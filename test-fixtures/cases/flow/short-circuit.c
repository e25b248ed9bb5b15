// The right side of && and || runs only when the left side lets it, and sees what that holds.
static DEFINE_SPINLOCK(lock);

void f(struct item *i)
{
	if (spin_trylock(&lock) && sleepy(i))
//                                 ^^^^^^ sleep-in-atomic[high] under spinlock lock: f > sleepy > mutex_lock
		use(i);
}

static int sleepy(struct item *i)
{
	mutex_lock(&i->m);
	mutex_unlock(&i->m);
	return 1;
}
