// Helpers of one file make a chain no less certain, however many there are.
static DEFINE_SPINLOCK(lock);

static void h9(void)
{
	msleep(1);
}

static void h8(void)
{
	h9();
}

static void h7(void)
{
	h8();
}

static void h6(void)
{
	h7();
}

static void h5(void)
{
	h6();
}

static void h4(void)
{
	h5();
}

static void h3(void)
{
	h4();
}

static void h2(void)
{
	h3();
}

static void h1(void)
{
	h2();
}

void f(void)
{
	spin_lock(&lock);
	h1();
//      ^^ sleep-in-atomic[high] under spinlock lock: f > h1 > h2 > h3 > h4 > h5 > h6 > h7 > h8 > h9 > msleep
	spin_unlock(&lock);
}
