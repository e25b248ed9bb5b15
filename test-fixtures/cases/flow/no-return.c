// Nothing comes after a call that does not return.
static DEFINE_SPINLOCK(lock);

void f(struct item *i)
{
	if (i->broken) {
		spin_lock(&lock);
		panic("broken");
	}
	msleep(1);
}

void g(struct item *i)
{
	spin_lock(&lock);
	if (i->broken) {
		BUG();
		msleep(1);
	}
	spin_unlock(&lock);
}
