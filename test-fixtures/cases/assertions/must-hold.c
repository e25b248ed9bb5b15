// __must_hold() of a spinlock is a context on entry; of a mutex it is none.
static DEFINE_SPINLOCK(lock);
static DEFINE_MUTEX(mutex);

static void f(struct dev *d) __must_hold(&lock)
{
	msleep(1);
//      ^^^^^^ sleep-in-atomic[medium, annotation] under spinlock lock: f > msleep
}

static void g(struct dev *d) __must_hold(&mutex)
{
	msleep(1);
}
