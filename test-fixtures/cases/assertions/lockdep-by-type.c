// lockdep_assert_held() says that a spinlock is held only where the lock is one.
struct dev {
	spinlock_t lock;
	struct mutex mutex;
};

static void under_spinlock(struct dev *d)
{
	lockdep_assert_held(&d->lock);
	msleep(1);
//      ^^^^^^ sleep-in-atomic[medium, assertion] under spinlock d->lock: under_spinlock > msleep
}

static void under_mutex(struct dev *d)
{
	lockdep_assert_held(&d->mutex);
	msleep(1);
}
