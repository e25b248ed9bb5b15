// A static function is the one of its own file.
//- drivers/a/a.c
static DEFINE_SPINLOCK(lock);

static void reset(struct dev *d)
{
	udelay(1);
}

void a_stop(struct dev *d)
{
	spin_lock(&lock);
	reset(d);
	spin_unlock(&lock);
}
//- drivers/b/b.c
static DEFINE_SPINLOCK(lock);

static void reset(struct dev *d)
{
	msleep(1);
}

void b_stop(struct dev *d)
{
	spin_lock(&lock);
	reset(d);
//      ^^^^^ sleep-in-atomic[high] under spinlock lock: b_stop > reset > msleep
	spin_unlock(&lock);
}
