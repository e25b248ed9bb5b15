// With preemption off sleeping is a bug, whichever primitive turned it off.
void explicit(void)
{
	preempt_disable();
	msleep(1);
//      ^^^^^^ sleep-in-atomic[high] under preempt-off: explicit > msleep
	preempt_enable();
	msleep(1);
}

void on_this_cpu(void)
{
	int cpu = get_cpu();

	prepare(cpu);
	msleep(1);
//      ^^^^^^ sleep-in-atomic[high] under preempt-off: on_this_cpu > msleep
	put_cpu();
	msleep(1);
}

void mapped(struct page *page)
{
	void *p = kmap_atomic(page);

	mutex_lock(&m);
//      ^^^^^^^^^^ sleep-in-atomic[high] under preempt-off: mapped > mutex_lock
	mutex_unlock(&m);
	kunmap_atomic(p);
}
