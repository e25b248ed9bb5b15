// A switch that the file itself turns off or on once decides its #if branches.
#define DUMP_IT 0	/* for debugging */
#define CHECK_IT (1)
static DEFINE_SPINLOCK(lock);

void f(void)
{
	spin_lock(&lock);
#if DUMP_IT
	msleep(1);
#endif
#if CHECK_IT
	msleep(2);
//      ^^^^^^ sleep-in-atomic[high] under spinlock lock: f > msleep
#else
	msleep(3);
#endif
	spin_unlock(&lock);
}
