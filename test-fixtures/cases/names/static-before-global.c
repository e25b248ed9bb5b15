// A static function hides the global one of its name in its file, and only there.
//- lib/flush.c
void flush_all(void)
{
	msleep(1);
}
//- drivers/a/own.c
static DEFINE_SPINLOCK(lock);

static void flush_all(void)
{
}

void own(void)
{
	spin_lock(&lock);
	flush_all();
	spin_unlock(&lock);
}
//- drivers/b/shared.c
static DEFINE_SPINLOCK(lock);

void shared(void)
{
	spin_lock(&lock);
	flush_all();
//      ^^^^^^^^^ sleep-in-atomic[high] under spinlock lock: shared > flush_all > msleep
	spin_unlock(&lock);
}
