// Functions that call each other are analysed to an end, and the chain goes through each once.
static DEFINE_SPINLOCK(lock);

static void odd(int n);

static void even(int n)
{
	if (n)
		odd(n - 1);
}

static void odd(int n)
{
	msleep(n);
	even(n - 1);
}

void f(int n)
{
	spin_lock(&lock);
	odd(n);
//      ^^^ sleep-in-atomic[high] under spinlock lock: f > odd > msleep
	spin_unlock(&lock);
}
