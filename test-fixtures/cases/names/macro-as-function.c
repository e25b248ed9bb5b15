// A function-like macro is a step of the chain like a function.
#define wait_for_it(d) do {		\
	if (!(d)->ready)		\
		msleep(1);		\
} while (0)

static DEFINE_SPINLOCK(lock);

void f(struct dev *d)
{
	spin_lock(&lock);
	wait_for_it(d);
//      ^^^^^^^^^^^ sleep-in-atomic[medium] under spinlock lock: f > wait_for_it > msleep
	spin_unlock(&lock);
}
