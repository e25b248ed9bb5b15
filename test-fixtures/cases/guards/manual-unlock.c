// A guard's lock can be dropped and taken by hand inside its block.
static DEFINE_SPINLOCK(lock);

void f(struct item *i)
{
	guard(spinlock)(&lock);
	list_for_each_entry(i, &items, node) {
		spin_unlock(&lock);
		msleep(1);
		spin_lock(&lock);
	}
}
