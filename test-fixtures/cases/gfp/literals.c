// An allocation sleeps if and only if its flags allow direct reclaim.
static DEFINE_SPINLOCK(lock);

void f(void)
{
	void *p;

	spin_lock(&lock);
	p = kmalloc(64, GFP_KERNEL);
//          ^^^^^^^ gfp-in-atomic[high] under spinlock lock: f > kmalloc
	p = kzalloc(64, GFP_NOIO);
//          ^^^^^^^ gfp-in-atomic[high] under spinlock lock: f > kzalloc
	p = kmalloc(64, GFP_NOFS | __GFP_NOWARN);
//          ^^^^^^^ gfp-in-atomic[high] under spinlock lock: f > kmalloc
	p = kmalloc(64, GFP_ATOMIC | GFP_KERNEL);
//          ^^^^^^^ gfp-in-atomic[high] under spinlock lock: f > kmalloc
	p = kmalloc(64, GFP_ATOMIC);
	p = kzalloc(64, GFP_NOWAIT | __GFP_NOWARN);
	p = kmalloc(64, GFP_KERNEL & ~__GFP_DIRECT_RECLAIM);
	p = kmalloc(64, 0);
	spin_unlock(&lock);
	p = kmalloc(64, GFP_KERNEL);
}
