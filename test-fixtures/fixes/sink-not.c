// Not moved out: what wants the lock, what the section is for, what decides what follows, what goes round under one lock.
struct dev { spinlock_t lock; struct mutex config; int irq; int state; struct list_head bufs; };
struct buf { struct list_head node; void *mem; };

/* Called with d->lock held. */
static void dev_update_locked(struct dev *d)
{
	mutex_lock(&d->config);
	d->state++;
	mutex_unlock(&d->config);
}

static void dev_update(struct dev *d)
{
	spin_lock(&d->lock);
	dev_update_locked(d);
	d->irq = 0;
	spin_unlock(&d->lock);
}

static void dev_only(struct dev *d)
{
	spin_lock(&d->lock);
	free_irq(d->irq, d);
	spin_unlock(&d->lock);
}

static int dev_try(struct dev *d)
{
	int ret;

	spin_lock(&d->lock);
	ret = mutex_lock_interruptible(&d->config);
	if (ret == 0)
		d->state++;
	spin_unlock(&d->lock);
	return ret;
}

static void dev_drop_all(struct dev *d)
{
	struct buf *b, *next;

	spin_lock(&d->lock);
	list_for_each_entry_safe(b, next, &d->bufs, node) {
		list_del(&b->node);
		vfree(b->mem);
	}
	d->state = 0;
	spin_unlock(&d->lock);
}
