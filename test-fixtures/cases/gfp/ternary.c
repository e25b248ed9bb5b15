// A choice between flags is decided where its condition is.
static DEFINE_SPINLOCK(lock);

static void *make(bool atomic)
{
	return kmalloc(64, atomic ? GFP_ATOMIC : GFP_KERNEL);
}

void f(void)
{
	void *p;

	spin_lock(&lock);
	p = make(true);
	p = make(false);
//          ^^^^ gfp-in-atomic[high] under spinlock lock: f > make > kmalloc
	spin_unlock(&lock);
}
