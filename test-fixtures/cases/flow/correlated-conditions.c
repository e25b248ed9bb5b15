// Two tests of the same condition go the same way.
struct dev {
	spinlock_t lock;
};

void balanced(struct dev *d, bool locked)
{
	if (!locked)
		spin_lock(&d->lock);
	use(d);
	if (!locked)
		spin_unlock(&d->lock);
	msleep(1);
}

void other_branch(struct dev *d, bool atomic)
{
	if (atomic)
		spin_lock(&d->lock);
	if (!atomic)
		msleep(1);
	if (atomic)
		spin_unlock(&d->lock);
}

void same_branch(struct dev *d, bool atomic)
{
	if (atomic)
		spin_lock(&d->lock);
	use(d);
	if (atomic)
		msleep(1);
//              ^^^^^^ sleep-in-atomic[high] under spinlock d->lock: same_branch > msleep
	if (atomic)
		spin_unlock(&d->lock);
}
