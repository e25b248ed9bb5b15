// A lock that a callee takes and gives back is the callee's affair alone.
static DEFINE_SPINLOCK(lock);

static void count(struct stats *s)
{
	spin_lock(&lock);
	s->n++;
	spin_unlock(&lock);
}

void f(struct stats *s)
{
	count(s);
	msleep(1);
}
