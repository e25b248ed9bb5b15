// A helper that only releases the lock is believed, with and without an annotation.
static DEFINE_SPINLOCK(lock);

static void finish(struct item *i) __releases(&lock)
{
	list_del(&i->node);
	spin_unlock(&lock);
}

static void finish_quietly(struct item *i)
{
	spin_unlock(&lock);
}

void f(struct item *i)
{
	spin_lock(&lock);
	finish(i);
	msleep(1);

	spin_lock(&lock);
	finish_quietly(i);
	msleep(2);
}
