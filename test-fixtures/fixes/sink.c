// What gives something back moves to after the unlock: with its condition, on every way out, with what it works on saved.
struct dev { spinlock_t lock; int irq; int open; int count; void *buf; struct clk *clk; };

static void dev_close(struct dev *d)
{
	spin_lock(&d->lock);
	d->open = 0;
	/* The line is not used any more. */
	free_irq(d->irq, d);
	spin_unlock(&d->lock);
}

static int dev_stop(struct dev *d)
{
	unsigned long flags;

	spin_lock_irqsave(&d->lock, flags);
	if (d->irq)
		free_irq(d->irq, d);

	if (d->open > 1) {
		spin_unlock_irqrestore(&d->lock, flags);
		return -EBUSY;
	}
	d->open = 0;
	spin_unlock_irqrestore(&d->lock, flags);
	return 0;
}

static void dev_put(struct dev *d)
{
	spin_lock(&d->lock);
	if (--d->count == 0) {
		d->open = 0;
		free_irq(d->irq, d);
	}
	dev_note(d);
	spin_unlock(&d->lock);
}

static void dev_drop_buffer(struct dev *d)
{
	spin_lock(&d->lock);
	vfree(d->buf);
	d->buf = NULL;
	spin_unlock(&d->lock);
}

static void dev_power_off(struct dev *d)
{
	spin_lock(&d->lock);
	clk_disable_unprepare(d->clk);
	d->open = 0;
	spin_unlock(&d->lock);
}
