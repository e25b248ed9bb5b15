// A sleeping call under a spinlock is found, whatever the suffix of the lock function.
static DEFINE_SPINLOCK(lock);

void plain(void)
{
	spin_lock(&lock);
	msleep(10);
//      ^^^^^^ sleep-in-atomic[high] under spinlock lock: plain > msleep
	spin_unlock(&lock);
}

void irq(void)
{
	spin_lock_irq(&lock);
	msleep(10);
//      ^^^^^^ sleep-in-atomic[high] under spinlock lock: irq > msleep
	spin_unlock_irq(&lock);
}

void irqsave(void)
{
	unsigned long flags;

	spin_lock_irqsave(&lock, flags);
	msleep(10);
//      ^^^^^^ sleep-in-atomic[high] under spinlock lock: irqsave > msleep
	spin_unlock_irqrestore(&lock, flags);
}

void bh(void)
{
	spin_lock_bh(&lock);
	msleep(10);
//      ^^^^^^ sleep-in-atomic[high] under spinlock lock: bh > msleep
	spin_unlock_bh(&lock);
}

void nested(void)
{
	spin_lock_nested(&lock, SINGLE_DEPTH_NESTING);
	msleep(10);
//      ^^^^^^ sleep-in-atomic[high] under spinlock lock: nested > msleep
	spin_unlock(&lock);
}
