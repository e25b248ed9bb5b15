// What runs only after a WARN_ON() complained is not how the code is meant to go.
static DEFINE_SPINLOCK(lock);

void f(struct dev *d)
{
	spin_lock(&lock);
	if (WARN_ON(!d->ready))
		mutex_lock(&d->mutex);
	if (WARN_ON_ONCE(d->gone)) {
		msleep(1);
		spin_unlock(&lock);
		return;
	}
	if (!WARN_ON(d->bad))
		msleep(2);
//              ^^^^^^ sleep-in-atomic[high] under spinlock lock: f > msleep
	spin_unlock(&lock);
}
