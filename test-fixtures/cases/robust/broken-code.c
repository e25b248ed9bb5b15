// Code that is being typed does not hide the functions around it.
static DEFINE_SPINLOCK(lock);

void before(void)
{
	spin_lock(&lock);
	msleep(1);
//      ^^^^^^ sleep-in-atomic[high] under spinlock lock: before > msleep
	spin_unlock(&lock);
}

void being_typed(struct item *i)
{
	if (i->
}

void after(void)
{
	spin_lock(&lock);
	msleep(1);
//      ^^^^^^ sleep-in-atomic[high] under spinlock lock: after > msleep
	spin_unlock(&lock);
}
