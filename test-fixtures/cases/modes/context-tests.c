// Tests of the running context rule out a sleep where they see the context.
static DEFINE_SPINLOCK(lock);

static void lazily(struct dev *d)
{
	if (in_interrupt())
		return;
	mutex_lock(&d->m);
	mutex_unlock(&d->m);
}

static void with_irqs(struct dev *d)
{
	if (!irqs_disabled())
		msleep(1);
}

void seen(struct dev *d)
{
	unsigned long flags;

	spin_lock_bh(&lock);
	lazily(d);
	spin_unlock_bh(&lock);

	spin_lock_irqsave(&lock, flags);
	with_irqs(d);
	spin_unlock_irqrestore(&lock, flags);
}

void not_seen(struct dev *d)
{
	spin_lock(&lock);
	lazily(d);
//      ^^^^^^ sleep-in-atomic[medium] under spinlock lock: not_seen > lazily > mutex_lock
	with_irqs(d);
//      ^^^^^^^^^ sleep-in-atomic[medium] under spinlock lock: not_seen > with_irqs > msleep
	spin_unlock(&lock);
}
