// A sleep behind a counter that went to zero happens when the last reference goes.
static DEFINE_SPINLOCK(lock);

static void obj_put(struct obj *o)
{
	if (refcount_dec_and_test(&o->refs))
		cancel_work_sync(&o->work);
}

static void ref_put(struct obj *o)
{
	if (atomic_dec_return(&o->refs))
		return;
	cancel_work_sync(&o->work);
}

void f(struct obj *o)
{
	spin_lock(&lock);
	obj_put(o);
//      ^^^^^^^ sleep-in-atomic[medium, last-reference] under spinlock lock: f > obj_put > cancel_work_sync
	ref_put(o);
//      ^^^^^^^ sleep-in-atomic[medium, last-reference] under spinlock lock: f > ref_put > cancel_work_sync
	spin_unlock(&lock);
}
