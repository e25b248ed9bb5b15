// A helper that returns with a lock held makes its caller atomic.
struct dev {
	spinlock_t lock;
};

static void dev_lock(struct dev *d)
{
	spin_lock(&d->lock);
}

static void dev_unlock(struct dev *d)
{
	spin_unlock(&d->lock);
}

void f(struct dev *d)
{
	dev_lock(d);
	msleep(1);
//      ^^^^^^ sleep-in-atomic[high] under spinlock d->lock: f > msleep
	dev_unlock(d);
	msleep(2);
}
