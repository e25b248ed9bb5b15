// A call through an ops table goes to the functions installed in that field of that type.
static DEFINE_SPINLOCK(lock);

struct codec_ops {
	void (*sync)(struct codec *c);
	void (*kick)(struct codec *c);
};

struct codec {
	const struct codec_ops *ops;
};

static void slow_sync(struct codec *c)
{
	msleep(1);
}

static void fast_kick(struct codec *c)
{
	udelay(1);
}

static const struct codec_ops ops = {
	.sync = slow_sync,
	.kick = fast_kick,
};

void f(struct codec *c)
{
	spin_lock(&lock);
	c->ops->kick(c);
	c->ops->sync(c);
//              ^^^^ sleep-in-atomic[medium, function-pointer] under spinlock lock: f > slow_sync > msleep
	spin_unlock(&lock);
}
