// A function installed in another type's field of the same name is no target.
static DEFINE_SPINLOCK(lock);

struct quick_ops {
	void (*sync)(void);
};

struct slow_ops {
	void (*sync)(void);
};

struct quick {
	const struct quick_ops *ops;
};

static void quick_sync(void)
{
}

static void slow_sync(void)
{
	msleep(1);
}

static const struct quick_ops quick_ops = { .sync = quick_sync };
static const struct slow_ops slow_ops = { .sync = slow_sync };

void f(struct quick *q)
{
	spin_lock(&lock);
	q->ops->sync();
	spin_unlock(&lock);
}
