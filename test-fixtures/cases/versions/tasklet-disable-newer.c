// tasklet_disable() sleeps in newer kernels.
//- kernel: 6.12
static DEFINE_SPINLOCK(lock);

void f(struct dev *d)
{
	spin_lock(&lock);
	tasklet_disable(&d->tasklet);
//      ^^^^^^^^^^^^^^^ sleep-in-atomic[high] under spinlock lock: f > tasklet_disable
	spin_unlock(&lock);
}
