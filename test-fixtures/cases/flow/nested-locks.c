// The inner unlock leaves the outer lock held.
static DEFINE_SPINLOCK(outer);
static DEFINE_SPINLOCK(inner);

void f(void)
{
	spin_lock(&outer);
	spin_lock(&inner);
	spin_unlock(&inner);
	msleep(1);
//      ^^^^^^ sleep-in-atomic[high] under spinlock outer: f > msleep
	spin_unlock(&outer);
	msleep(1);
}
