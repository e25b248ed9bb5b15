// Constants that a caller passes, negative ones too, exclude branches of the callee.
static DEFINE_SPINLOCK(lock);

static void account(long delta)
{
	if (delta > 0)
		msleep(1);
}

static void at_three(long n)
{
	if (n == 3)
		msleep(1);
}

void f(void)
{
	spin_lock(&lock);
	account(0);
	account(-5);
	at_three(-2);
	account(5);
//      ^^^^^^^ sleep-in-atomic[high] under spinlock lock: f > account > msleep
	at_three(3);
//      ^^^^^^^^ sleep-in-atomic[high] under spinlock lock: f > at_three > msleep
	spin_unlock(&lock);
}
