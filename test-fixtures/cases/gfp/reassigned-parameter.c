// A parameter that only one branch assigns keeps its own value on the other.
static DEFINE_SPINLOCK(lock);

static void *get(struct pool *p, gfp_t gfp)
{
	if (p->charged)
		gfp |= __GFP_ACCOUNT;
	return kmalloc(4, gfp);
}

static void *get_blocking(struct pool *p, gfp_t gfp)
{
	if (p->charged)
		gfp |= __GFP_ACCOUNT;
	return gfpflags_allow_blocking(gfp) ? kmalloc(4, gfp) : NULL;
}

void f(struct pool *p)
{
	spin_lock(&lock);
	get(p, GFP_ATOMIC);
	get_blocking(p, GFP_ATOMIC);
	get(p, GFP_KERNEL);
//      ^^^ gfp-in-atomic[high] under spinlock lock: f > get > kmalloc
	spin_unlock(&lock);
}
