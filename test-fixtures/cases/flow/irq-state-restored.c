// Restoring saved flags inside a section with interrupts off leaves them off.
static DEFINE_SPINLOCK(lock);

void f(void)
{
	unsigned long flags;

	local_irq_disable();
	spin_lock_irqsave(&lock, flags);
	spin_unlock_irqrestore(&lock, flags);
	msleep(1);
//      ^^^^^^ sleep-in-atomic[high] under irq-off: f > msleep
	local_irq_enable();
	msleep(2);
}

void mixed_suffixes(void)
{
	unsigned long flags;

	spin_lock_irqsave(&lock, flags);
	spin_unlock(&lock);
	msleep(1);
//      ^^^^^^ sleep-in-atomic[high]: mixed_suffixes > msleep
	local_irq_restore(flags);
	msleep(2);
}
