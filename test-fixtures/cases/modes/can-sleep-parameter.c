// A parameter that says whether sleeping is allowed is followed with its constant.
static DEFINE_SPINLOCK(lock);

static void pause_a_bit(struct dev *d, bool can_sleep)
{
	if (can_sleep)
		msleep(1);
	else
		udelay(10);
}

void f(struct dev *d)
{
	spin_lock(&lock);
	pause_a_bit(d, false);
	pause_a_bit(d, true);
//      ^^^^^^^^^^^ sleep-in-atomic[high] under spinlock lock: f > pause_a_bit > msleep
	pause_a_bit(d, 0);
	spin_unlock(&lock);
	pause_a_bit(d, true);
}
