// Putting a reference sleeps only when it is the last one.
static DEFINE_SPINLOCK(lock);

void f(struct device *dev)
{
	spin_lock(&lock);
	put_device(dev);
//      ^^^^^^^^^^ sleep-in-atomic[medium, last-reference] under spinlock lock: f > put_device
	spin_unlock(&lock);
}
