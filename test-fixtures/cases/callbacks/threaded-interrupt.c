// Of a threaded interrupt only the hard half is atomic.
static irqreturn_t hard_half(int irq, void *data)
{
	msleep(1);
//      ^^^^^^ sleep-in-atomic-callback[medium, registered-callback] under hardirq: hard_half > msleep
	return IRQ_WAKE_THREAD;
}

static irqreturn_t thread_half(int irq, void *data)
{
	msleep(1);
	return IRQ_HANDLED;
}

static irqreturn_t only_thread(int irq, void *data)
{
	msleep(1);
	return IRQ_HANDLED;
}

int probe(struct dev *d)
{
	devm_request_threaded_irq(d->dev, d->irq, NULL, only_thread, IRQF_ONESHOT, "b", d);
	return request_threaded_irq(d->irq, hard_half, thread_half, 0, "a", d);
}
