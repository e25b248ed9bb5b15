// A chain through many files is low: one of its steps may exclude the sleep.
//- min-confidence: low
//- d/f.c
static DEFINE_SPINLOCK(lock);

void f(void)
{
	spin_lock(&lock);
	g1();
//      ^^ sleep-in-atomic[low, long-chain] under spinlock lock: f > g1 > g2 > g3 > g4 > g5 > g6 > msleep
	spin_unlock(&lock);
}
//- d/g1.c
void g1(void)
{
	g2();
}
//- d/g2.c
void g2(void)
{
	g3();
}
//- d/g3.c
void g3(void)
{
	g4();
}
//- d/g4.c
void g4(void)
{
	g5();
}
//- d/g5.c
void g5(void)
{
	g6();
}
//- d/g6.c
void g6(void)
{
	msleep(1);
}
