// An interrupt handler is atomic because it is registered as one.
static irqreturn_t handler(int irq, void *data)
{
	mutex_lock(&m);
//      ^^^^^^^^^^ sleep-in-atomic-callback[medium, registered-callback] under hardirq: handler > mutex_lock
	mutex_unlock(&m);
	return IRQ_HANDLED;
}

static irqreturn_t never_registered(int irq, void *data)
{
	mutex_lock(&m);
	mutex_unlock(&m);
	return IRQ_HANDLED;
}

int probe(struct dev *d)
{
	return request_irq(d->irq, handler, 0, "example", d);
}
