// A driver's own name for flags is what it is defined as.
#define MY_GFP		(GFP_KERNEL | __GFP_ZERO)
#define MY_ATOMIC_GFP	(GFP_ATOMIC | __GFP_ZERO)

static DEFINE_SPINLOCK(lock);

void f(void)
{
	void *p;

	spin_lock(&lock);
	p = kmalloc(64, MY_GFP);
//          ^^^^^^^ gfp-in-atomic[high] under spinlock lock: f > kmalloc
	p = kmalloc(64, MY_ATOMIC_GFP);
	spin_unlock(&lock);
}
