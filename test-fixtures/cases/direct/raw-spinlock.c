// Raw spinlocks make code atomic like any other.
static DEFINE_RAW_SPINLOCK(lock);

void plain(void)
{
	raw_spin_lock(&lock);
	mutex_lock(&m);
//      ^^^^^^^^^^ sleep-in-atomic[high] under raw-spinlock lock: plain > mutex_lock
	mutex_unlock(&m);
	raw_spin_unlock(&lock);
}

void irqsave(void)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&lock, flags);
	down_write(&sem);
//      ^^^^^^^^^^ sleep-in-atomic[high] under raw-spinlock lock: irqsave > down_write
	up_write(&sem);
	raw_spin_unlock_irqrestore(&lock, flags);
}
