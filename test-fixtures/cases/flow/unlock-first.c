// After the unlock sleeping is fine again.
static DEFINE_SPINLOCK(lock);

void f(struct item *i)
{
	spin_lock(&lock);
	list_del(&i->node);
	spin_unlock(&lock);
	msleep(1);
}

void other_lock(struct item *i)
{
	spin_lock(&lock);
	spin_unlock(&i->lock);
	msleep(1);
//      ^^^^^^ sleep-in-atomic[high] under spinlock lock: other_lock > msleep
	spin_unlock(&lock);
}
