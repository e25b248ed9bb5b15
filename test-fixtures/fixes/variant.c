// Twins of sleeping calls with the same arguments, each naming what it does not promise.
struct dev { spinlock_t lock; struct work_struct work; struct mm_struct *mm; int state; };

static void dev_quiet(struct dev *d)
{
	spin_lock(&d->lock);
	d->state = 0;
	if (d->state)
		return_state(d);
	cancel_work_sync(&d->work);
	d->state = read_state(d);
	spin_unlock(&d->lock);
}

static irqreturn_t dev_irq(int irq, void *data)
{
	struct dev *d = data;

	disable_irq(irq);
	d->state = 1;
	return IRQ_HANDLED;
}

static int dev_probe(struct dev *d, int irq)
{
	return request_irq(irq, dev_irq, 0, "dev", d);
}
