// A function that passes its flags on sleeps for those callers only that allow it.
static DEFINE_SPINLOCK(lock);

static void *make_node(int n, gfp_t gfp)
{
	return kzalloc(n, gfp);
}

static void *make(gfp_t gfp)
{
	return make_node(64, gfp | __GFP_NOWARN);
}

void f(void)
{
	void *p;

	spin_lock(&lock);
	p = make(GFP_KERNEL);
//          ^^^^ gfp-in-atomic[high] under spinlock lock: f > make > make_node > kzalloc
	p = make(GFP_ATOMIC);
	p = make_node(8, GFP_NOWAIT);
	spin_unlock(&lock);
	p = make(GFP_KERNEL);
}
