// tasklet_disable() spins in old kernels.
//- kernel: 4.13
static DEFINE_SPINLOCK(lock);

void f(struct dev *d)
{
	spin_lock(&lock);
	tasklet_disable(&d->tasklet);
	spin_unlock(&lock);
}
