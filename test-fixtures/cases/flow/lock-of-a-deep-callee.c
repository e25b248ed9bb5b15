// A lock that a callee finds by itself and gives back on an odd way is not the lock of callers far above.
static void put_one(struct page *p, int odd)
{
	struct vec *v = vec_of(p);

	if (odd)
		spin_unlock(&v->state_lock);
}

static void reclaim(struct page *p, int odd)
{
	put_one(p, odd);
}

static int access(struct page *p)
{
	reclaim(p, 1);
	return 0;
}

void f(struct head *h, struct page *p)
{
	access(p);
	spin_lock(&h->state_lock);
	msleep(1);
//      ^^^^^^ sleep-in-atomic[high] under spinlock h->state_lock: f > msleep
	spin_unlock(&h->state_lock);
}

static void vec_unlock_now(struct page *p)
{
	put_one(p, 1);
}

void g(struct page *p)
{
	struct vec *v = vec_of(p);

	spin_lock(&v->state_lock);
	vec_unlock_now(p);
	msleep(1);
}
