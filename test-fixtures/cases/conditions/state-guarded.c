// A callee that first looks at an object's state makes the finding depend on it.
static DEFINE_SPINLOCK(lock);

static void teardown(struct item *i)
{
	if (!i->buffer)
		return;
	mutex_lock(&m);
	mutex_unlock(&m);
}

void f(struct item *i)
{
	spin_lock(&lock);
	teardown(i);
//      ^^^^^^^^ sleep-in-atomic[medium, state-guarded] under spinlock lock: f > teardown > mutex_lock
	spin_unlock(&lock);
}
