// Flags that come out of an object are not decided.
static DEFINE_SPINLOCK(lock);

//- min-confidence: low
void f(struct pool *pool)
{
	spin_lock(&lock);
	kmalloc(64, pool->gfp);
//      ^^^^^^^ gfp-in-atomic[low] under spinlock lock: f > kmalloc
	spin_unlock(&lock);
}
