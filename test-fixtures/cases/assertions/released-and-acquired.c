// Annotated with both: held on entry when the function gives the lock back first, not when it takes it first.
struct dev {
	spinlock_t lock;
};

static void drops(struct dev *d) __releases(&d->lock) __acquires(&d->lock)
{
	msleep(1);
//      ^^^^^^ sleep-in-atomic[medium, annotation] under spinlock d->lock: drops > msleep
	spin_unlock(&d->lock);
	msleep(2);
	spin_lock(&d->lock);
}

static void takes(struct dev *d) __acquires(&d->lock) __releases(&d->lock)
{
	might_sleep();
	spin_lock(&d->lock);
	d->x++;
	spin_unlock(&d->lock);
}
